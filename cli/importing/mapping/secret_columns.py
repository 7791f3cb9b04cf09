"""Which columns, or paths of names in a JSON object, hold something secret: what is shown or written has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cli.importing.mapping.fields import SECRET_FIELDS, simplified

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

_WORDS: Final = ("password", "passwd", "passwort", "kennwort", "passphrase", "pwd", "hash", "salt", "secret", "token")
"""Parts of the names of columns that hold secrets, without case and signs."""


def secret_sources(sources: Mapping[str, str]) -> frozenset[str]:
    """The columns that become the password or its hash, by field's path → column."""
    return frozenset(column for path, column in sources.items() if path in SECRET_FIELDS)


def shown_sources(sources: Mapping[str, str]) -> frozenset[str]:
    """The columns that become other fields: they are no secrets, whatever they are called."""
    return frozenset(sources.values()) - secret_sources(sources)


def sounds_secret(name: str) -> bool:
    """Whether a name is one of a secret. A column that nobody maps is not taken, but may still hold one."""
    plain = simplified(name)
    return any(word in plain for word in _WORDS)


def sounding_secret(names: Iterable[str]) -> frozenset[str]:
    """Those of the names that sound like secrets."""
    return frozenset(name for name in names if sounds_secret(name))


def without_secrets(values: Any, secret: Collection[str], shown: Collection[str], *, only_shown: bool = False) -> Any:
    """A JSON value without what is secret, at any depth: what is known to be, and what sounds like it.

    Args:
        values: an object, or what is inside one.
        secret: paths that lead to a secret. A place in a list counts for every item.
        shown: paths that lead to no secret, whatever their names.
        only_shown: whether all else is left out too: this is within something whose name sounds like a secret.
    """
    if isinstance(values, dict):
        kept = {}
        for name, value in values.items():
            shown_within = _within(shown, name)
            is_odd = sounds_secret(name) or only_shown
            if name in secret or (is_odd and name not in shown and not shown_within):
                continue
            kept[name] = without_secrets(
                value, _within(secret, name), shown_within, only_shown=is_odd and name not in shown
            )
        return kept
    if isinstance(values, list):
        secret, shown = {_beyond_place(path) for path in secret}, {_beyond_place(path) for path in shown}
        # Null keeps the place of an item that is a secret itself.
        return [
            None if "" in secret else without_secrets(item, secret, shown, only_shown=only_shown) for item in values
        ]
    return values


def _within(paths: Iterable[str], name: str) -> set[str]:
    return {path[len(name) + 1 :] for path in paths if path.startswith(f"{name}.")}


def _beyond_place(path: str) -> str:
    first, _, rest = path.partition(".")
    return rest if first.isdecimal() else path
