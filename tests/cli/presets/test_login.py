"""Every customer of the samples can log in with the password that they had at the product."""

from __future__ import annotations

import base64

import pytest

from cli.importing.presets.registry import PRESETS
from passwords import FirebaseKey, verify
from passwords.cost import TEST_PROFILE
from tests.cli.presets.samples import COMMANDS, PASSWORDS, drafted, sample


@pytest.mark.parametrize("name", sorted(name for name, passwords in PASSWORDS.items() if any(passwords.values())))
def test_the_password_of_each_customer_is_right_and_another_is_wrong(name: str) -> None:
    options, worker = COMMANDS[name]["options"], COMMANDS[name]["worker"]
    key = worker.get("INTAKE_FIREBASE_SIGNER_KEY")
    firebase = FirebaseKey(base64.b64decode(key)) if key else None
    drafts = drafted(PRESETS[options[options.index("--from") + 1]], sample(COMMANDS[name]["file"]))
    hashes = {email: draft.customer.get("passwordHash") for email, draft in drafts.items()}

    right = {
        email: PASSWORDS[name][email]
        for email, made in hashes.items()
        if made and verify(PASSWORDS[name][email] or "", made, cost=TEST_PROFILE, firebase=firebase).ok
    }

    in_clear = {email: draft.customer["password"] for email, draft in drafts.items() if "password" in draft.customer}
    assert right | in_clear == {email: password for email, password in PASSWORDS[name].items() if password}
    first = next(made for made in hashes.values() if made)
    assert not verify("another password", first, cost=TEST_PROFILE, firebase=firebase).ok
