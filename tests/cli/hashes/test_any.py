"""The column `passwordHash` of a plain file may hold the spellings of other products."""

from __future__ import annotations

import pytest

from cli.importing.hashes.any import translate
from cli.importing.hashes.foreign_hash import ForeignHashError

KEYCLOAK = (
    '{"secretData": "{\\"value\\": \\"YWJj\\", \\"salt\\": \\"ZGVm\\"}", '
    '"credentialData": "{\\"hashIterations\\": 1000, \\"algorithm\\": \\"pbkdf2\\"}"}'
)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("{bcrypt}$2a$10$abc", "$2a$10$abc"),
        ("{argon2@SpringSecurity_v5_8}$argon2id$v=19$abc", "$argon2id$v=19$abc"),
        ("{CRYPT}$6$salt$abc", "$6$salt$abc"),
        ("argon2$argon2id$v=19$abc", "$argon2id$v=19$abc"),
        ("bcrypt$$2b$12$abc", "$2b$12$abc"),
        (
            "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg==",
            "$pbkdf2-sha1$i=1000$AAECAwQFBgcICQoLDA0ODw$rpAhDA39MskNvTWLm4IByFWNLHQ",
        ),
        (
            KEYCLOAK,
            "$pbkdf2-sha1$i=1000$ZGVm$YWJj",
        ),
        ('{"algorithm": "bcrypt", "hash": {"value": "$2b$10$abc"}}', "$2b$10$abc"),
    ],
    ids=["spring", "spring argon2", "crypt", "django argon2", "django bcrypt", "aspnet", "keycloak", "auth0"],
)
def test_what_only_one_product_writes_is_translated(text: str, made: str) -> None:
    assert translate(f" {text} ") == made


@pytest.mark.parametrize(
    "text",
    [
        "$2y$10$abc",
        "$argon2id$v=19$abc",
        "hunter2",
        "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8:salt",
        "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99",
        "bcrypt_sha256$$2b$12$abc",
        "$wp$2y$10$abc",
        "{noop}hunter2",
        "{MD4}abc",
        "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
        "",
    ],
)
def test_others_stay_for_the_service_to_judge(text: str) -> None:
    assert translate(text) == text


@pytest.mark.parametrize(
    "text",
    ['{"hunter2', '{"value": "hunter2"}', '{"algorithm": "hunter2", "hash": {}}', '{"a":' * 9999],
    ids=["no JSON", "no hash", "no algorithm", "deep"],
)
def test_documents_that_are_no_hash_are_refused_without_repeating_them(text: str) -> None:
    with pytest.raises(ForeignHashError) as refused:
        translate(text)
    assert "hunter2" not in str(refused.value)
