"""Users of Keycloak."""

from __future__ import annotations

from typing import Any

import pytest

from cli.importing.presets.keycloak import PRESET
from tests.cli.presets.samples import PASSWORDS, drafted, objects, sample


def test_each_user_is_a_customer() -> None:
    drafts = drafted(PRESET, sample("keycloak.json"))

    assert list(drafts) == list(PASSWORDS["keycloak"])
    david = drafts["david.osei@example.com"]
    assert david.customer.keys() == {"email", "firstName", "lastName", "passwordHash"}
    assert (david.customer["firstName"], david.customer["lastName"]) == ("David", "Osei")
    assert david.columns["passwordHash"] == "credentials"


@pytest.mark.parametrize(
    ("email", "beginning"),
    [
        ("mira.holm@example.com", "$argon2id$v=19$m=7168,t=5,p=1$"),
        ("david.osei@example.com", "$pbkdf2-sha512$i=210000$"),
        ("chloe.martin@example.com", "$pbkdf2-sha256$i=27500$"),
        ("jo@example.com", "$pbkdf2-sha1$i=20000$"),
        ("old.realm@example.com", "$pbkdf2-sha256$i=27500$"),
    ],
)
def test_hashes_are_brought_along_whatever_their_algorithm(email: str, beginning: str) -> None:
    assert drafted(PRESET, sample("keycloak.json"))[email].customer["passwordHash"].startswith(beginning)


def test_attributes_of_the_address_scope_become_an_address() -> None:
    drafts = drafted(PRESET, sample("keycloak.json"))

    mira, chloe = drafts["mira.holm@example.com"], drafts["chloe.martin@example.com"]
    assert mira.customer["addresses"] == [
        {
            "address_1": "Storgatan 12",
            "city": "Umeå",
            "state": "Västerbotten",
            "postCode": "903 26",
            "country": "SE",
            "phone": "+46 90 123 456",
        }
    ]
    assert mira.columns["addresses.0.city"] == "attributes.locality"
    (address,) = chloe.customer["addresses"]
    assert (address["address_1"], address["address_2"]) == ("3 rue des Lilas", ["Bât. B"])
    assert chloe.columns["addresses.0.address_2"] == "attributes.street"


def test_a_disabled_user_becomes_inactive_with_a_warning() -> None:
    draft = drafted(PRESET, sample("keycloak.json"))["ravi.kumar@example.com"]

    assert (draft.customer["status"], draft.columns["status"], len(draft.warnings)) == ("INACTIVE", "enabled", 1)


def test_a_password_that_was_written_by_hand_is_a_password() -> None:
    draft = drafted(PRESET, sample("keycloak.json"))["by.hand@example.com"]

    assert draft.customer["password"] == PASSWORDS["keycloak"]["by.hand@example.com"]
    assert "passwordHash" not in draft.customer


def test_a_user_of_a_federation_has_no_password() -> None:
    draft = drafted(PRESET, sample("keycloak.json"))["from.ldap@example.com"]

    assert draft.customer.keys() == {"email", "firstName", "lastName"}
    assert draft.faults == []


def test_the_account_of_a_service_is_refused() -> None:
    user = {"username": "service-account-shop", "serviceAccountClientId": "shop", "credentials": []}

    (draft,) = PRESET.drafts(objects([user]))

    assert [fault.where for fault in draft.faults] == ["serviceAccountClientId"]


@pytest.mark.parametrize(
    "credentials",
    [None, "hunter2", [], [None], [{"type": "otp", "secretData": "hunter2"}], [{"type": "password", "value": 1}]],
    ids=["null", "text", "empty", "null in it", "one-time", "number"],
)
def test_what_is_no_password_is_left_out(credentials: Any) -> None:
    (draft,) = PRESET.drafts(objects([{"username": "a", "email": "a@example.com", "credentials": credentials}]))

    assert draft.customer == {"email": "a@example.com"}
    assert draft.faults == []


def test_a_credential_that_nobody_can_verify_is_a_fault_that_does_not_repeat_it() -> None:
    credential = {"type": "password", "secretData": '{"value":"aHVudGVyMg==","salt":"aHVudGVyMg=="}'}
    credential["credentialData"] = '{"hashIterations":1,"algorithm":"hunter2"}'

    (draft,) = PRESET.drafts(objects([{"username": "a", "email": "a@example.com", "credentials": [credential]}]))

    (fault,) = draft.faults
    assert fault.where == "credentials"
    assert "hunter2" not in fault.message
