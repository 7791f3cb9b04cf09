"""How JSON objects become customers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from cli.importing.options import ImportOptions
from cli.importing.plan import make_plan
from cli.importing.reading.input_file import InputFile
from tests.cli.importing.plans import customers, faults, refusal, rows_of, written

if TYPE_CHECKING:
    from pathlib import Path

NAMES: Final = {"password": "secret", "firstName": "Jane", "lastName": "Doe"}
JANE: Final[dict[str, Any]] = {"email": "jane@example.com", "password": "secret", "firstName": "Jane"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "customers.json"


def a_list(path: Path, *objects: dict[str, Any]) -> Path:
    return written(path, json.dumps(list(objects), indent=1))


def lines(path: Path, *objects: dict[str, Any]) -> Path:
    return written(path, "".join(f"{json.dumps(each)}\n" for each in objects))


def test_json_lines_without_options_are_sent_as_they_are(path: Path) -> None:
    written(path, b'{"email" : "a@example.com" }\r\n\n{"email":1, "x": 1.50}\nno json\n')

    with InputFile(path) as source:
        plan = make_plan(source, ImportOptions())
        with source.content() as content:
            rows = list(plan.rows(content))

    assert plan.is_plain
    assert [(row.number, row.body, row.faults) for row in rows] == [
        (1, b'{"email" : "a@example.com" }', ()),
        (3, b'{"email":1, "x": 1.50}', ()),
        (4, b"no json", ()),
    ]


def test_names_that_the_contract_does_not_have_are_left_to_the_service(path: Path) -> None:
    a_list(path, {"shoe": 42, **JANE, "addresses": [{"town": "Bern", "city": "Bern"}]})

    (row,) = rows_of(path)

    assert list(customers([row])[0]) == ["email", "password", "firstName", "addresses", "shoe"]
    assert customers([row])[0]["addresses"] == [{"city": "Bern", "town": "Bern"}]


def test_paths_are_mapped(path: Path) -> None:
    a_list(
        path,
        {
            "login": "jane@example.com",
            "profile": {"name": {"first": "Jane"}},
            "x.y": "Doe",
            "labels": [{"title": "VIP"}, {"title": "news"}, {}],
            "places": [{"town": "Bern", "tel": "031/123"}, {"town": "Rome"}],
            "extra": {"town": "Oslo"},
            "status": "ACTIVE",
        },
    )

    (row,) = rows_of(
        path,
        mapping={
            "email": "login",
            "firstName": "profile.name.first",
            "lastName": "x.y",
            "tags": "labels.title",
            "addresses.city": "places.town",
            "addresses.phone": "places.tel",
            "addresses.2.city": "extra.town",
            "password": "profile.nothing.here",
        },
    )

    assert customers([row]) == [
        {
            "email": "jane@example.com",
            "firstName": "Jane",
            "lastName": "Doe",
            "status": "ACTIVE",
            "tags": ["VIP", "news"],
            "addresses": [{"city": "Bern", "phone": 31123}, {"city": "Rome"}, {"city": "Oslo"}],
        }
    ]
    assert row.columns["addresses.1.city"] == "places.town"


def test_an_address_that_an_object_lacks_leaves_no_gap(path: Path) -> None:
    a_list(path, {"email": "a@example.com", "shipping": {"town": "Bern"}}, {"email": "b@example.com"})
    mapping = {"addresses.0.city": "billing.town", "addresses.1.city": "shipping.town"}

    rows = rows_of(path, mapping=mapping)

    assert customers(rows) == [{"email": "a@example.com", "addresses": [{"city": "Bern"}]}, {"email": "b@example.com"}]
    assert rows[0].columns == {"addresses.0.city": "shipping.town"}


def test_a_record_stays_as_it_was_read(path: Path) -> None:
    values = {**JANE, "tags": ["a"], "addresses": [{"phone": "1-2", "country": None}], "town": "Bern", "tag": "b"}
    lines(path, values)

    (row,) = rows_of(path, mapping={"addresses.0.city": "town", "tags.1": "tag"}, drop_nulls=True)

    assert customers([row])[0]["addresses"] == [{"city": "Bern", "phone": 12}]
    assert customers([row])[0]["tags"] == ["a", "b"]
    assert [record.values for record in row.records] == [values]


def test_names_that_mean_nothing_refuse_the_file_where_paths_are_mapped(path: Path) -> None:
    lines(path, {"login": "a@example.com", "shoe": 42}, {"login": "b@example.com", "born": 1})

    told = refusal(path, mapping={"email": "login"})

    assert "names that mean nothing here: shoe, born." in told
    assert customers(rows_of(path, mapping={"email": "login"}, ignore_other_columns=True)) == [
        {"email": "a@example.com"},
        {"email": "b@example.com"},
    ]


def test_a_name_that_only_a_late_object_has_is_its_fault_alone(path: Path) -> None:
    lines(path, *[{"login": "x@example.com", **NAMES} for _ in range(400)], {"login": "x@example.com", "born": 1})

    assert faults(rows_of(path, mapping={"email": "login"})) == [
        (401, "born", "means nothing here: --map it to a field, --ignore it, or --ignore-others")
    ]


def test_names_are_left_out_by_option(path: Path) -> None:
    a_list(path, {**JANE, "shoe": 42, "addresses": [{"city": "Bern", "id": 7, "x": 1}]})

    (by_name,) = customers(rows_of(path, ignored_columns=frozenset({"shoe", "addresses.id"})))
    (all_others,) = customers(rows_of(path, ignore_other_columns=True))

    assert by_name == {**JANE, "addresses": [{"city": "Bern", "x": 1}]}
    assert all_others == {**JANE, "addresses": [{"city": "Bern"}]}


def test_nulls_are_left_out_by_option(path: Path) -> None:
    a_list(path, {**JANE, "lastName": None, "tags": ["a", None], "addresses": [None, {"city": None}, {"city": "Bern"}]})

    (kept,) = customers(rows_of(path))
    (dropped,) = customers(rows_of(path, drop_nulls=True))

    assert kept["lastName"] is None
    assert dropped == {**JANE, "tags": ["a"], "addresses": [{"city": "Bern"}]}


def test_numbers_keep_their_value_and_a_fraction_is_a_fault(path: Path) -> None:
    body = '[{"email":"a@example.com","addresses":[{"phone":123456789012345678901234567890},{"phone":41.0}]}, %s]'
    written(path, body % '{"email":"b@example.com","tags":[1.5]}')

    rows = rows_of(path)

    assert b'{"phone":123456789012345678901234567890},{"phone":41}' in rows[0].body
    assert faults(rows) == [(2, "tags.0", "is a number with a fraction, and no field takes one")]
