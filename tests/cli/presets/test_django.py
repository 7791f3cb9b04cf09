"""Users of Django."""

from __future__ import annotations

import csv
import io

import pytest

from cli.importing.presets.django import PRESET
from tests.cli.presets.samples import PASSWORDS, drafted, objects, sample, table


def _as_csv() -> str:
    """The sample as PostgreSQL writes the table."""
    documents = [record.values for record in sample("django.json")]
    rows = [{"id": document["pk"], **document["fields"]} for document in documents]
    for row in rows:
        row.update({name: "ft"[value] for name, value in row.items() if isinstance(value, bool)})
        del row["groups"], row["user_permissions"]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def test_each_object_of_dumpdata_is_a_customer_whose_hash_is_brought_along() -> None:
    drafts = drafted(PRESET, sample("django.json"))

    assert list(drafts) == list(PASSWORDS["django"])
    erika = drafts["erika.braun@example.com"]
    assert erika.customer == {
        "email": "erika.braun@example.com",
        "firstName": "Erika",
        "lastName": "Braun",
        "passwordHash": sample("django.json")[0].values["fields"]["password"],
    }
    assert erika.columns["passwordHash"] == "fields.password"
    assert erika.columns["passwordHash"] in PRESET.secrets


def test_the_name_of_the_algorithm_before_a_complete_hash_is_taken_off() -> None:
    drafts = drafted(PRESET, sample("django.json"))

    assert drafts["mina.park@example.com"].customer["passwordHash"].startswith("$argon2id$")
    assert drafts["ana.kovac@example.com"].customer["passwordHash"].startswith("$2b$12$")
    assert drafts["leo.grand@example.com"].customer["passwordHash"].startswith("bcrypt_sha256$$2b$12$")
    assert drafts["old.timer@example.com"].customer["passwordHash"].startswith("$digest$md5,b=")


def test_an_unusable_password_is_none() -> None:
    draft = drafted(PRESET, sample("django.json"))["sso.only@example.com"]

    assert draft.customer == {"email": "sso.only@example.com"}
    assert (draft.columns["lastName"], draft.faults) == ("fields.last_name", [])


def test_a_user_who_is_not_active_becomes_inactive_with_a_warning() -> None:
    draft = drafted(PRESET, sample("django.json"))["sam.scrypt@example.com"]

    assert draft.customer["status"] == "INACTIVE"
    assert (draft.columns["status"], len(draft.warnings)) == ("fields.is_active", 1)


def test_the_table_of_the_same_users_gives_the_same_customers() -> None:
    from_csv = drafted(PRESET, table(_as_csv()))
    from_json = drafted(PRESET, sample("django.json"))

    assert [draft.customer for draft in from_csv.values()] == [draft.customer for draft in from_json.values()]
    assert from_csv["erika.braun@example.com"].columns["passwordHash"] == "password"
    assert "password" in PRESET.secrets


@pytest.mark.parametrize(
    "document",
    [
        {"model": "auth.permission", "pk": 1, "fields": {"name": "Can add", "codename": "add"}},
        {"email": "a@example.com"},
        {"model": "auth.user", "fields": None},
    ],
    ids=["another model", "no password", "no fields"],
)
def test_what_is_no_user_is_refused(document: dict[str, object]) -> None:
    (draft,) = PRESET.drafts(objects([document]))

    (fault,) = draft.faults
    assert fault.message == "this is no user: name the users' model, as in dumpdata auth.user"
