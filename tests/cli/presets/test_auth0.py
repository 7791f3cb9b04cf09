"""Users of Auth0."""

from __future__ import annotations

from typing import Any

import pytest

from cli.importing.presets.auth0 import PRESET
from tests.cli.presets.samples import PASSWORDS, drafted, objects, sample


def test_each_user_of_a_bulk_import_is_a_customer() -> None:
    drafts = drafted(PRESET, sample("auth0.json"))

    assert list(drafts) == list(PASSWORDS["auth0"])
    assert drafts["edward.argon@example.com"].customer == {
        "email": "edward.argon@example.com",
        "firstName": "Edward",
        "lastName": "Argon",
        "passwordHash": sample("auth0.json")[1].values["custom_password_hash"]["hash"]["value"],
    }
    assert drafts["edward.argon@example.com"].columns["passwordHash"] == "custom_password_hash"
    assert drafts["john.contoso@example.com"].columns["passwordHash"] == "password_hash"


@pytest.mark.parametrize(
    ("email", "beginning"),
    [
        ("john.contoso@example.com", "$2b$10$"),
        ("cecil.pbkdf2@example.com", "$pbkdf2-sha256$i=100000$"),
        ("carmella.scrypt@example.com", "$scrypt$ln=12,r=8,p=1$"),
        ("mary.sha256@example.com", "$digest$sha256,b="),
        ("milo.md5@example.com", "$digest$md5,a="),
        ("sean.ldap@example.com", "{SSHA384}"),
    ],
)
def test_hashes_are_brought_along_whatever_their_algorithm(email: str, beginning: str) -> None:
    assert drafted(PRESET, sample("auth0.json"))[email].customer["passwordHash"].startswith(beginning)


def test_an_export_that_was_joined_with_its_hashes_is_read() -> None:
    drafts = drafted(PRESET, sample("auth0-export.jsonl"))

    assert list(drafts) == list(PASSWORDS["auth0-export"])
    anja = drafts["anja.weiss@example.com"]
    assert (anja.customer["firstName"], anja.customer["lastName"]) == ("Anja", "Weiß")
    assert anja.columns["passwordHash"] == "passwordHash"
    assert drafts["social@example.com"].customer.keys() == {"email", "firstName", "lastName"}


def test_a_whole_name_becomes_the_first_name_with_a_warning_unless_it_is_the_email() -> None:
    drafts = drafted(PRESET, sample("auth0-export.jsonl"))

    prince, nobody = drafts["only.name@example.com"], drafts["nobody@example.com"]
    assert (prince.customer["firstName"], len(prince.warnings)) == ("Prince", 1)
    assert "firstName" not in nobody.customer
    assert (nobody.columns["firstName"], nobody.warnings) == ("given_name", [])


def test_a_blocked_user_becomes_inactive_with_a_warning() -> None:
    draft = drafted(PRESET, sample("auth0-export.jsonl"))["blocked.too@example.com"]

    assert (draft.customer["status"], draft.columns["status"], len(draft.warnings)) == ("INACTIVE", "blocked", 1)


def test_the_names_of_the_dashboards_default_fields_are_known() -> None:
    user = {"Id": "auth0|1", "email": "a@example.com", "Given Name": "Ada", "Family Name": "Smith", "Name": "Ada Smith"}

    (draft,) = PRESET.drafts(objects([user]))

    assert draft.customer == {"email": "a@example.com", "firstName": "Ada", "lastName": "Smith"}
    assert draft.columns["lastName"] == "Family Name"


def test_a_hash_that_nobody_can_verify_is_a_fault_that_does_not_repeat_it() -> None:
    custom = {"algorithm": "hmac", "hash": {"value": "hunter2", "digest": "sha1", "key": {"value": "736868"}}}

    (draft,) = PRESET.drafts(objects([{"email": "a@example.com", "custom_password_hash": custom}]))

    (fault,) = draft.faults
    assert fault.where == "custom_password_hash"
    assert "key" in fault.message
    assert "hunter2" not in fault.message


@pytest.mark.parametrize(
    "document", [{}, {"username": "mira"}, {"localId": "1"}], ids=["empty", "Keycloak", "Firebase"]
)
def test_what_is_no_user_is_refused(document: dict[str, Any]) -> None:
    (draft,) = PRESET.drafts(objects([document]))

    assert [fault.message for fault in draft.faults] == [
        "this is no user of Auth0: it has neither an email nor a user_id"
    ]
