"""Customers of Magento."""

from __future__ import annotations

from cli.importing.presets.grouping import BROKEN_ROW_BEHIND, ROWS, TOO_MANY_ROWS
from cli.importing.presets.magento import ORPHAN, PRESET
from cli.importing.records import Record
from tests.cli.presets.samples import PASSWORDS, drafted, sample, table


def test_rows_without_email_are_further_addresses_of_the_customer_before_them() -> None:
    drafts = drafted(PRESET, sample("magento.csv"))

    assert list(drafts) == list(PASSWORDS["magento"])
    assert [len(draft.records) for draft in drafts.values()] == [2, 3, 1, 1, 1, 1]
    assert drafts["anthony.nealy@example.com"].customer["addresses"] == [
        {
            "name": "Billing and shipping",
            "firstName": "Anthony",
            "lastName": "Nealy",
            "address_1": "3176 Cambridge Court",
            "city": "Fayetteville",
            "state": "Arkansas",
            "postCode": "72701",
            "country": "US",
            "phone": "479-899-9849",
        },
        {
            "firstName": "Anthony",
            "lastName": "Nealy",
            "address_1": "4709 Pleasant Hill Road",
            "city": "Irvine",
            "state": "California",
            "postCode": "92664",
            "country": "US",
            "phone": "562-208-2310",
        },
    ]


def test_addresses_are_called_by_what_they_are_the_default_for() -> None:
    addresses = drafted(PRESET, sample("magento.csv"))["lori.banks@example.com"].customer["addresses"]

    assert [address.get("name") for address in addresses] == ["Billing", "Shipping", None]


def test_the_lines_of_a_street_become_the_two_fields_of_the_contract() -> None:
    draft = drafted(PRESET, sample("magento.csv"))["lori.banks@example.com"]

    assert [(address["address_1"], address.get("address_2")) for address in draft.customer["addresses"]] == [
        ("2573 Goodwin Avenue", "Suite 200"),
        ("Hauptstraße 5", ["Hinterhaus", "3. Stock"]),
        ("12 High Street", None),
    ]
    assert draft.columns["addresses.1.address_2"] == "_address_street"


def test_hashes_of_every_version_are_brought_along() -> None:
    drafts = drafted(PRESET, sample("magento.csv"))

    assert [draft.customer["passwordHash"].rpartition("$argon2id$")[0].split(",")[0] for draft in drafts.values()] == [
        "",
        "",
        "$wrapped$sha256",
        "",
        "$wrapped$md5",
        "",
    ]
    assert drafts["kelly.nilson@example.com"].customer["passwordHash"].startswith("$digest$sha256,b=")
    assert drafts["max.magento1@example.com"].customer["passwordHash"].startswith("$digest$md5,b=")
    assert not any(draft.faults for draft in drafts.values())


def test_a_hash_that_cannot_be_brought_along_is_a_fault_of_its_column_without_the_hash() -> None:
    (draft,) = PRESET.drafts(table("email,firstname,lastname,password_hash\na@example.com,A,B,0123cafe\n"))

    (fault,) = draft.faults
    assert fault.where == "password_hash"
    assert "0123cafe" not in fault.message


def test_the_main_file_has_customers_without_addresses() -> None:
    text = "email,_website,firstname,lastname,password_hash,password\na@example.com,base,A,B,,a clear one\n"

    (draft,) = PRESET.drafts(table(text))

    assert draft.customer == {
        "email": "a@example.com",
        "firstName": "A",
        "lastName": "B",
        "password": "a clear one",
    }


def test_a_customer_who_never_confirmed_the_email_becomes_inactive_with_a_warning() -> None:
    text = "email,firstname,lastname,password_hash,confirmation\na@example.com,A,B,,8d1c\n"

    (draft,) = PRESET.drafts(table(text))

    assert draft.customer["status"] == "INACTIVE"
    assert len(draft.warnings) == 1


def test_a_customer_is_refused_with_a_row_behind_that_may_be_its_address_and_cannot_be_read() -> None:
    records = table("email,firstname,lastname,_address_street\na@example.com,A,B,1 Rue\n,,,2 Rue\nc@example.com,C,D,\n")
    records.insert(1, Record(9, {}, fault="it has 2 cells, and the table has 4 columns"))

    drafts = list(PRESET.drafts(records))

    assert [[row.number for row in draft.records] for draft in drafts] == [[2], [9], [3], [4]]
    assert [[fault.message for fault in draft.faults] for draft in drafts] == [
        [BROKEN_ROW_BEHIND],
        ["it has 2 cells, and the table has 4 columns"],
        [ORPHAN],
        [],
    ]


def test_a_file_without_addresses_has_no_rows_that_could_be_one() -> None:
    records = [*table("email,firstname,lastname\na@example.com,A,B\n"), Record(3, {}, fault="it is no text in UTF-8")]

    drafts = list(PRESET.drafts(records))

    assert [len(draft.faults) for draft in drafts] == [0, 1]


def test_rows_of_two_customers_that_stand_together_in_a_file_of_refused_rows_stay_apart() -> None:
    text = (
        "_line,_error,_reason,email,firstname,lastname,_address_street\n"
        "2,invalid_row,…,a@example.com,A,B,1 Rue\n,,,,,,2 Rue\n9,invalid_row,…,,,,Another Rue\n"
    )

    first, other = PRESET.drafts(table(text))

    assert [address["address_1"] for address in first.customer["addresses"]] == ["1 Rue", "2 Rue"]
    assert [fault.message for fault in other.faults] == [ORPHAN]


def test_a_customer_without_end_is_refused_and_fills_no_memory() -> None:
    rows = "a@example.com,A,B,1 Rue\n" + ",,,2 Rue\n" * ROWS

    drafts = list(PRESET.drafts(table(f"email,firstname,lastname,_address_street\n{rows}")))

    assert [len(draft.records) for draft in drafts] == [ROWS, 1]
    assert [[fault.message for fault in draft.faults] for draft in drafts] == [[TOO_MANY_ROWS], [ORPHAN]]
