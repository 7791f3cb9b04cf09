"""What a person says about a file: the options of `submit` that concern how rows are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How rows are to be read. Everything is optional: without options the file is recognised."""

    preset: str = ""
    """The product that exported the file: `--from`."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """What the product's exports depend on and do not hold, by the product's own names: `--parameter`."""
    encoding: str = ""
    """Of the text: `--encoding`, a name that Python knows. Otherwise UTF-8, or UTF-16 where that is recognised."""
    delimiter: str = ""
    """The sign between columns: `--delimiter`."""
    list_name: str = ""
    """Which list of a JSON object holds the customers: `--list`."""
    mapping: Mapping[str, str] = field(default_factory=dict)
    """Field's path → column, or path of names in a JSON object: `--map` and `--map-file`."""
    ignored_columns: frozenset[str] = frozenset()
    """Columns that mean nothing here: `--ignore`."""
    ignore_other_columns: bool = False
    """Whether all columns that mean nothing here may be left out: `--ignore-others`."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """Field's path → what it gets where it is absent: `--default`. `addresses.city` means each address.

    `{firstName}` in the text stands for another field of the customer.
    """
    tags_separator: str = ","
    """The sign between tags in one cell: `--tags-separator`."""
    drop_bad_phones: bool = False
    """Whether a phone that cannot be an integer is left out, with a warning: `--drop-bad-phones`."""
    country_names: bool = False
    """Whether exact names of countries become codes: `--country-names`."""
    drop_nulls: bool = False
    """Whether a field that is null is left out: `--drop-nulls`."""
    initial_password_key: bytes = field(default=b"", repr=False)
    """The secret from which customers without a password get one: `--initial-passwords`."""
