"""Drafts of JSON objects: by the contract's names, and by paths where those are mapped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cli.importing.mapping.fields import ADDRESS_FIELDS, ADDRESSES, CUSTOMER_FIELDS, RESERVED, TAGS, parse_field
from cli.importing.mapping.paths import MISSING, close_gaps, first_name, put, value_at
from cli.importing.records import Draft, Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cli.importing.mapping.fields import Field
    from cli.importing.options import ImportOptions
    from cli.importing.records import Record

UNKNOWN_NAME: Final = "means nothing here: --map it to a field, --ignore it, or --ignore-others"
"""The fault of a name that only a later object has. The first objects are looked at before anything is sent."""


class ObjectDrafts:
    """Makes drafts. Without options, names that the contract does not have are left to the service."""

    def __init__(self, mapping: Mapping[str, str], options: ImportOptions) -> None:
        """Take field's path → path of names in the object."""
        self._mapped = [(path, field, mapping[path]) for path in mapping if (field := parse_field(path)) is not None]
        roots = {field.name for _, field, _ in self._mapped if field.place is None and not field.inner}
        self._own = [name for name in CUSTOMER_FIELDS if name not in roots]
        """Names that mean themselves: those that are not mapped as a whole."""
        self._is_selective = bool(mapping or options.ignored_columns or options.ignore_other_columns)
        self._ignored = options.ignored_columns | RESERVED
        self._ignored_in_addresses = frozenset(
            name.removeprefix(f"{ADDRESSES}.") for name in options.ignored_columns if name.startswith(f"{ADDRESSES}.")
        )
        self._ignores_others = options.ignore_other_columns

    def __call__(self, records: Iterable[Record]) -> Iterator[Draft]:
        """Yield one draft a record, in the same order. A record with a fault becomes a draft with that fault."""
        for record in records:
            if record.fault:
                yield Draft([record], faults=[Fault("", record.fault)])
            else:
                yield self._draft(record)

    def unknown_in(self, values: Mapping[str, Any]) -> list[str]:
        """The names of an object that are neither the contract's nor mapped nor ignored, where that matters."""
        if not self._is_selective or self._ignores_others:
            return []
        used = {first_name(values, source) for _, _, source in self._mapped}
        return [name for name in values if name not in used and name not in self._own and name not in self._ignored]

    def _draft(self, record: Record) -> Draft:
        values = record.values
        customer = {name: values[name] for name in self._own if name in values and name not in self._ignored}
        draft = Draft([record], customer)
        if not self._is_selective:
            customer |= {name: value for name, value in values.items() if name not in RESERVED}
        if isinstance(addresses := customer.get(ADDRESSES), list):
            customer[ADDRESSES] = [self._address(each) for each in addresses]
        if self._mapped and isinstance(tags := customer.get(TAGS), list):
            customer[TAGS] = list(tags)
        for path, field, source in self._mapped:
            if (value := value_at(values, source)) is not MISSING:
                put(customer, field, value)
                draft.columns |= _columns(path, field, source, customer)
        if self._mapped:
            close_gaps(customer, draft.columns)
        draft.faults += [Fault(name, UNKNOWN_NAME) for name in self.unknown_in(values)]
        return draft

    def _address(self, address: Any) -> Any:
        """A copy without the names that are ignored. Mapped values are put into the copy."""
        if not isinstance(address, dict):
            return address
        return {
            name: list(value) if isinstance(value, list) else value
            for name, value in address.items()
            if name in ADDRESS_FIELDS or not (self._ignores_others or name in self._ignored_in_addresses)
        }


def _columns(path: str, field: Field, source: str, customer: Mapping[str, Any]) -> dict[str, str]:
    """The paths under which the service complains of this field → where it comes from."""
    if not field.inner or field.place is not None:
        return {path: source}
    inner = path.removeprefix(f"{ADDRESSES}.")
    return {f"{ADDRESSES}.{place}.{inner}": source for place in range(len(customer[ADDRESSES]))}
