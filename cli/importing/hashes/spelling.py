"""How the service wants hashes to be written: the PHC string format, and its own for digests.

The reference is docs/password-hashes.md.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from cli.importing.hashes.foreign_hash import ForeignHashError

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One digest of a chain. It is made of the password, or of the hexadecimal digits of the step before."""

    hash_name: str
    """`md5`, `sha1`, `sha224`, `sha256`, `sha384` or `sha512`."""
    before: bytes = b""
    """The salt before it."""
    after: bytes = b""
    """The salt behind it."""

    def __str__(self) -> str:
        before = f",b={digits(self.before)}" if self.before else ""
        after = f",a={digits(self.after)}" if self.after else ""
        return f"{self.hash_name}{before}{after}"


def digest(steps: tuple[Step, ...], content: bytes) -> str:
    """Digests without a cost, the last one written out."""
    return f"$digest${':'.join(map(str, steps))}${content.hex()}"


def wrapped(steps: tuple[Step, ...], slow_hash: str) -> str:
    """A slow hash in the PHC string format that was made of the digits of the last step."""
    return f"$wrapped${':'.join(map(str, steps))}{slow_hash}"


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
