"""How the rows of a table become customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.importing.plans import customers, faults, refusal, rows_of, written

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "customers.csv"


def test_columns_are_called_as_the_contract_calls_the_fields(path: Path) -> None:
    written(
        path,
        "email,password,firstName,lastName,status,tags,addresses.0.city,addresses.0.phone,addresses.1.city\n"
        'jane@example.com,secret,Jane,Doe,INACTIVE,"VIP, news",Rome,217 320,Bern\n',
    )

    (row,) = rows_of(path)

    assert customers([row]) == [
        {
            "email": "jane@example.com",
            "password": "secret",
            "firstName": "Jane",
            "lastName": "Doe",
            "status": "INACTIVE",
            "tags": ["VIP", "news"],
            "addresses": [{"city": "Rome", "phone": 217320}, {"city": "Bern"}],
        }
    ]
    assert row.number == 2
    assert row.columns["addresses.1.city"] == "addresses.1.city"


def test_the_bytes_are_in_the_contracts_order_and_the_same_in_each_reading(path: Path) -> None:
    written(path, "addresses.0.state,lastName,addresses.0.city,password,email\nBE,Zoë,Bern,secret,a@example.com\n")

    first, second = rows_of(path), rows_of(path)

    assert first[0].body == second[0].body
    assert first[0].body.decode() == (
        '{"email":"a@example.com","password":"secret","lastName":"Zoë","addresses":[{"city":"Bern","state":"BE"}]}'
    )


def test_empty_and_blank_cells_are_absent_and_all_others_stay_as_they_are(path: Path) -> None:
    written(path, 'email,firstName,lastName,tags,status\na@example.com," ",Null,,\nb@example.com, Jane ,null,NA,-\n')

    assert customers(rows_of(path)) == [
        {"email": "a@example.com", "lastName": "Null"},
        {"email": "b@example.com", "firstName": " Jane ", "lastName": "null", "tags": ["NA"], "status": "-"},
    ]


def test_an_address_without_a_cell_is_none_and_the_next_takes_its_place(path: Path) -> None:
    written(
        path,
        "email,addresses.0.city,addresses.1.city,addresses.1.phone\na@example.com,,Bern,1\nb@example.com,,,\n"
        "c@example.com,Rome,Bern,2\n",
    )

    rows = rows_of(path)

    assert [customer.get("addresses") for customer in customers(rows)] == [
        [{"city": "Bern", "phone": 1}],
        None,
        [{"city": "Rome"}, {"city": "Bern", "phone": 2}],
    ]
    # The service complains of the first address, and a person looks for the column.
    assert rows[0].columns["addresses.0.city"] == "addresses.1.city"
    assert rows[2].columns["addresses.0.city"] == "addresses.0.city"


def test_columns_are_mapped(path: Path) -> None:
    written(path, "E-Mail;First Name;Town\na@example.com;Jane;Bern\n")

    (row,) = rows_of(
        path,
        mapping={"email": "E-Mail", "firstName": "First Name", "addresses.0.firstName": "First Name"}
        | {"addresses.city": "Town"},
    )

    assert customers([row]) == [
        {"email": "a@example.com", "firstName": "Jane", "addresses": [{"firstName": "Jane", "city": "Bern"}]}
    ]
    assert row.columns["addresses.0.city"] == "Town"


def test_a_mapped_field_is_not_held_by_the_column_of_its_name(path: Path) -> None:
    written(path, "email,Login\na@example.com,b@example.com\n")

    assert customers(rows_of(path, mapping={"email": "Login"}, ignored_columns=frozenset({"email"}))) == [
        {"email": "b@example.com"}
    ]
    assert "columns that mean nothing here: email." in refusal(path, mapping={"email": "Login"})


def test_columns_are_left_out_by_option(path: Path) -> None:
    written(path, "email,status,Notes,Born\na@example.com,ACTIVE,x,y\n")

    by_name = rows_of(path, ignored_columns=frozenset({"Notes", "Born", "status", "there is none"}))
    all_others = rows_of(path, ignore_other_columns=True)

    assert customers(by_name) == [{"email": "a@example.com"}]
    assert customers(all_others) == [{"email": "a@example.com", "status": "ACTIVE"}]


def test_tags_are_split_by_the_sign_that_is_given_or_have_a_column_each(path: Path, tmp_path: Path) -> None:
    written(path, "email,tags\na@example.com,x|y z| |\n")
    other = written(tmp_path / "others.csv", "email,tags.1,tags.0\na@example.com,second,first\nb@example.com,,one\n")

    assert customers(rows_of(path, tags_separator="|"))[0]["tags"] == ["x", "y z"]
    assert [customer["tags"] for customer in customers(rows_of(other))] == [["first", "second"], ["one"]]


def test_there_may_be_250_tags(path: Path) -> None:
    written(path, f'email,tags\na@example.com,"{",".join(f"tag {number}" for number in range(250))}"\n')

    assert len(customers(rows_of(path))[0]["tags"]) == 250


def test_the_second_line_of_an_address_may_be_several(path: Path) -> None:
    written(
        path,
        "email,addresses.0.address_2.0,addresses.0.address_2.1,addresses.1.address_2\na@example.com,Floor,Left,Rear\n",
    )

    assert customers(rows_of(path))[0]["addresses"] == [{"address_2": ["Floor", "Left"]}, {"address_2": "Rear"}]


def test_a_row_that_cannot_be_read_stops_no_other(path: Path) -> None:
    written(path, "email,tags\na@example.com,x\nragged\nb@example.com,x\n")

    rows = rows_of(path)

    assert [(row.number, bool(row.body)) for row in rows] == [(2, True), (3, False), (4, True)]
    assert faults(rows) == [(3, "", "it has 1 cells, and the table has 2 columns")]


@pytest.mark.parametrize(
    ("columns", "options", "words"),
    [
        ("E-Mail,Name", {}, ["without a column for email", "E-Mail, Name", "--map email=E-Mail"]),
        ("email,First Name,x", {}, ["First Name, x", "--map firstName='First Name'", "--ignore 'First Name'"]),
        ("email,x", {"mapping": {"firstName": "y"}}, ["without a column y", "email, x"]),
        ("email,x", {"mapping": {"surname": "x"}}, ["no field is called surname", "lastName"]),
        ("email,x", {"mapping": {"addresses.0.town": "x"}}, ["no field is called addresses.0.town", "postCode"]),
        ("email,x", {"defaults": {"surname": "x"}}, ["--default: no field is called surname"]),
        ("email,x", {"mapping": {"tags": "x", "tags.1": "email"}}, ["tags.1 is a part of tags"]),
        ("email,tags,tags.0", {}, ["two columns for tags"]),
        ("email,addresses.city,addresses.0.city", {}, ["two columns for addresses.0.city"]),
        ("a@example.com,secret", {}, ["first"]),
    ],
)
def test_columns_that_do_not_tell_refuse_the_file_as_a_whole(
    path: Path, columns: str, options: dict[str, object], words: list[str]
) -> None:
    written(path, f"{columns}\n{','.join(['b@example.com'] * (columns.count(',') + 1))}\n")

    told = refusal(path, **options)

    assert [word for word in words if word not in told] == []
    assert "example.com" not in told
    assert "secret" not in told
    assert "\n" not in told
