"""Fast hashes of other systems are hashed once more, so that no fast hash rests in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import SecretStr

from schemas.password_hashes.wrapped import WrappedHash, written_wrapped

if TYPE_CHECKING:
    from passwords.hashing import PasswordHasher
    from schemas.password_hashes.digests import Digest


def wrapped(digest: Digest, hasher: PasswordHasher) -> str:
    """The string to store in place of the digest. It costs one hash, and holds nothing of the digest itself."""
    return written_wrapped(WrappedHash(digest.steps, hasher.hash(SecretStr(digest.hexadecimal))))
