"""Drafts of the rows of a table, by which column holds which field. Tuned: an import has millions of rows."""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING, Any

from cli.importing.mapping.fields import ADDRESS_FIELDS, ADDRESS_LINES, ADDRESSES, CUSTOMER_FIELDS, TAGS, parse_field
from cli.importing.records import Draft, Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cli.importing.mapping.fields import Field
    from cli.importing.records import Record


class TableDrafts:
    """Makes drafts. A cell that is empty or blank is absent, and an address without a cell is none."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        """Take field's path → column. Every path is one of the contract's, with the place of each address."""
        fields = {path: field for path in columns if (field := parse_field(path)) is not None}
        tags = sorted((field.place, columns[path]) for path, field in fields.items() if _is_one_tag(field))
        # `tags` is one cell, which is split later.
        self._texts = [(name, columns[name]) for name in CUSTOMER_FIELDS if name in columns]
        self._tags = [column for _, column in tags]
        self._addresses = _addresses(fields, columns)
        self._outside = {path: columns[path] for path, field in fields.items() if field.name != ADDRESSES}
        self._by_present: dict[tuple[bool, ...], dict[str, str]] = {}

    def __call__(self, records: Iterable[Record]) -> Iterator[Draft]:
        """Yield one draft a record, in the same order. A record with a fault becomes a draft with that fault."""
        texts, tags, addresses = self._texts, self._tags, self._addresses
        columns = self._columns_of((True,) * len(addresses))
        for record in records:
            if record.fault:
                yield Draft([record], faults=[Fault("", record.fault)])
                continue
            values = record.values
            customer: dict[str, Any] = {
                name: cell for name, column in texts if (cell := values[column]) and not cell.isspace()
            }
            draft = Draft([record], customer, columns)
            if tags:
                customer[TAGS] = [cell for column in tags if (cell := values[column]) and not cell.isspace()]
            if addresses:
                made = [address.of(values) for address in addresses]
                present = [each for each in made if each]
                if present:
                    customer[ADDRESSES] = present
                if len(present) < len(made):
                    draft.columns = self._columns_of(tuple(bool(each) for each in made))
            yield draft

    def _columns_of(self, present: tuple[bool, ...]) -> dict[str, str]:
        """Field's path → column, where some addresses are absent and later ones take their places."""
        found = self._by_present.get(present)
        if found is None:
            found = dict(self._outside)
            for place, address in enumerate(compress(self._addresses, present)):
                found |= {f"{ADDRESSES}.{place}.{inner}": column for inner, column in address.columns.items()}
            self._by_present[present] = found
        return found


class _Address:
    """The columns of one address."""

    def __init__(self, columns: dict[str, str]) -> None:
        self.columns = columns
        """Field of the address, or line of it (`address_2.0`) → column."""
        self._texts = [(name, columns[name]) for name in ADDRESS_FIELDS if name in columns]
        lines = sorted((int(name.partition(".")[2]), column) for name, column in columns.items() if "." in name)
        self._lines = [column for _, column in lines]

    def of(self, values: Mapping[str, str]) -> dict[str, Any]:
        """The address in a row. Empty where no cell has anything."""
        address: dict[str, Any] = {
            name: cell for name, column in self._texts if (cell := values[column]) and not cell.isspace()
        }
        if self._lines and (lines := [values[column] for column in self._lines if values[column].strip()]):
            address[ADDRESS_LINES] = lines
        return address


def _is_one_tag(field: Field) -> bool:
    return field.name == TAGS and field.place is not None


def _addresses(fields: Mapping[str, Field], columns: Mapping[str, str]) -> list[_Address]:
    found: dict[int, dict[str, str]] = {}
    for path, field in fields.items():
        if field.name == ADDRESSES:
            inner = field.inner if field.line is None else f"{field.inner}.{field.line}"
            found.setdefault(field.place or 0, {})[inner] = columns[path]
    return [_Address(found[place]) for place in sorted(found)]
