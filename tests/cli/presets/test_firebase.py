"""Users of Firebase."""

from __future__ import annotations

import pytest

from cli.importing.presets.firebase import PRESET, tuned
from cli.importing.presets.preset import UnknownParameterError
from tests.cli.presets.samples import PASSWORDS, drafted, objects, sample


def test_each_user_is_a_customer_whose_hash_and_salt_are_brought_along() -> None:
    drafts = drafted(PRESET, sample("firebase.json"))

    assert list(drafts) == list(PASSWORDS["firebase"])
    user = sample("firebase.json")[0].values
    assert drafts["published@example.com"].customer == {
        "email": "published@example.com",
        "firstName": "Ada Vector",
        "passwordHash": f"$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==${user['salt']}${user['passwordHash']}",
    }
    assert drafts["published@example.com"].columns["passwordHash"] == "passwordHash"


def test_the_one_name_becomes_the_first_name_with_a_warning() -> None:
    drafts = drafted(PRESET, sample("firebase.json"))

    keiko, unnamed = drafts["keiko.tanaka@example.com"], drafts["no.name@example.com"]
    assert (keiko.customer["firstName"], keiko.columns["firstName"]) == ("田中 恵子", "displayName")
    assert len(keiko.warnings) == 1
    assert "firstName" not in unnamed.customer


def test_a_disabled_user_becomes_inactive_with_a_warning() -> None:
    draft = drafted(PRESET, sample("firebase.json"))["disabled@example.com"]

    assert (draft.customer["status"], draft.columns["status"]) == ("INACTIVE", "disabled")
    assert any("disabled in Firebase" in warning for warning in draft.warnings)


def test_who_signs_in_elsewhere_has_no_password() -> None:
    draft = drafted(PRESET, sample("firebase.json"))["google.only@example.com"]

    assert "passwordHash" not in draft.customer
    assert draft.faults == []


def test_a_hash_without_its_salt_is_a_fault() -> None:
    (draft,) = PRESET.drafts(objects([{"localId": "1", "email": "a@example.com", "passwordHash": "aHVudGVy"}]))

    assert [(fault.where, fault.message) for fault in draft.faults] == [("passwordHash", "has no salt beside it")]


def test_a_project_may_have_other_parameters() -> None:
    other = tuned({"mem_cost": "12", "rounds": "4", "base64_salt_separator": "AAE="})
    user = {"localId": "1", "email": "a@example.com", "passwordHash": "aHVudGVy", "salt": "c2FsdA=="}

    (draft,) = other(objects([user]))

    assert draft.customer["passwordHash"] == "$fbscrypt$v=1,n=12,r=4,p=1,ss=AAE=$c2FsdA==$aHVudGVy"


@pytest.mark.parametrize("name", ["mem_cost", "rounds", "base64_salt_separator", "signer_key"])
def test_parameters_that_cannot_be_are_refused_by_name(name: str) -> None:
    with pytest.raises(UnknownParameterError, match=name if name != "signer_key" else "Firebase's parameters are"):
        tuned({name: "!"})
