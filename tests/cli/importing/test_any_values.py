"""Whatever a record holds becomes a row or faults, and nothing secret is in what a person sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import given
from hypothesis import strategies as st

from cli.importing.mapping.columns import UnknownFieldError, mapped_fields, table_columns
from cli.importing.mapping.fields import ADDRESS_FIELDS, CUSTOMER_FIELDS, parse_field
from cli.importing.mapping.finishing import Finishing
from cli.importing.mapping.object_drafts import ObjectDrafts
from cli.importing.mapping.table_drafts import TableDrafts
from cli.importing.options import ImportOptions
from cli.importing.records import Record
from schemas.strict_json import parse_object

if TYPE_CHECKING:
    from cli.importing.records import ImportRow

SECRET: Final = "correct horse battery"
TEXTS: Final = st.text(max_size=12) | st.sampled_from(
    ["1", "+49 (0)30", "Kosovo", "Chad", " ", SECRET, "a,b", "\ud800"]
)
VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*ADDRESS_FIELDS, "other", "a.b"]), inner, max_size=4)
    ),
    max_leaves=12,
)
OBJECTS: Final = st.dictionaries(st.sampled_from([*CUSTOMER_FIELDS, "other", "x.y", "_line"]), VALUES, max_size=6)


def can_be_given(options: ImportOptions) -> bool:
    try:
        mapped_fields(options.mapping)
    except UnknownFieldError:
        return False
    return True


OPTIONS: Final = st.builds(
    ImportOptions,
    mapping=st.dictionaries(
        st.sampled_from(
            [
                "email",
                "lastName",
                "tags",
                "tags.0",
                "addresses.city",
                "addresses.1.phone",
                "addresses.address_2",
                "addresses.0.address_2.1",
            ]
        ),
        st.sampled_from(["email", "other", "x.y", "addresses.0.a.b", "tags.1", "other.city", "addresses.other"]),
        max_size=4,
    ),
    defaults=st.dictionaries(
        st.sampled_from(["lastName", "addresses.phone", "addresses.1.city", "tags"]),
        st.sampled_from(["-", "{firstName}", "{addresses.0.city}", "{addresses.phone}!"]),
        max_size=3,
    ),
    ignored_columns=st.frozensets(st.sampled_from(["other", "addresses.other", "status"]), max_size=2),
    ignore_other_columns=st.booleans(),
    drop_bad_phones=st.booleans(),
    country_names=st.booleans(),
    drop_nulls=st.booleans(),
    initial_password_key=st.sampled_from([b"", b"k" * 32]),
).filter(can_be_given)


def check(first: ImportRow, again: ImportRow) -> None:
    assert first == again
    assert bool(first.body) != bool(first.faults)
    if first.body:
        assert b"\n" not in first.body
        parse_object(first.body)
    assert SECRET not in f"{first!r} {first.faults} {first.warnings}"


@given(OBJECTS, OPTIONS)
def test_every_object_becomes_a_row_or_faults(values: dict[str, Any], options: ImportOptions) -> None:
    before = repr(values)

    rows = [
        next(Finishing(options).rows(ObjectDrafts(options.mapping, options)([Record(7, values)]))) for _ in range(2)
    ]

    check(*rows)
    assert repr(values) == before


@given(st.data(), OPTIONS)
def test_every_row_of_a_table_becomes_a_row_or_faults(data: st.DataObject, options: ImportOptions) -> None:
    paths = ["email", *data.draw(st.lists(st.sampled_from(TABLE), unique=True))]
    columns = table_columns(tuple(paths), ImportOptions())
    cells = {path: data.draw(TEXTS) for path in paths}

    rows = [next(Finishing(options).rows(TableDrafts(columns)([Record(7, cells)]))) for _ in range(2)]

    check(*rows)


TABLE: Final = [
    *CUSTOMER_FIELDS[1:6],
    *("tags.0", "tags.2", "addresses.0.city", "addresses.0.phone", "addresses.2.country", "addresses.2.address_2.1"),
]
"""Columns that go together."""


def test_the_columns_of_the_tables_are_fields() -> None:
    assert [path for path in TABLE if parse_field(path) is None] == []
