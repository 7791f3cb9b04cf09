"""Names why TLS with Redis fails.

Most reasons are in the exception. Some are not: a server that ends a connection at once, or that is silent, says
nothing. `ask_why` then makes a connection of its own and looks how the server behaves.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import TYPE_CHECKING, Final

from startup.broker.tls_files import CA, CERTIFICATE, KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from startup.broker.redis_url import RedisUrl

_ASK_SECONDS: Final = 1.0
"""How long `ask_why` waits for each thing that the server may say."""

_OWN_FILES: Final = f"look at {CERTIFICATE} and {KEY} in INTAKE_REDIS_URL"
"""What to do about this client's own certificate."""


EXPIRED: Final = "tls_certificate_expired"
"""The server's certificate was good until some time ago."""
NOT_YET_VALID: Final = "tls_certificate_not_yet_valid"
"""The server's certificate will be good some time later."""
UNKNOWN_CA: Final = "tls_unknown_ca"
"""The server's certificate comes from somebody unknown."""
WRONG_HOST: Final = "tls_wrong_host"
"""The server's certificate is for another host."""
NOT_VERIFIED: Final = "tls_certificate_refused"
"""The server's certificate is not good, for a reason that has no name here."""
CLIENT_MISSING: Final = "tls_client_certificate_missing"
"""The server wants mutual TLS."""
CLIENT_REFUSED: Final = "tls_client_certificate_refused"
"""The server trusts other authorities."""
CLIENT_EXPIRED: Final = "tls_client_certificate_expired"
"""The client's own certificate is too old."""
NO_TLS: Final = "tls_not_spoken"
"""A URL with TLS leads to a port without."""
TLS_NEEDED: Final = "tls_required"
"""A URL without TLS leads to a port with it."""
NO_COMMON: Final = "tls_no_common_version"
"""One side is too old for the other."""

SENTENCES: Final = {
    EXPIRED: "the certificate of Redis, or of its authority, has expired",
    NOT_YET_VALID: "the certificate of Redis, or of its authority, is not valid yet: look at this machine's clock",
    UNKNOWN_CA: f"no authority that is trusted here has signed the certificate of Redis: name yours in {CA}",
    WRONG_HOST: "the certificate of Redis is for another name than the host that this process connects to",
    NOT_VERIFIED: "the certificate of Redis is refused for a reason other than its dates, its name and its authority",
    CLIENT_MISSING: f"Redis asks for a client certificate, and none was given: {_OWN_FILES}",
    CLIENT_REFUSED: f"Redis refuses this client's certificate, most often for its authority: {_OWN_FILES}",
    CLIENT_EXPIRED: f"this client's certificate has expired: {_OWN_FILES}",
    NO_TLS: "Redis speaks no TLS on this port: take its tls-port, or a URL without TLS",
    TLS_NEEDED: "Redis speaks TLS alone on this port: begin INTAKE_REDIS_URL with rediss://",
    NO_COMMON: "Redis and this process share no version of TLS, or no cipher",
}
"""What each fault means and what to do."""

_OF_VERIFICATION: Final = {
    9: NOT_YET_VALID,
    10: EXPIRED,
    # No issuer, a certificate that has signed itself, or such a one at the end of the chain.
    2: UNKNOWN_CA,
    18: UNKNOWN_CA,
    19: UNKNOWN_CA,
    20: UNKNOWN_CA,
    21: UNKNOWN_CA,
    # A name, or an IP address.
    62: WRONG_HOST,
    64: WRONG_HOST,
}
"""By OpenSSL's number of the fault (`X509_V_ERR_…`)."""

_OF_REASONS: Final = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": CLIENT_MISSING,
    # Before TLS 1.3 a missing certificate is a failed handshake.
    "SSLV3_ALERT_HANDSHAKE_FAILURE": CLIENT_MISSING,
    "TLSV1_ALERT_UNKNOWN_CA": CLIENT_REFUSED,
    "SSLV3_ALERT_BAD_CERTIFICATE": CLIENT_REFUSED,
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": CLIENT_REFUSED,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": CLIENT_REFUSED,
    "SSLV3_ALERT_CERTIFICATE_REVOKED": CLIENT_REFUSED,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": CLIENT_EXPIRED,
    "TLSV1_ALERT_PROTOCOL_VERSION": NO_COMMON,
    "UNSUPPORTED_PROTOCOL": NO_COMMON,
    "NO_PROTOCOLS_AVAILABLE": NO_COMMON,
    "WRONG_VERSION_NUMBER": NO_TLS,
    "HTTP_REQUEST": NO_TLS,
    "RECORD_LAYER_FAILURE": NO_TLS,
}
"""By OpenSSL's name of the fault."""


def tls_fault_of(error: BaseException) -> str | None:
    """The fault that this exception, or one that it comes from, tells; None if it tells none."""
    for each in _chain(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return _OF_VERIFICATION.get(each.verify_code, NOT_VERIFIED)
        if isinstance(each, ssl.SSLError) and each.reason in _OF_REASONS:
            return _OF_REASONS[each.reason]
    return None


def ask_why(url: RedisUrl) -> str | None:
    """Ask the server why it ends connections or is silent. None if TLS is not the reason, or if the server is away.

    Call it only after a connection failed: it takes up to two seconds, and each call is a line in the server's log.
    """
    if url.sentinels is not None:
        # Nobody knows which server it was.
        return None
    try:
        return _ask_with_tls(url) if url.tls else _ask_without_tls(url)
    except OSError:
        return None


def _ask_with_tls(url: RedisUrl) -> str | None:
    files = dict(url.tls_files)
    context = ssl.create_default_context(cafile=files.get(CA))
    if CERTIFICATE in files:
        context.load_cert_chain(files[CERTIFICATE], files.get(KEY))
    try:
        with _connected(url) as plain, context.wrap_socket(plain, server_hostname=url.host) as secured:
            # With TLS 1.3 the server judges the client's certificate after the handshake. Whoever writes then may get
            # a reset in place of the reason. So nothing is written.
            secured.recv(1)
    except ssl.SSLError as error:
        if (found := tls_fault_of(error)) is not None:
            return found
    except OSError:
        pass
    else:
        return None
    with _connected(url) as plain:
        plain.sendall(b"PING\r\n")
        # A plain Redis answers +PONG or -NOAUTH. A TLS server sends an alert, or ends the connection.
        return NO_TLS if plain.recv(1) in {b"+", b"-"} else None


def _ask_without_tls(url: RedisUrl) -> str | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Nothing is sent to the server, so it does not matter who it is.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with _connected(url) as plain, context.wrap_socket(plain):
            return TLS_NEEDED
    except ssl.SSLError as error:
        return TLS_NEEDED if _OF_REASONS.get(error.reason) not in {None, NO_TLS} else None


def _connected(url: RedisUrl) -> contextlib.closing[socket.socket]:
    connected = socket.create_connection((url.host, url.port), timeout=_ASK_SECONDS)
    connected.settimeout(_ASK_SECONDS)
    return contextlib.closing(connected)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or each.__context__
