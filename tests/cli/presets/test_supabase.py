"""Users of Supabase."""

from __future__ import annotations

import json

import pytest

from cli.importing.presets.drafting import WHOLE_NAME
from cli.importing.presets.supabase import PRESET
from cli.importing.records import Record
from tests.cli.presets.samples import PASSWORDS, drafted, objects, sample, table


def test_each_row_is_a_customer_with_the_names_of_the_metadata_and_the_bcrypt_hash() -> None:
    records = sample("supabase.csv")
    drafts = drafted(PRESET, records)

    assert list(drafts) == list(PASSWORDS["supabase"])
    dana = drafts["dana.cole@example.com"]
    assert dana.customer == {
        "email": "dana.cole@example.com",
        "passwordHash": records[0].values["encrypted_password"],
        "firstName": "Dana",
        "lastName": "Cole",
    }
    assert dana.columns["firstName"] == "raw_user_meta_data.first_name"


def test_names_are_found_under_the_usual_names() -> None:
    drafts = drafted(PRESET, sample("supabase.csv"))

    assert drafts["ibrahim.s@example.com"].customer["lastName"] == "Şahin"
    assert drafts["banned.bob@example.com"].customer["lastName"] == 'O"Hara, Jr.'


def test_one_whole_name_becomes_the_first_name_and_this_is_warned_of() -> None:
    draft = drafted(PRESET, sample("supabase.csv"))["kim.whole@example.com"]

    assert (draft.customer["firstName"], "lastName" in draft.customer) == ("Kim Min-jun", False)
    assert draft.warnings == [WHOLE_NAME]


def test_who_came_by_a_social_login_has_no_hash() -> None:
    draft = drafted(PRESET, sample("supabase.csv"))["gina.oauth@example.com"]

    assert draft.customer == {"email": "gina.oauth@example.com", "firstName": "Gina Rossi"}
    assert draft.faults == []


def test_who_is_banned_or_not_confirmed_becomes_inactive_with_a_warning() -> None:
    text = (
        "email,encrypted_password,email_confirmed_at,banned_until\n"
        "a@example.com,,,\nb@example.com,,2026-01-01 00:00:00+00,\nc@example.com,,,2026-01-01 00:00:00+00\n"
    )

    drafts = drafted(PRESET, table(text))

    assert [draft.customer.get("status") for draft in drafts.values()] == ["INACTIVE", None, "INACTIVE"]
    assert [len(draft.warnings) for draft in drafts.values()] == [1, 0, 1]


def test_a_deleted_user_is_refused() -> None:
    text = "email,encrypted_password,deleted_at\na@example.com,,2026-01-01 00:00:00+00\n"

    (draft,) = PRESET.drafts(table(text))

    assert [fault.where for fault in draft.faults] == ["deleted_at"]


def test_the_json_of_the_same_users_gives_the_same_customers() -> None:
    from_csv = drafted(PRESET, sample("supabase.csv"))
    documents = [
        {name: value or None for name, value in row.values.items()}
        | {"raw_user_meta_data": json.loads(row.values["raw_user_meta_data"])}
        for row in sample("supabase.csv")
    ]

    from_json = drafted(PRESET, objects(documents))

    assert [draft.customer for draft in from_json.values()] == [draft.customer for draft in from_csv.values()]


@pytest.mark.parametrize("text", ["{oops", "[]", "[" * 100_000, '"{}"'], ids=["cut off", "a list", "deep", "a text"])
def test_metadata_that_is_no_object_is_a_fault_of_its_column(text: str) -> None:
    rows = [Record(2, {"email": "a@example.com", "encrypted_password": "", "raw_user_meta_data": text})]

    (draft,) = PRESET.drafts(rows)

    assert [fault.where for fault in draft.faults] == ["raw_user_meta_data"]


@pytest.mark.parametrize("text", ["", "null", "{}"])
def test_no_metadata_is_no_fault(text: str) -> None:
    (draft,) = PRESET.drafts(table(f"email,encrypted_password,raw_user_meta_data\na@example.com,,{text}\n"))

    assert (draft.customer, draft.faults) == ({"email": "a@example.com"}, [])
