"""Finds out why TLS with MongoDB fails. The driver tells no more of it than that a server is away.

A server is asked on a connection of its own. Only how it behaves is looked at: nothing that it says is kept.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_plus

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from startup.broker.tls_faults import (
    CLIENT_EXPIRED,
    CLIENT_MISSING,
    CLIENT_REFUSED,
    EXPIRED,
    NO_COMMON,
    NO_TLS,
    NOT_VERIFIED,
    NOT_YET_VALID,
    TLS_NEEDED,
    UNKNOWN_CA,
    WRONG_HOST,
    tls_fault_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_ASK_SECONDS: Final = 1.0
"""How long each thing may take that the server is asked."""

TLS_FAILED: Final = "SSLHandshakeFailed"
"""The code of every fault, as MongoDB itself calls it."""

ADVICE: Final = {
    EXPIRED: "the certificate of MongoDB, or of its authority, has expired",
    NOT_YET_VALID: "the certificate of MongoDB, or of its authority, is not valid yet: look at this machine's clock",
    UNKNOWN_CA: "no authority that is trusted here has signed the certificate of MongoDB: name yours in tlsCAFile",
    WRONG_HOST: "the certificate of MongoDB is for another name than the host that the worker connects to",
    NOT_VERIFIED: "the certificate of MongoDB is refused for a reason other than its dates, its name and its authority",
    CLIENT_MISSING: "MongoDB ends connections without a client certificate: name one in tlsCertificateKeyFile",
    CLIENT_REFUSED: "MongoDB refuses the certificate of tlsCertificateKeyFile: look at its dates and its authority",
    CLIENT_EXPIRED: "the client certificate of tlsCertificateKeyFile has expired",
    NO_TLS: "MongoDB speaks no TLS: set tlsMode there, or tls=false in INTAKE_MONGODB_URI",
    TLS_NEEDED: "MongoDB speaks TLS alone: add tls=true to INTAKE_MONGODB_URI",
    NO_COMMON: "MongoDB and the worker share no version of TLS, or no cipher",
}
"""What to do about each fault."""


@dataclass(frozen=True, slots=True)
class MongoTls:
    """What a URI says of TLS."""

    tls: bool = False
    ca_file: str | None = None
    certificate_file: str | None = None
    verify_names: bool = True
    verify: bool = True

    @classmethod
    def of(cls, uri: str) -> MongoTls:
        """Read these options from a URI that pymongo takes."""
        scheme, _, rest = uri.partition("://")
        options = {}
        for option in rest.partition("?")[2].split("&"):
            name, _, value = option.partition("=")
            options[name.lower()] = unquote_plus(value)
        files = options.get("tlscafile"), options.get("tlscertificatekeyfile")
        told = options.get("tls", options.get("ssl"))
        insecure = options.get("tlsinsecure") == "true"
        return cls(
            # mongodb+srv and options for files turn TLS on.
            tls=told == "true" if told else scheme == "mongodb+srv" or any(files),
            ca_file=files[0],
            certificate_file=files[1],
            verify_names=not insecure and options.get("tlsallowinvalidhostnames") != "true",
            verify=not insecure and options.get("tlsallowinvalidcertificates") != "true",
        )

    def context(self) -> ssl.SSLContext:
        """A context with these options."""
        context = ssl.create_default_context(cafile=self.ca_file)
        context.check_hostname = self.verify and self.verify_names
        context.verify_mode = ssl.CERT_REQUIRED if self.verify else ssl.CERT_NONE
        if self.certificate_file is not None:
            context.load_cert_chain(self.certificate_file)
        return context


def ask_why(addresses: Iterable[tuple[str, int | None]], tls: MongoTls) -> str | None:
    """The fault of the first server that has one; None if TLS is not why these servers cannot be used."""
    for host, port in addresses:
        if port is None:
            continue  # a socket in the file system has no TLS
        with contextlib.suppress(OSError):
            if (fault := _ask_with_tls(host, port, tls) if tls.tls else _ask_plainly(host, port)) is not None:
                return fault
    return None


def _ask_with_tls(host: str, port: int, tls: MongoTls) -> str | None:
    try:
        with _connected(host, port) as plain, tls.context().wrap_socket(plain, server_hostname=host) as secured:
            # MongoDB judges the client's certificate after the handshake, and then ends the connection without a word.
            if secured.recv(1) == b"":
                return CLIENT_MISSING if tls.certificate_file is None else CLIENT_REFUSED
    except TimeoutError:
        return None
    except ssl.SSLEOFError:
        return NO_TLS if _answers_plainly(host, port) else None
    except ssl.SSLError as error:
        return tls_fault_of(error)
    return None


def _ask_plainly(host: str, port: int) -> str | None:
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Nothing is sent to the server, so it does not matter who it is.
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE
    with _connected(host, port) as plain, anybody.wrap_socket(plain):
        return TLS_NEEDED


def _answers_plainly(host: str, port: int) -> bool:
    milliseconds = int(1000 * _ASK_SECONDS)
    client: MongoClient[dict[str, Any]] = MongoClient(
        host, port, directConnection=True, serverSelectionTimeoutMS=milliseconds, connectTimeoutMS=milliseconds
    )
    with client, contextlib.suppress(PyMongoError):
        return bool(client.admin.command("hello")["ok"])
    return False


def _connected(host: str, port: int) -> contextlib.closing[socket.socket]:
    return contextlib.closing(socket.create_connection((host, port), timeout=_ASK_SECONDS))
