"""ASP.NET's passwords, as `AspNetUsers.PasswordHash` holds them: base64 of PBKDF2 with its costs before it.

The first byte is the format. 0, of Identity 1 and 2: SHA-1, 1,000 iterations, 16 bytes of salt. 1, of ASP.NET Core:
hash, iterations and size of the salt follow as numbers of four bytes. See `PasswordHasher` in dotnet/aspnetcore.
"""

from __future__ import annotations

from typing import Final

from cli.importing.hashes.foreign_hash import ForeignHashError, NoPasswordError
from cli.importing.hashes.spelling import bytes_of_base64, pbkdf2

_OLD_BYTES: Final = 1 + 16 + 32
"""Of a hash of format 0."""

_OLD_ITERATIONS: Final = 1_000
"""Of format 0."""

_HEAD_BYTES: Final = 13
"""Of format 1, up to the salt."""

_HASHES: Final = ("sha1", "sha256", "sha512")
"""Format 1 has them by number."""

_LEAST_BYTES: Final = 16
"""Of a salt and of a digest in format 1."""


def is_likely(text: str) -> bool:
    """Whether a text is such a hash and nothing else that is known."""
    try:
        translate(text)
    except ForeignHashError:
        return False
    return True


def translate(text: str) -> str:
    """The hash as the service takes it.

    Raises:
        NoPasswordError: there is none.
        ForeignHashError: it is of neither format.
    """
    text = text.strip()
    if not text:
        raise NoPasswordError
    content = bytes_of_base64(text, "hash")
    if content[:1] == b"\0" and len(content) == _OLD_BYTES:
        return pbkdf2("sha1", iterations=_OLD_ITERATIONS, salt=content[1:17], content=content[17:])
    if content[:1] != b"\1" or len(content) < _HEAD_BYTES:
        raise ForeignHashError("is not written as ASP.NET writes a hash")
    name, iterations, salt_bytes = (int.from_bytes(content[at : at + 4], "big") for at in (1, 5, 9))
    salt, made = content[_HEAD_BYTES:][:salt_bytes], content[_HEAD_BYTES:][salt_bytes:]
    if name >= len(_HASHES) or min(salt_bytes, len(made)) < _LEAST_BYTES:
        raise ForeignHashError("is not written as ASP.NET writes a hash")
    return pbkdf2(_HASHES[name], iterations=iterations, salt=salt, content=made)
