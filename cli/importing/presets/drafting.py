"""What the presets share: how the values of a record get into a draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from cli.importing.hashes.foreign_hash import ForeignHashError, NoPasswordError
from cli.importing.reading.json_values import JsonFaultError, parse_object
from cli.importing.records import Draft, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cli.importing.records import Record

Fields = Mapping[str, Sequence[str]]
"""Name in the contract → the columns that may hold it. The first one with a value counts."""

PLACES: Final = frozenset(("address_1", "city", "postCode"))
"""What makes an address. A country or a name alone, which many products fill in by themselves, is none."""

ADDRESS_LEFT_OUT: Final = "an address without street, city and postcode was left out"
"""The warning where an export has traces of an address that is none."""
WHOLE_NAME: Final = "the export has one name only: the whole of it became the first name"
"""The warning where first and last name cannot be told apart."""

_NO_OBJECT: Final = ("", "null")
"""How a cell is written where there is no object."""


@dataclass(frozen=True, slots=True)
class Source:
    """Named values that a draft is filled from: a record, or an object within one."""

    values: Mapping[str, Any] = field(repr=False)
    path: str = ""
    """Where the object stands in its record, with a dot behind it: `billing.`. Empty for the record itself."""

    def first(self, names: Sequence[str]) -> tuple[str, Any] | None:
        """The path and the value of the first of these that is neither absent nor empty."""
        for name in names:
            value = self.values.get(name)
            if value is not None and not (isinstance(value, str) and not value.strip()):
                return self.path + name, value
        return None

    def text(self, name: str) -> str:
        """A value as text, without space around it. Empty where there is none."""
        value = self.values.get(name)
        return "" if value is None else str(value).strip()

    def within(self, name: str) -> Source:
        """An object in it. Has no values where there is none."""
        value = self.values.get(name)
        return Source(value if isinstance(value, dict) else {}, f"{self.path}{name}.")


def begin(record: Record) -> Draft:
    """A draft of this record. It has a fault, and is not to be filled, where the record could not be read."""
    return Draft([record], faults=[Fault("", record.fault)] if record.fault else [])


def drafted(records: Iterable[Record], fill: Callable[[Draft, Source], None]) -> Iterator[Draft]:
    """Yield a draft for each record, filled by `fill` where the record could be read."""
    for record in records:
        draft = begin(record)
        if not draft.faults:
            fill(draft, Source(record.values))
        yield draft


def take(draft: Draft, source: Source, fields: Fields) -> None:
    """Take over what the source has of these fields, where the draft has none yet.

    A field that stays absent is noted with the column that might have had it, so that a complaint can name the column.
    """
    for name, columns in fields.items():
        found = source.first(columns)
        if found is None:
            draft.columns.setdefault(name, source.path + columns[0])
        elif name not in draft.customer:
            draft.columns[name], draft.customer[name] = found


def take_hash(draft: Draft, source: Source, columns: Sequence[str], translate: Callable[[str], str]) -> None:
    """Take over a hash of another product as `passwordHash`. A hash that cannot be brought along is a fault.

    Args:
        draft: gets the hash. It gets none where the product says that there is no password.
        source: where the hash is.
        columns: which may hold it. The first one with a value counts.
        translate: one of cli/importing/hashes. It raises ForeignHashError.
    """
    found = source.first(columns)
    if found is None:
        return
    column, text = found
    if isinstance(text, str):
        take_made_hash(draft, column, partial(translate, text))
    else:
        draft.columns["passwordHash"] = column
        draft.faults.append(Fault(column, "is no text"))


def take_made_hash(draft: Draft, column: str, make: Callable[[], str]) -> None:
    """Take over a hash of another product, as `take_hash` does, where it is made of more than one text.

    Args:
        draft: gets the hash, or the fault that it cannot be brought along.
        column: where it comes from.
        make: makes it, by one of cli/importing/hashes.
    """
    draft.columns["passwordHash"] = column
    try:
        draft.customer["passwordHash"] = make()
    except NoPasswordError:
        pass
    except ForeignHashError as error:
        draft.faults.append(Fault(column, str(error)))


def within_text(draft: Draft, source: Source, name: str) -> Source:
    """An object in the source, which a cell of a table holds as JSON text. Text that is no object is a fault."""
    text = source.values.get(name)
    if not isinstance(text, str):
        return source.within(name)
    try:
        value = {} if text.strip() in _NO_OBJECT else parse_object(text)
    except JsonFaultError as error:
        draft.faults.append(Fault(source.path + name, str(error)))
        value = {}
    return Source({name: value}, source.path).within(name)


def take_whole_name(draft: Draft, source: Source, columns: Sequence[str]) -> None:
    """Take over a name that is both first and last name, where the draft has neither. This is warned of."""
    found = source.first(columns)
    if found is not None and not draft.customer.keys() & {"firstName", "lastName"}:
        draft.columns["firstName"], draft.customer["firstName"] = found
        draft.warnings.append(WHOLE_NAME)


def take_address(draft: Draft, source: Source, fields: Fields, *, name: str = "") -> None:
    """Add an address to the draft if the source has one.

    Args:
        draft: gets the address.
        source: where its values are.
        fields: as for `take`, by an address's names.
        name: what the address is called, where the product tells one address from another by its use.
    """
    found = {field_name: value for field_name, columns in fields.items() if (value := source.first(columns))}
    if not found.keys() & PLACES:
        if found:
            draft.warnings.append(ADDRESS_LEFT_OUT)
        return
    addresses = draft.customer.setdefault("addresses", [])
    for field_name, (column, _) in found.items():
        draft.columns[f"addresses.{len(addresses)}.{field_name}"] = column
    addresses.append({"name": name} if name else {})
    addresses[-1].update((field_name, value) for field_name, (_, value) in found.items())


def make_inactive(draft: Draft, column: str, reason: str) -> None:
    """Note that the customer cannot log in at the product, and warn of it.

    Args:
        draft: the customer.
        column: what tells it.
        reason: what became of the customer there, with the product's name: "is banned in Supabase".
    """
    draft.customer["status"] = "INACTIVE"
    draft.columns["status"] = column
    draft.warnings.append(f"{reason}: the status became INACTIVE")
