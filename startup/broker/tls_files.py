"""Tries the PEM files of a TLS connection, so that a fault in one is told as the process starts.

Otherwise each connection would fail with an error that names no file.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

CA: Final = "ssl_ca_certs"
"""redis-py's name for the file of the authorities that are trusted."""
CERTIFICATE: Final = "ssl_certfile"
"""redis-py's name for the file of this client's own certificate."""
KEY: Final = "ssl_keyfile"
"""redis-py's name for the file of the private key to it."""

FILE_OPTIONS: Final = (CA, CERTIFICATE, KEY)
"""The options of a URL that name a PEM file."""


class _EncryptedError(Exception):
    """The key has a passphrase."""


def fault_of_files(files: Mapping[str, str]) -> str | None:
    """What is wrong with these files, as the end of a sentence that begins with the variable's name; None if nothing.

    Args:
        files: paths of readable files, by the names above.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if CA in files:
            context.load_verify_locations(files[CA])
    except (ssl.SSLError, OSError):
        return f"names in {CA} a file without a certificate in PEM form"
    if CERTIFICATE not in files:
        return f"names {KEY} without {CERTIFICATE}" if KEY in files else None
    try:
        # Without a callback OpenSSL would ask for a passphrase on the terminal, and wait.
        context.load_cert_chain(files[CERTIFICATE], files.get(KEY), password=_no_passphrase)
    except _EncryptedError:
        return f"names in {KEY} a key with a passphrase, which nobody can type here: remove the passphrase"
    except (ssl.SSLError, OSError) as error:
        if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
            return f"names in {KEY} a key that does not belong to the certificate of {CERTIFICATE}"
        return f"names in {CERTIFICATE} and {KEY} no certificate and key in PEM form"
    return None


def _no_passphrase() -> str:
    raise _EncryptedError
