"""Password hashing: argon2id by passlib's API (from its maintained distribution, libpass)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from passlib.context import CryptContext

if TYPE_CHECKING:
    from pydantic import SecretStr

    from passwords.cost import PasswordCost


class PasswordHasher(Protocol):
    """Turns a password into a hash that may be stored."""

    def hash(self, password: SecretStr) -> str:
        """The hash of the password's UTF-8 bytes with a random salt of its own, in the PHC string format."""
        ...


class Argon2Passwords:
    """argon2id hashes at a set cost. Thread-safe. argon2 releases the interpreter's lock, so threads use all cores."""

    def __init__(self, cost: PasswordCost) -> None:
        self._context = CryptContext(
            schemes=["argon2"],
            argon2__type="ID",
            argon2__memory_cost=cost.memory_kib,
            argon2__rounds=cost.time_cost,
            argon2__parallelism=cost.parallelism,
        )
        # passlib loads its backend at the first hash. Make that hash before several threads could do so together.
        self._context.hash("warm-up")

    def hash(self, password: SecretStr) -> str:
        """The argon2id hash of this password."""
        return str(self._context.hash(password.get_secret_value()))
