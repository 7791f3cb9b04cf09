"""Firebase's passwords: the `passwordHash` and the `salt` of `firebase auth:export`.

The hash is the project's signer key, encrypted with a key that scrypt makes of the password (firebase/scrypt). The
export holds neither the signer key nor the costs. The console shows both under "Password hash parameters". The signer
key never stands in a row: the worker and the login have it in their settings.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final

from cli.importing.hashes.foreign_hash import ForeignHashError, NoPasswordError
from cli.importing.hashes.spelling import bytes_of_base64


@dataclass(frozen=True, slots=True, kw_only=True)
class HashParameters:
    """What the console shows of a project's hashes, without the signer key."""

    memory_cost: int = 14
    """`mem_cost`, the binary logarithm of scrypt's N."""
    rounds: int = 8
    """`rounds`, scrypt's r."""
    salt_separator: bytes = b"\x07"
    """`base64_salt_separator`, which is `Bw==`."""


USUAL: Final = HashParameters()
"""The parameters that Firebase gives to projects."""


def translate(password_hash: str, salt: str, parameters: HashParameters = USUAL) -> str:
    """The hash as the service takes it: Supabase's spelling of it, without the signer key.

    Raises:
        NoPasswordError: there is none, because the customer signs in with another provider.
        ForeignHashError: hash or salt is not base64, or there is only one of them.
    """
    if not password_hash:
        raise NoPasswordError
    if not salt:
        raise ForeignHashError("has no salt beside it")
    costs = f"v=1,n={parameters.memory_cost},r={parameters.rounds},p=1,ss={_padded(parameters.salt_separator)}"
    written_salt = _padded(bytes_of_base64(salt, "salt"))
    return f"$fbscrypt${costs}${written_salt}${_padded(bytes_of_base64(password_hash, 'digest'))}"


def _padded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
