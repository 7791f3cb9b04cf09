"""Which columns, or paths of names in a JSON object, hold something secret: what is shown or written has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cli.importing.mapping.fields import SECRET_FIELDS, simplified

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_WORDS: Final = ("password", "passwd", "passwort", "kennwort", "passphrase", "pwd", "hash", "salt", "secret", "token")
"""Parts of the names of columns that hold secrets, without case and signs."""


def secret_sources(sources: Mapping[str, str]) -> frozenset[str]:
    """The columns that become the password or its hash, by field's path → column."""
    return frozenset(column for path, column in sources.items() if path in SECRET_FIELDS)


def looking_secret(names: Iterable[str]) -> frozenset[str]:
    """The names that sound like secrets. A column that nobody maps is not taken, but may still hold one."""
    return frozenset(name for name in names if any(word in simplified(name) for word in _WORDS))
