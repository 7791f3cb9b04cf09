"""Whatever stands where a hash should be: the only complaint is a ForeignHashError."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cli.importing.hashes import any as any_hashes
from cli.importing.hashes import aspnet, auth0, django, firebase, keycloak, magento, wordpress
from cli.importing.hashes.foreign_hash import ForeignHashError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SAME_EACH_TIME = settings(derandomize=True, deadline=None)
TRANSLATORS = (any_hashes, aspnet, django, magento, wordpress)

PIECES = (
    *("$", ":", ",", "=", "{", "}", "SSHA", "md5", "sha1$", "pbkdf2_sha256$", "scrypt$", "argon2", "bcrypt$", "0", "1"),
    *(
        "3_32_2_67108864",
        "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg",
        "ab" * 16,
        "cd" * 32,
        "9" * 5000,
        "é",
        "\ud800",
        "\0",
    ),
    *("1024", "salt", "==", '{"secretData":"', '"}', "{bcrypt}", "²", "٣"),
)
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
NAMES = st.sampled_from(
    (
        *("algorithm", "hash", "value", "encoding", "salt", "position", "password", "keylen", "cost", "blockSize"),
        *("secretData", "credentialData", "hashedSaltedValue", "hashIterations", "additionalParameters", "memory"),
        *("type", "version", "parallelism"),
    )
)
WORDS = st.sampled_from(
    (
        *("md5", "sha256", "scrypt", "pbkdf2", "pbkdf2-sha256", "argon2", "ldap", "bcrypt", "hex", "base64", "suffix"),
        *("YWJjZGVmZ2hpamtsbW5vcA==", "ab" * 16, "id", "1.3", "10"),
    )
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=16,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES | st.dictionaries(NAMES, VALUES).map(json.dumps), max_size=8)


@pytest.mark.parametrize("product", TRANSLATORS, ids=lambda product: product.__name__.rpartition(".")[2])
@SAME_EACH_TIME
@given(text=TEXTS)
@example(text="{SHA}" + "=" * 9)
@example(text=f"{'ab' * 16}:{'s' * 9999}:0")
@example(text="scrypt$0$sél$0$0$YQ==")
@example(text=f"{'ab' * 16}:\ud800:0")
@example(text=f"md5$\ud800${'ab' * 16}")
@example(text="pbkdf2_sha256$1000$\ud800$YQ==")
@example(text="scrypt$1024$\ud800$8$1$YQ==")
def test_no_text_breaks_a_translator(product: Any, text: str) -> None:
    _translate(product.translate, text)


@SAME_EACH_TIME
@given(made=TEXTS, salt=TEXTS)
def test_no_texts_break_firebase(made: str, salt: str) -> None:
    _translate(lambda text: firebase.translate(text, salt), made)


@pytest.mark.parametrize("product", [auth0, keycloak], ids=["auth0", "keycloak"])
@SAME_EACH_TIME
@given(document=DOCUMENTS)
def test_no_document_breaks_a_translator(product: Any, document: Mapping[str, Any]) -> None:
    _translate(product.translate, document)


def _translate(translate: Callable[[Any], str], value: Any) -> None:
    with suppress(ForeignHashError):
        assert isinstance(translate(value), str)
