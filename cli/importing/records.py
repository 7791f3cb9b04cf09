"""The values that pass through an import: a record is read, drafted as a customer, and becomes a row to be sent.

Each stage takes an iterator and returns one. All stages are deterministic: the same file read twice gives the same
bytes, since the service knows a row again by its bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Form(StrEnum):
    """What a file's records are."""

    JSON_LINES = "JSON lines"
    JSON_LIST = "one JSON list"
    """An array, or an object that holds one."""
    TABLE = "a table (CSV)"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row is not sent. Neither text holds any value of the row."""

    where: str
    """The column, or the path of names in a JSON object. Empty where the whole row is meant."""
    message: str


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a table, or one JSON object, as it was read."""

    number: int
    """What it is told by, from 1: the line where it begins, or its place in a JSON list."""
    values: Mapping[str, Any] = field(repr=False)
    """A table's cells by column, all strings; or the JSON object. Empty where it could not be read."""
    fault: str = ""
    """Why it could not be read. Holds nothing of it."""


@dataclass(slots=True)
class Draft:
    """A customer in the making. Its values may still have to be converted: see cli/importing/mapping."""

    records: list[Record]
    """What it is made from: several where an export has further addresses in rows of their own."""
    customer: dict[str, Any] = field(default_factory=dict, repr=False)
    """By the contract's names, `addresses` as a list of dictionaries. A field that is absent is not in it."""
    columns: dict[str, str] = field(default_factory=dict)
    """Path of a field (`addresses.0.city`) → the column or the JSON path that its value comes from."""
    faults: list[Fault] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    """What was left out or looks odd. The same words for each row of a kind, so that they can be counted."""

    @property
    def number(self) -> int:
        """What the row is told by."""
        return self.records[0].number


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A row as it is sent, or why it is not."""

    number: int
    """What a person calls it by. It rises from row to row. The service is told the row by this number too."""
    body: bytes = field(repr=False)
    """The customer as one line of JSON, without the line end. Empty where there are faults."""
    faults: tuple[Fault, ...] = ()
    warnings: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    """See Draft. The service's complaints name fields; a person looks for columns."""
    records: tuple[Record, ...] = field(default=(), repr=False)
    """See Draft."""
