"""Every customer of the presets' samples logs in with the password of the system that they come from."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from passwords import FirebaseKey, verify
from passwords.cost import TEST_PROFILE
from tests.cli.importing.plans import customers, rows_of
from tests.cli.importing.test_presets import options_of
from tests.cli.presets.samples import COMMANDS, FOLDER, PASSWORDS


def firebase_of(settings: dict[str, Any]) -> FirebaseKey | None:
    """The signer key that the worker of a sample needs."""
    key = settings.get("INTAKE_FIREBASE_SIGNER_KEY")
    return None if key is None else FirebaseKey(base64.b64decode(key))


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_customer_with_a_hash_logs_in(name: str) -> None:
    firebase = firebase_of(COMMANDS[name]["worker"])
    for customer in customers(rows_of(FOLDER / COMMANDS[name]["file"], **options_of(name))):
        password, stored = PASSWORDS[name][customer["email"]], customer.get("passwordHash")
        if stored is None:  # an initial password, or one that the export has in plain text
            assert password in {None, customer["password"]}
        else:
            assert password is not None
            assert verify(password, stored, cost=TEST_PROFILE, firebase=firebase).ok, customer["email"]
            assert not verify(password[:-1], stored, cost=TEST_PROFILE, firebase=firebase).ok, customer["email"]
