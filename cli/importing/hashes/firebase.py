"""Firebase's passwords: the `passwordHash` and the `salt` of `firebase auth:export`.

The hash is the project's signer key, encrypted with a key that scrypt makes of the password (firebase/scrypt). The
export holds neither the signer key nor the costs. The console shows both under "Password hash parameters". The signer
key never stands in a row: the worker and the login have it in their settings.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cli.importing.hashes.foreign_hash import ForeignHashError, NoPasswordError
from cli.importing.hashes.spelling import bytes_of_base64

if TYPE_CHECKING:
    from collections.abc import Mapping


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

_NUMBERS: Final = {"mem_cost": range(10, 18), "rounds": range(1, 129)}
"""The console's names of the costs, and the values with which the service may take a hash."""
_SEPARATOR: Final = "base64_salt_separator"
"""The console's name of the separator."""


class ParameterError(ValueError):
    """A parameter that the console does not show, or not with such a value."""


def parse_parameters(given: Mapping[str, str]) -> HashParameters:
    """The parameters by the console's names. Those that are not given are the usual ones.

    Raises:
        ParameterError: a name is another, or a value cannot be.
    """
    numbers = {"mem_cost": USUAL.memory_cost, "rounds": USUAL.rounds}
    separator = USUAL.salt_separator
    for name, value in given.items():
        if name == _SEPARATOR:
            try:
                separator = bytes_of_base64(value, _SEPARATOR)
            except ForeignHashError:
                raise ParameterError(f"{_SEPARATOR} is no base64") from None
        elif name not in _NUMBERS:
            raise ParameterError(f"Firebase's parameters are {_SEPARATOR}, {' and '.join(_NUMBERS)}")
        else:
            numbers[name] = _number(name, value)
    return HashParameters(memory_cost=numbers["mem_cost"], rounds=numbers["rounds"], salt_separator=separator)


def _number(name: str, text: str) -> int:
    bounds = _NUMBERS[name]
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(bounds[-1])) and int(text) in bounds):
        raise ParameterError(f"{name} is a number from {bounds[0]} to {bounds[-1]}")
    return int(text)


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
