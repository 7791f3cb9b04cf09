"""What a field gets where a row has none, by a rule that the user gives. Nothing is filled without one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cli.importing.mapping.columns import FIELDS_ARE, UnknownFieldError
from cli.importing.mapping.fields import ADDRESSES, SECRET_FIELDS, parse_field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cli.importing.mapping.fields import Field

_NAME: Final = re.compile(r"\{([A-Za-z0-9_.]+)\}")
"""What stands for another field in a text."""


@dataclass(frozen=True, slots=True)
class _Default:
    field: Field
    text: str
    names: tuple[tuple[str, Field], ...]
    """The other fields that the text names."""


class Defaults:
    """Fills absent fields, in the order in which the rules were given: a rule sees what those before it filled.

    A field counts as absent where it is the empty text too. A default for a field of an address never makes an
    address. A text that names a field which the row does not have fills nothing.
    """

    def __init__(self, defaults: Mapping[str, str]) -> None:
        """Take field's path → text.

        Raises:
            UnknownFieldError: a path or a name in a text is no field, or is the password's.
        """
        self._defaults = [_parsed(path, text) for path, text in defaults.items()]

    def fill(self, customer: dict[str, Any]) -> None:
        """Fill what is absent."""
        for default in self._defaults:
            field = default.field
            for owner in _owners(customer, field):
                name = field.inner or field.name
                if owner.get(name, "") == "" and (text := _filled(default, customer, owner)) is not None:
                    owner[name] = text


def _parsed(path: str, text: str) -> _Default:
    field = parse_field(path)
    if field is None or field.line is not None or (field.name != ADDRESSES and field.place is not None):
        raise UnknownFieldError(f"--default: no field is called {path}. {FIELDS_ARE}")
    names = []
    for name in _NAME.findall(text):
        named = parse_field(name)
        if named is None:
            raise UnknownFieldError(f"--default: {path} names {{{name}}}, and no field is called so. {FIELDS_ARE}")
        if named.name in SECRET_FIELDS:
            raise UnknownFieldError(f"--default: {path} names {{{name}}}, which is secret")
        names.append((name, named))
    if field.name in SECRET_FIELDS:
        raise UnknownFieldError(f"--default: there is none for {path}; see --initial-passwords")
    return _Default(field, text, tuple(names))


def _owners(customer: dict[str, Any], field: Field) -> Iterator[dict[str, Any]]:
    """What has the field: the customer, or the addresses that exist."""
    if not field.inner:
        yield customer
        return
    addresses = customer.get(ADDRESSES)
    if isinstance(addresses, list):
        for place, address in enumerate(addresses):
            if isinstance(address, dict) and field.place in {None, place}:
                yield address


def _filled(default: _Default, customer: Mapping[str, Any], owner: Mapping[str, Any]) -> str | None:
    """The text with the fields that it names. None where the row lacks one of them."""
    text = default.text
    if not default.names:
        return text
    values = {}
    for name, field in default.names:
        value = _value(field, customer, owner)
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            return None
        values[name] = str(value)
    return _NAME.sub(lambda match: values[match[1]], text)


def _value(field: Field, customer: Mapping[str, Any], owner: Mapping[str, Any]) -> Any:
    if not field.inner:
        return customer.get(field.name) if field.place is None else None
    if field.place is None:
        # The same address, where an address is filled; the customer has no such field of its own.
        return owner.get(field.inner) if owner is not customer else None
    addresses = customer.get(ADDRESSES)
    if not isinstance(addresses, list) or field.place >= len(addresses) or not isinstance(addresses[field.place], dict):
        return None
    return addresses[field.place].get(field.inner)
