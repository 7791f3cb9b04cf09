"""Decides which column of a table holds which field. A table with a column that means nothing is refused as a whole."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from cli.importing.mapping.fields import (
    ADDRESS_FIELDS,
    ADDRESSES,
    CUSTOMER_FIELDS,
    EMAIL,
    RESERVED,
    parse_field,
    simplified,
)
from cli.importing.reading.recognising.wrong_form import WrongForm

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cli.importing.options import ImportOptions

_SHOWN: Final = 8
"""Columns that a message lists. It says how many more there are."""
_SHOWN_CHARACTERS: Final = 40
"""Of a column's name. The first row of another file may be anything."""
_TEXT_FIELDS: Final = tuple(name for name in CUSTOMER_FIELDS if name != ADDRESSES)
"""Fields that a column is guessed for."""


class WrongColumnsError(Exception):
    """The columns do not tell how the rows are to be read. `form` says why, and what to do."""

    def __init__(self, form: WrongForm) -> None:
        super().__init__(str(form))
        self.form = form


class UnknownFieldError(ValueError):
    """An option names a field that the contract does not have. The text tells a person."""


def mapped_fields(mapping: Mapping[str, str]) -> dict[str, str]:
    """What `--map` says: field's path → column.

    Raises:
        UnknownFieldError: a name is no field of the contract, or means what another name means.
    """
    for path, column in mapping.items():
        if parse_field(path) is None:
            raise UnknownFieldError(f"--map: no field is called {path}. {FIELDS_ARE}")
        if not column:
            raise UnknownFieldError(f"--map: {path} has no column")
        whole, _, part = path.rpartition(".")
        if part.isdecimal() and whole in mapping:
            raise UnknownFieldError(f"--map: {path} is a part of {whole}, and both are given")
    return dict(mapping)


FIELDS_ARE: Final = (
    f"There are {', '.join(_TEXT_FIELDS)} and, of an address, {ADDRESSES}.0.city with {', '.join(ADDRESS_FIELDS)}."
)
"""The end of a message about a field that does not exist."""


def table_columns(columns: tuple[str, ...], options: ImportOptions) -> dict[str, str]:
    """Field's path, with the place of an address → the column that holds it.

    Raises:
        WrongColumnsError: no column holds the email, a mapped column does not exist, two columns hold one field, or a
            column means nothing.
        UnknownFieldError: see mapped_fields.
    """
    mapping = mapped_fields(options.mapping)
    if missing := [column for column in mapping.values() if column not in columns]:
        raise WrongColumnsError(
            WrongForm(
                f"a table without a column {_quoted(missing[0])}, which --map names. Its columns are {listed(columns)}",
                "Give the column's name as it is written there.",
            )
        )
    found: dict[str, str] = {}
    for path, column in mapping.items():
        _hold(found, path, column)
    mapped = frozenset(found)
    for column in columns:
        is_field = parse_field(column) is not None and column not in options.ignored_columns
        # A field that is mapped is not held by the column of its own name as well.
        if is_field and _placed(column) not in mapped:
            _hold(found, column, column)
    _check(found, columns, options)
    return found


def listed(names: Iterable[str]) -> str:
    """Names for a person, not too many of them."""
    every = [name if len(name) <= _SHOWN_CHARACTERS else f"{name[:_SHOWN_CHARACTERS]}…" for name in names]
    more = len(every) - _SHOWN
    return ", ".join(every[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _hold(found: dict[str, str], path: str, column: str) -> None:
    path = _placed(path)
    if path in found:
        raise _held_twice(path, found[path], column)
    found[path] = column


def _placed(path: str) -> str:
    """The path with a place: in a table, the city of each address is that of the only one."""
    field = parse_field(path)
    return path if field is None or not field.inner or field.place is not None else path.replace(".", ".0.", 1)


def _check(found: Mapping[str, str], columns: tuple[str, ...], options: ImportOptions) -> None:
    for path in found:
        name, _, rest = path.rpartition(".")
        if rest.isdecimal() and name in found:
            raise _held_twice(name, found[name], found[path])
    if EMAIL not in found:
        raise WrongColumnsError(
            WrongForm(
                f"a table without a column for email: its columns are {listed(columns)}",
                f"Say which one holds it: --map {EMAIL}={_quoted(_likely_email(columns))}.",
            )
        )
    used = {*found.values(), *options.ignored_columns, *RESERVED}
    unknown = [column for column in columns if column not in used]
    if unknown and not options.ignore_other_columns:
        raise unknown_names(unknown, taken=found, what="a table with columns that mean nothing here")


def unknown_names(unknown: list[str], *, taken: Iterable[str], what: str) -> WrongColumnsError:
    """The refusal of names that nobody maps or ignores, with guesses of what they may mean."""
    fields = {simplified(name): name for name in _TEXT_FIELDS if name not in set(taken)}
    guesses = [f"--map {fields[simplified(name)]}={_quoted(name)}" for name in unknown if simplified(name) in fields]
    mapped = " ".join(guesses[:_SHOWN]) or f"--map FIELD={_quoted(unknown[0])}"
    to_do = f"Map them ({mapped}), or leave out one (--ignore {_quoted(unknown[0])}) or all of them (--ignore-others)."
    return WrongColumnsError(WrongForm(f"{what}: {listed(unknown)}", to_do))


def _held_twice(path: str, first: str, second: str) -> WrongColumnsError:
    what = f"a table with two columns for {path}: {listed((first, second))}"
    return WrongColumnsError(WrongForm(what, f"Leave one of them out: --ignore {_quoted(second)}."))


def _likely_email(columns: tuple[str, ...]) -> str:
    return next((column for column in columns if "mail" in simplified(column)), columns[0] if columns else "Email")


def _quoted(name: str) -> str:
    return shlex.quote(name if len(name) <= _SHOWN_CHARACTERS else "…")
