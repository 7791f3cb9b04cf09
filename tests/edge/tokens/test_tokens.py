"""Which tokens are good, and how long a good one is remembered."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from edge.tokens.faults import TokenFault
from edge.tokens.verifier import Caller
from tests.edge.tokens.signing import RSA, SECRET, claims, hs256, make_verifier, pem_of, signed


def test_a_good_token_tells_caller_and_scopes() -> None:
    caller = make_verifier(secret=SECRET).verify(f"Bearer {hs256(scope='api profile')}")

    assert caller == Caller("me", frozenset({"api", "profile"}))


@pytest.mark.parametrize("scope", ["a customer:create", ["a", "customer:create"], ["api"]], ids=str)
@pytest.mark.parametrize("claim", ["scope", "scp", "https://example.com/scopes"])
def test_scopes_are_a_text_or_an_array_of_texts_in_the_claim_of_the_settings(claim: str, scope: Any) -> None:
    verifier = make_verifier(secret=SECRET, scope_claim=claim)
    caller = verifier.verify(f"Bearer {hs256(**{'scope': 'other', claim: scope})}")
    other = verifier.verify(f"Bearer {hs256(**{'scope': 'api', 'scp': 'api', claim: 'other'})}")

    assert isinstance(caller, Caller)
    assert verifier.may_create(caller)
    assert isinstance(other, Caller)
    assert not verifier.may_create(other)


@pytest.mark.parametrize(
    "scope",
    [None, 1, {"customer:create": True}, "", [], [["api"]], ["api", 1], ["customer:create api"], "customer:create,api"],
)
def test_a_scope_that_is_neither_text_nor_texts_allows_nothing(scope: Any) -> None:
    verifier = make_verifier(secret=SECRET)
    caller = verifier.verify(f"Bearer {hs256(scope=scope)}")

    assert isinstance(caller, Caller)
    assert not verifier.may_create(caller)


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"exp": [9999999999]},
        {"exp": {}},
        {"exp": int(time.time()) - 1},
        {"exp": 0},
        {"sub": None},
        {"sub": ""},
        {"sub": 1},
        {"sub": ["me"]},
        {"sub": "x" * 256},
        {"sub": "\ud800"},
        {"nbf": int(time.time()) + 3600},
        {"nbf": "x"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_token_with_a_faulty_claim_is_refused(changes: dict[str, Any]) -> None:
    assert isinstance(make_verifier(secret=SECRET).verify(f"Bearer {hs256(**changes)}"), TokenFault)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"sub": "me", "exp": 1e999}',
        b'{"sub": "me", "exp": NaN}',
        b'{"sub": "me", "exp": -Infinity}',
        b'{"sub": "me", "exp": 1' + b"0" * 400 + b"}",
        b'{"sub": "me", "exp": 1' + b"0" * 5000 + b"}",
        b"[]",
        b"null",
        b"",
        b"{",
        b"\xff",
        b"[" * 5000,
    ],
    ids=lambda value: repr(value)[:28],
)
def test_a_payload_that_makes_no_sense_is_refused_without_another_exception(payload: bytes) -> None:
    assert isinstance(make_verifier(secret=SECRET).verify(f"Bearer {signed(payload)}"), TokenFault)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None, "HS384", "HS512", "RS256", ["HS256"], 1, {}])
def test_a_header_with_another_algorithm_is_refused(algorithm: Any) -> None:
    verifier = make_verifier(secret=SECRET, keys=pem_of(RSA))
    token = signed(json.dumps(claims()).encode(), header={"alg": algorithm})

    assert isinstance(verifier.verify(f"Bearer {token}"), TokenFault)
    assert isinstance(verifier.verify(f"Bearer {token.rpartition('.')[0]}."), TokenFault)


@pytest.mark.parametrize("header", [b"[" * 5000, b'{"a":' * 1000, b"[]", b"null", b"", b"\xff", b'{"alg": NaN}'])
def test_a_header_that_makes_no_sense_is_refused_without_another_exception(header: bytes) -> None:
    token = base64.urlsafe_b64encode(header).decode().rstrip("=") + hs256()[hs256().index(".") :]

    assert isinstance(make_verifier(secret=SECRET, keys=pem_of(RSA)).verify(f"Bearer {token}"), TokenFault)


def test_another_secret_is_refused() -> None:
    token = signed(json.dumps(claims()).encode(), secret=b"x" * 32)

    assert isinstance(make_verifier(secret=SECRET).verify(f"Bearer {token}"), TokenFault)


def test_a_changed_payload_is_refused_also_after_the_original_was_seen() -> None:
    verifier = make_verifier(secret=SECRET)
    head, _, signature = hs256().split(".")
    assert isinstance(verifier.verify(f"Bearer {hs256()}"), Caller)
    payload = base64.urlsafe_b64encode(json.dumps(claims(sub="you")).encode()).decode().rstrip("=")

    assert isinstance(verifier.verify(f"Bearer {head}.{payload}.{signature}"), TokenFault)


def test_a_token_of_4_kib_is_read_and_a_longer_one_is_not() -> None:
    verifier = make_verifier(secret=SECRET)
    lengths = {len(token): token for size in range(2700, 3100) for token in [hs256(scope="x" * size)]}
    fits, too_long = max(each for each in lengths if each <= 4096), min(each for each in lengths if each > 4096)

    assert isinstance(verifier.verify(f"Bearer {lengths[fits]}"), Caller)
    assert verifier.verify(f"Bearer {lengths[too_long]}") is TokenFault.TOO_LARGE


def test_with_one_issuer_a_caller_is_the_subject_and_with_several_it_is_issuer_and_subject() -> None:
    one = make_verifier(SECRET, issuers=("https://a",))
    several = make_verifier(SECRET, issuers=("https://a", "https://b"))
    by_a, by_b = (f"Bearer {hs256(iss=issuer)}" for issuer in ("https://a", "https://b"))

    assert one.verify(by_a) == Caller("me", frozenset({"customer:create"}))
    assert one.verify(by_b) is TokenFault.WRONG_ISSUER
    callers = [several.verify(each) for each in (by_a, by_b)]
    assert [caller.subject for caller in callers if isinstance(caller, Caller)] == ["https://a me", "https://b me"]
    assert several.verify(f"Bearer {hs256(iss='https://c')}") is TokenFault.WRONG_ISSUER
    assert several.verify(f"Bearer {hs256(iss='https://a https://b')}") is TokenFault.WRONG_ISSUER


@pytest.mark.parametrize(
    ("setting", "claim"), [({"audience": "this service"}, "aud"), ({"issuers": ("this service",)}, "iss")], ids=str
)
def test_audience_and_issuer_are_checked_where_they_are_set(setting: dict[str, Any], claim: str) -> None:
    verifier = make_verifier(SECRET, **setting)

    for value, good in (("this service", True), ("another", False), (None, False), (1, False), ("", False)):
        assert isinstance(verifier.verify(f"Bearer {hs256(**{claim: value})}"), Caller) is good
    assert isinstance(make_verifier(secret=SECRET).verify(f"Bearer {hs256(**{claim: 'anything'})}"), Caller)


def test_one_of_several_audiences_is_enough() -> None:
    verifier = make_verifier(secret=SECRET, audience="this service")

    assert isinstance(verifier.verify(f"Bearer {hs256(aud=['other', 'this service'])}"), Caller)
    assert isinstance(verifier.verify(f"Bearer {hs256(aud=['other'])}"), TokenFault)


def test_a_remembered_token_is_refused_once_it_has_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    verifier = make_verifier(secret=SECRET, leeway_seconds=5.0)
    authorization = f"Bearer {hs256(exp=int(now) + 60)}"
    assert isinstance(verifier.verify(authorization), Caller)

    monkeypatch.setattr(time, "time", lambda: now + 64)
    assert isinstance(verifier.verify(authorization), Caller)
    monkeypatch.setattr(time, "time", lambda: now + 66)
    assert isinstance(verifier.verify(authorization), TokenFault)


def test_more_tokens_than_are_remembered_stay_good() -> None:
    verifier = make_verifier(secret=SECRET)
    tokens = [f"Bearer {hs256(sub=str(number))}" for number in range(4200)]
    assert all(isinstance(verifier.verify(token), Caller) for token in tokens)

    first = verifier.verify(tokens[0])

    assert isinstance(first, Caller)
    assert first.subject == "0"


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "bearer\t{}",
        "Basic {}",
        "{}",
        "Bearer {} x",
        "Bearer {},",
        "Bearer ü{}",
        'Bearer "{}"',
    ],
)
def test_a_header_that_is_no_bearer_token_is_refused(authorization: str | None) -> None:
    header = None if authorization is None else authorization.format(hs256())

    assert isinstance(make_verifier(secret=SECRET).verify(header), TokenFault)
