"""Reads a value out of a record by a dotted path, and puts a value into a customer by its field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cli.importing.mapping.fields import ADDRESSES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.importing.mapping.fields import Field


class _Missing:
    """The type of MISSING."""


MISSING: Final = _Missing()
"""What a path leads to where the record has nothing there."""


class Each(list[Any]):
    """One value for each item of a list that a path goes through without saying which item. MISSING where none is."""


def value_at(values: Any, path: str) -> Any:
    """The value that a path leads to: MISSING where there is none, `Each` where it goes through every item of a list.

    Args:
        values: a record's values, or what is inside them.
        path: names and places, joined by dots: `profile.name`, `places.0.town`, `places.town`. A name that has dots
            itself is found too.
    """
    if isinstance(values, dict):
        name = first_name(values, path)
        if name not in values:
            return MISSING
        return values[name] if name == path else value_at(values[name], path[len(name) + 1 :])
    if isinstance(values, list):
        first, _, rest = path.partition(".")
        if not first.isdecimal():
            return Each(value_at(item, path) for item in values)
        # A place of very many digits is not read as a number: that takes very long.
        item = values[int(first)] if len(first) < 10 and int(first) < len(values) else MISSING  # noqa: PLR2004 # digits
        return value_at(item, rest) if rest else item
    return MISSING


def first_name(values: Mapping[str, Any], path: str) -> str:
    """The outermost name of a path, as the record has it; the whole path where the record does not have it."""
    if path in values:
        return path
    dot = path.find(".")
    while dot != -1:
        if path[:dot] in values:
            return path[:dot]
        dot = path.find(".", dot + 1)
    return path


def put(customer: dict[str, Any], field: Field, value: Any) -> None:
    """Put a value into a customer, in place of what is there. Lists grow as far as the field's place needs.

    The lists and dictionaries in the customer must be its own.
    """
    if field.name == ADDRESSES:
        _put_into_addresses(customer, field, value)
    elif field.place is None:
        customer[field.name] = _own(value)
    else:
        _put_at(_list_in(customer, field.name), field.place, value)


def close_gaps(customer: dict[str, Any], columns: dict[str, str]) -> None:
    """Leave out addresses into which nothing was put, and give their places to the next ones.

    Args:
        customer: loses those addresses.
        columns: field's path → column. Changes its places in the same way.
    """
    addresses = customer.get(ADDRESSES)
    if not isinstance(addresses, list) or {} not in addresses:
        return
    kept = [place for place, address in enumerate(addresses) if address != {}]
    for path in [path for path in columns if path.startswith(f"{ADDRESSES}.")]:
        _, place, inner = path.split(".", 2)
        column = columns.pop(path)
        if int(place) in kept:
            columns[f"{ADDRESSES}.{kept.index(int(place))}.{inner}"] = column
    customer[ADDRESSES] = [addresses[place] for place in kept]
    if not kept:
        del customer[ADDRESSES]


def _put_into_addresses(customer: dict[str, Any], field: Field, value: Any) -> None:
    addresses = _list_in(customer, ADDRESSES)
    if field.place is not None:
        _put_into_address(addresses, field.place, field, value)
        return
    for place, each in enumerate(value if isinstance(value, Each) else [value]):
        if each is not MISSING:
            _put_into_address(addresses, place, field, each)


def _put_into_address(addresses: list[Any], place: int, field: Field, value: Any) -> None:
    while len(addresses) <= place:
        addresses.append({})
    address = addresses[place]
    if not isinstance(address, dict):
        address = addresses[place] = {}
    if field.line is None:
        address[field.inner] = _own(value)
    else:
        _put_at(_list_in(address, field.inner), field.line, value)


def _own(value: Any) -> Any:
    """A list as one that belongs to the customer alone: parts of it may be put in later."""
    return [each for each in value if each is not MISSING] if isinstance(value, list) else value


def _list_in(values: dict[str, Any], name: str) -> list[Any]:
    found = values.get(name)
    if not isinstance(found, list):
        found = values[name] = []
    return found


def _put_at(items: list[Any], place: int, value: Any) -> None:
    if place < len(items):
        items[place] = value
    else:
        items.append(value)
