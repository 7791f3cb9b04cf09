"""What becomes of published hashes of other products is verified by the login."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from cli.importing.hashes import aspnet, auth0, django, firebase, keycloak, magento, wordpress
from passwords import FirebaseKey, verify
from passwords.cost import TEST_PROFILE
from tests.cli.hashes.digits import hexadecimal

if TYPE_CHECKING:
    from collections.abc import Callable

SIGNER_KEY = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
FIREBASE_HASH = "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="
KEYCLOAK = {
    "type": "password",
    "secretData": (
        '{"value":"A3okqV2T/ybXTVEgKfosoSjP8Yc9IZbFP/SY4cEd6hag7TABQrQ6nUSuwagGt96l8cw1DTijO75PqX6uiTXMzw==",'
        '"salt":"sl4mXx6T9FypPH/s9TngfQ==","additionalParameters":{}}'
    ),
    "credentialData": '{"hashIterations":27500,"algorithm":"pbkdf2-sha256","additionalParameters":{}}',
}
AUTH0 = {
    "algorithm": "scrypt",
    "hash": {"value": "097f6197e1b41538f723e32aa7a68e8d76227d8e432ce5faa4882a913032db29", "encoding": "hex"},
    "salt": {"value": "abc123", "encoding": "utf8"},
    "keylen": 32,
    "cost": 4096,
}
ASPNET = "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw=="


@pytest.mark.parametrize(
    ("made", "password"),
    [
        pytest.param(lambda: aspnet.translate(ASPNET), "my password", id="dotnet/aspnetcore's tests"),
        pytest.param(lambda: auth0.translate(AUTH0), "password", id="Auth0's documentation"),
        pytest.param(
            lambda: firebase.translate(FIREBASE_HASH, "42xEC+ixf3L2lw=="), "user1password", id="firebase/scrypt"
        ),
        pytest.param(lambda: keycloak.translate(KEYCLOAK), "alice", id="Quarkus' examples of Keycloak"),
        pytest.param(
            lambda: magento.translate(f"{hexadecimal('sha256', 'saltsecret')}:salt:1"), "secret", id="Magento 2"
        ),
        pytest.param(lambda: magento.translate(f"{hexadecimal('md5', 'bWsecret')}:bW"), "secret", id="Magento 1"),
        pytest.param(lambda: wordpress.translate(hexadecimal("md5", "secret")), "secret", id="WordPress before 2.5"),
        pytest.param(
            lambda: django.translate(f"sha1$seasalt${hexadecimal('sha1', 'seasaltsecret')}"), "secret", id="Django 1.3"
        ),
    ],
)
def test_the_password_is_right_and_another_is_wrong(made: Callable[[], str], password: str) -> None:
    key = FirebaseKey(base64.b64decode(SIGNER_KEY))

    assert verify(password, made(), cost=TEST_PROFILE, firebase=key).ok
    assert not verify(f"{password}!", made(), cost=TEST_PROFILE, firebase=key).ok
