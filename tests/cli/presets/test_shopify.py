"""Customers of Shopify."""

from __future__ import annotations

import pytest

from cli.importing.presets.drafting import ADDRESS_LEFT_OUT
from cli.importing.presets.shopify import PRESET
from cli.importing.records import Record
from tests.cli.presets.samples import PASSWORDS, drafted, sample, table


def test_each_row_of_the_export_is_a_customer_with_names_tags_and_the_default_address() -> None:
    drafts = drafted(PRESET, sample("shopify.csv"))

    assert list(drafts) == list(PASSWORDS["shopify"])
    assert drafts["ava.lindqvist@example.com"].customer == {
        "email": "ava.lindqvist@example.com",
        "firstName": "Ava",
        "lastName": "Lindqvist",
        "tags": ["newsletter", "VIP"],
        "addresses": [
            {
                "company": "Lindqvist Keramik AB",
                "address_1": "Storgatan 12",
                "address_2": "lgh 1101",
                "city": "Lund",
                "postCode": "222 29",
                "country": "SE",
                "phone": "+46 70 174 06 05",
            }
        ],
    }
    assert drafts["ava.lindqvist@example.com"].columns["addresses.0.city"] == "Default Address City"


def test_the_apostrophe_that_keeps_a_cell_text_in_a_spreadsheet_is_taken_off_phones_and_postcodes() -> None:
    address = drafted(PRESET, sample("shopify.csv"))["marcus.bell@example.com"].customer["addresses"][0]

    assert (address["postCode"], address["phone"]) == ("02108", "+1 617-555-0143")


def test_the_customers_own_phone_stands_in_for_the_address_that_has_none() -> None:
    address = drafted(PRESET, sample("shopify.csv"))["priya.raman@example.com"].customer["addresses"][0]

    assert address["phone"] == "+919845012345"


def test_a_country_and_a_phone_alone_are_no_address_and_this_is_warned_of() -> None:
    draft = drafted(PRESET, sample("shopify.csv"))["zoe@example.com"]

    assert "addresses" not in draft.customer
    assert draft.warnings == [ADDRESS_LEFT_OUT]


def test_what_is_missing_stays_absent_and_is_known_by_its_column() -> None:
    draft = drafted(PRESET, sample("shopify.csv"))["zoe@example.com"]

    assert "lastName" not in draft.customer
    assert draft.columns["lastName"] == "Last Name"


def test_the_columns_of_before_are_read_as_well() -> None:
    text = (
        "First Name,Last Name,Email,Company,Address1,Address2,City,Province,Province Code,Country,Country Code,Zip,"
        "Phone\n"
        "Ada,Byron,ada@example.com,,1 Rue,,Paris,,,France,FR,75001,'0612345678\n"
    )

    (address,) = drafted(PRESET, table(text))["ada@example.com"].customer["addresses"]

    assert address == {
        "address_1": "1 Rue",
        "city": "Paris",
        "country": "FR",
        "postCode": "75001",
        "phone": "0612345678",
    }


def test_rows_of_one_customer_in_matrixifys_export_become_one_customer_with_all_addresses() -> None:
    drafts = drafted(PRESET, sample("shopify-matrixify.csv"))

    assert list(drafts) == list(PASSWORDS["shopify-matrixify"])
    assert {email: len(draft.customer.get("addresses", ())) for email, draft in drafts.items()} == {
        "nora.okafor@example.com": 3,
        "liam.byrne@example.com": 1,
        "yuki.mori@example.com": 0,
        "carlos.pinto@example.com": 2,
        "hana.novak@example.com": 0,
    }
    nora = drafts["nora.okafor@example.com"]
    assert [row.number for row in nora.records] == [2, 3, 4]
    assert nora.customer["addresses"][1]["firstName"] == "Emeka"
    assert nora.columns["addresses.2.city"] == "Address City"


@pytest.mark.parametrize(
    ("rows", "emails"),
    [
        ("a@example.com,Ada,B,1 Rue\n,Bob,C,2 Rue\n", ["a@example.com", None]),
        ("a@example.com,Ada,B,1 Rue\n,,,2 Rue\n", ["a@example.com"]),
        (
            "a@example.com,Ada,B,1 Rue\nA@example.com,,,2 Rue\nb@example.com,,,3 Rue\n",
            ["a@example.com", "b@example.com"],
        ),
    ],
    ids=["a name without email is another customer", "an address alone is not", "the email tells"],
)
def test_without_ids_the_email_and_the_name_tell_customers_apart(rows: str, emails: list[str | None]) -> None:
    drafts = PRESET.drafts(table(f"Email,First Name,Last Name,Address Line 1\n{rows}"))

    assert [draft.customer.get("email") for draft in drafts] == emails


def test_customers_without_email_stay_apart_in_shopifys_own_export() -> None:
    drafts = list(PRESET.drafts(table("Customer ID,First Name,Last Name,Email,Phone\n1,A,B,,1\n2,C,D,,2\n")))

    assert [draft.customer["firstName"] for draft in drafts] == ["A", "C"]


def test_a_row_that_could_not_be_read_is_a_customer_with_that_fault() -> None:
    (draft,) = PRESET.drafts([Record(2, {}, fault="has 3 cells, and there are 20 columns")])

    assert [(fault.where, fault.message) for fault in draft.faults] == [("", "has 3 cells, and there are 20 columns")]
    assert draft.customer == {}
