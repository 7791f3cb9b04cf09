"""How the service wants hashes to be written: the PHC string format, and its own for digests (schemas/password_hashes).

The reference is docs/password-hashes.md.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from cli.importing.hashes.foreign_hash import ForeignHashError
from schemas.password_hashes.digests import Digest, written_digest

if TYPE_CHECKING:
    from schemas.password_hashes.digests import Step

PBKDF2_BYTES: Final = {"sha1": 20, "sha256": 32, "sha512": 64}
"""The hashes that the service takes under PBKDF2 → bytes of one block."""


def digits(content: bytes) -> str:
    """Standard base64 without padding."""
    return base64.b64encode(content).decode("ascii").rstrip("=")


def bytes_of_base64(text: str, what: str) -> bytes:
    """Read standard or URL-safe base64, with and without padding.

    Args:
        text: what is written.
        what: what a person calls it, for the complaint.

    Raises:
        ForeignHashError: it is not base64.
    """
    standard = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ForeignHashError(f"has a {what} that is not base64") from None


def bytes_of_text(text: str) -> bytes:
    """A salt that is a text, as products put it before a password.

    Raises:
        ForeignHashError: it is no text that UTF-8 can write.
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ForeignHashError("has a salt that is no text") from None


def digest(steps: tuple[Step, ...], content: bytes) -> str:
    """A digest without a cost, with the steps that make it."""
    return written_digest(Digest(steps, content.hex()))


def pbkdf2(hash_name: str, *, iterations: int, salt: bytes, content: bytes) -> str:
    """PBKDF2 with HMAC over a hash of `PBKDF2_BYTES`.

    PBKDF2 makes what is longer than the hash block by block (RFC 8018, section 5.2), each from the password alone. So
    the first block is what a login would compute that asks for no more, and the service takes no more.
    """
    return f"$pbkdf2-{hash_name}$i={iterations}${digits(salt)}${digits(content[: PBKDF2_BYTES[hash_name]])}"


def scrypt(*, ln: int, r: int, p: int, salt: bytes, content: bytes) -> str:
    """Scrypt with an N of 2^ln."""
    return f"$scrypt$ln={ln},r={r},p={p}${digits(salt)}${digits(content)}"


def argon2(kind: str, *, version: int, kib: int, passes: int, lanes: int, salt: bytes, content: bytes) -> str:
    """Argon2, where the kind is `argon2id`, `argon2i` or `argon2d`."""
    return f"${kind}$v={version}$m={kib},t={passes},p={lanes}${digits(salt)}${digits(content)}"
