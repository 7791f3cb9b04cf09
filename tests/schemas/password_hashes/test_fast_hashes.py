"""A fast hash whose spelling tells how it was made can be computed again, step by step."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from passlib import hash as passlib_hash

from schemas.password_hashes.digests import Digest, Step, computed, read_digest, written_digest
from schemas.password_hashes.fast_hashes import is_fast_hash, read_fast_hash
from schemas.password_hashes.parsing import HashRules, parse_password_hash
from schemas.password_hashes.refusals import FAST, UNWRAPPABLE, PasswordHashError
from tests.schemas.password_hashes.test_document import DOCUMENT

PASSWORD: Final = "correct hörse"
MD5: Final = hashlib.new("md5", PASSWORD.encode(), usedforsecurity=False).hexdigest()


def of_passlib(*names: str) -> list[Any]:
    return [pytest.param(getattr(passlib_hash, name).hash(PASSWORD), id=name) for name in names]


def of_ldap(name: str, algorithm: str, salt: bytes = b"") -> Any:
    digest = hashlib.new(algorithm, PASSWORD.encode() + salt).digest()
    return pytest.param(f"{{{name}}}{base64.b64encode(digest + salt).decode()}", id=name)


@pytest.mark.parametrize(
    "text",
    [
        *of_passlib("hex_md5", "hex_sha1", "hex_sha256", "hex_sha512", "django_salted_md5", "django_salted_sha1"),
        *of_passlib("ldap_md5", "ldap_salted_md5", "ldap_sha1", "ldap_salted_sha1", "ldap_salted_sha256"),
        *of_passlib("ldap_salted_sha512"),
        *(
            pytest.param(hashlib.new(name, PASSWORD.encode()).hexdigest(), id=name)
            for name in ("sha224", "sha384", "sha512")
        ),
        pytest.param(MD5.upper(), id="upper case"),
        pytest.param(f"md5$${MD5}", id="Django, no salt"),
        pytest.param(f"unsalted_md5$${MD5}", id="Django, unsalted"),
        of_ldap("SHA256", "sha256"),
        of_ldap("sha512", "sha512"),
        of_ldap("SSHA384", "sha384", b"salt"),
    ],
)
def test_what_a_spelling_tells_gives_the_digest_of_the_password_and_of_no_other(text: str) -> None:
    digest = read_fast_hash(text)
    assert digest is not None
    assert computed(digest.steps, PASSWORD.encode()) == digest.hexadecimal
    assert computed(digest.steps, b"another") != digest.hexadecimal


@pytest.mark.parametrize(
    ("text", "made"),
    re.findall(r"^\| `([a-z0-9]+\(.*\))` \| `(\$digest\$.*)` \|$", DOCUMENT, re.MULTILINE),
    ids=lambda each: each.partition("$")[0] or "",
)
def test_the_document_s_examples_are_of_password_and_salt(text: str, made: str) -> None:
    digest = read_digest(made)
    assert digest is not None
    assert computed(digest.steps, b"password") == digest.hexadecimal
    assert [step.algorithm for step in reversed(digest.steps)] == re.findall(r"([a-z0-9]+)\(", text)


@pytest.mark.parametrize(
    "text",
    [
        f"{MD5}:salt",
        f"salt:{MD5}",
        f"sha256$salt${hashlib.sha256(b'p').hexdigest()}",
        f"sha1$salt${MD5}",
        f"unsalted_md5$salt${MD5}",
        f"md5$a\u00e4${MD5}",
        f"md5${'x' * 129}${MD5}",
        f"{MD5[:20]}{MD5[20:].upper()}",
        f"md5{MD5}",
        "{MD5}" + base64.b64encode(b"x" * 17).decode(),
        "{SMD5}" + base64.b64encode(b"x" * 16).decode(),
        "{SSHA}" + base64.b64encode(b"x" * 149).decode(),
        "{SHA}" + base64.b64encode(b"x" * 20).decode().rstrip("="),
        "{MD5.hex}" + MD5,
        "{NT}" + MD5,
        base64.b64encode(b"x" * 16).decode(),
        passlib_hash.md5_crypt.using(salt="salt").hash(PASSWORD),
    ],
    ids=range(17),
)
def test_a_fast_hash_whose_spelling_does_not_tell_cannot_be_wrapped(text: str) -> None:
    assert read_fast_hash(text) is None
    assert is_fast_hash(text)
    with pytest.raises(PasswordHashError, match=re.escape(UNWRAPPABLE)):
        parse_password_hash(text, HashRules(wraps_fast_hashes=True))


@pytest.mark.parametrize("rules", [HashRules(), HashRules(wraps_fast_hashes=True)], ids=["plain", "wrapping"])
@pytest.mark.parametrize("text", [MD5, f"md5$salt${MD5}", f"$digest$md5${MD5}"], ids=["bare", "Django", "steps"])
def test_a_digest_is_never_one_that_may_be_stored_as_it_is(text: str, rules: HashRules) -> None:
    with pytest.raises(PasswordHashError, match=re.escape(FAST)):
        parse_password_hash(text, rules)


def test_steps_are_computed_from_the_password_outwards() -> None:
    steps = (Step("md5", before=b"a"), Step("sha1", after=b"b"), Step("sha512", before=b"c", after=b"d"))
    first = hashlib.new("md5", b"a" + b"password", usedforsecurity=False).hexdigest()
    second = hashlib.new("sha1", first.encode() + b"b", usedforsecurity=False).hexdigest()
    assert computed(steps, b"password") == hashlib.sha512(b"c" + second.encode() + b"d").hexdigest()


SALTS: Final = st.binary(max_size=20)
STEPS: Final = st.lists(
    st.builds(Step, st.sampled_from(["md5", "sha1", "sha224", "sha256", "sha384", "sha512"]), SALTS, SALTS),
    min_size=1,
    max_size=3,
)


@given(STEPS, st.binary(max_size=20))
def test_what_is_written_of_a_digest_is_read_again(steps: list[Step], password: bytes) -> None:
    digest = Digest(tuple(steps), computed(tuple(steps), password))
    assert read_fast_hash(written_digest(digest)) == digest


@given(st.text(max_size=520) | st.from_regex(r"(\{S?(MD5|SHA)\}|md5\$|\$digest\$md5,b=)[A-Za-z0-9+/=$]{0,60}"))
def test_any_text_is_a_digest_or_none(text: str) -> None:
    digest = read_fast_hash(text)
    assert digest is None or read_digest(written_digest(digest)) == digest


def test_neither_a_digest_nor_its_salts_are_shown() -> None:
    digest = read_fast_hash(f"md5$pepper${MD5}")
    assert MD5 not in repr(digest)
    assert "pepper" not in repr(digest)
