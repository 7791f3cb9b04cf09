"""Which tokens are good, and how long a good one is remembered."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from pydantic import SecretBytes

from api_shim.tokens.faults import DESCRIPTIONS, TokenFault
from api_shim.tokens.key_ring import KeyRing
from api_shim.tokens.keys import MAXIMUM_CANDIDATES, PublicKeyFault, parse_public_keys
from api_shim.tokens.settings import TokenSettings
from api_shim.tokens.verifier import Caller, TokenVerifier

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECRET: Final = b"a secret of at least thirty-two bytes"
_RSA: Final = rsa.generate_private_key(65537, 2048)
_EC: Final = ec.generate_private_key(ec.SECP256R1())
_ED: Final = ed25519.Ed25519PrivateKey.generate()
_KEYS: Final[dict[str, Any]] = {"RS256": _RSA, "ES256": _EC, "EdDSA": _ED}


def _pem(key: Any) -> bytes:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


def _jwk(key: Any, **members: str) -> dict[str, Any]:
    algorithm = {id(each): name for name, each in _KEYS.items()}.get(id(key), "RS256")
    return {**jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True), **members}


def _jwks(*keys: Mapping[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def _verifier(secret: bytes | None = None, *, keys: bytes | None = None, **changes: Any) -> TokenVerifier:
    settings: dict[str, Any] = {
        "secret": None if secret is None else SecretBytes(secret),
        "public_keys": () if keys is None else parse_public_keys(keys),
        "audience": "",
        "issuers": (),
        "leeway_seconds": 0.0,
        "create_scopes": ("customer:create", "api"),
    }
    merged = TokenSettings(**(settings | changes))
    return TokenVerifier(merged, KeyRing(merged))


def _claims(**changes: Any) -> dict[str, Any]:
    merged = {"sub": "me", "scope": "customer:create", "exp": int(time.time()) + 3600, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def _signed(payload: bytes, *, header: Mapping[str, Any] | None = None, secret: bytes = _SECRET) -> str:
    """A token made without PyJWT, which would refuse to make some of these."""
    parts = [json.dumps({"alg": "HS256", **(header or {})}).encode(), payload]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = hmac.digest(secret, text, hashlib.sha256)
    return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def _hs256(**changes: Any) -> str:
    return _signed(json.dumps(_claims(**changes)).encode())


def test_a_good_token_tells_caller_and_scopes() -> None:
    caller = _verifier(secret=_SECRET).verify(f"Bearer {_hs256(scope='api profile')}")

    assert caller == Caller("me", frozenset({"api", "profile"}))


@pytest.mark.parametrize("scope", ["a customer:create", ["a", "customer:create"], ["api"]], ids=str)
@pytest.mark.parametrize("claim", ["scope", "scp", "https://example.com/scopes"])
def test_scopes_are_a_text_or_an_array_of_texts_in_the_claim_of_the_settings(claim: str, scope: Any) -> None:
    verifier = _verifier(secret=_SECRET, scope_claim=claim)
    caller = verifier.verify(f"Bearer {_hs256(**{'scope': 'other', claim: scope})}")
    other = verifier.verify(f"Bearer {_hs256(**{'scope': 'api', 'scp': 'api', claim: 'other'})}")

    assert isinstance(caller, Caller)
    assert verifier.may_create(caller)
    assert isinstance(other, Caller)
    assert not verifier.may_create(other)


@pytest.mark.parametrize(
    "scope",
    [None, 1, {"customer:create": True}, "", [], [["api"]], ["api", 1], ["customer:create api"], "customer:create,api"],
)
def test_a_scope_that_is_neither_text_nor_texts_allows_nothing(scope: Any) -> None:
    verifier = _verifier(secret=_SECRET)
    caller = verifier.verify(f"Bearer {_hs256(scope=scope)}")

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
    assert isinstance(_verifier(secret=_SECRET).verify(f"Bearer {_hs256(**changes)}"), TokenFault)


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
    assert isinstance(_verifier(secret=_SECRET).verify(f"Bearer {_signed(payload)}"), TokenFault)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None, "HS384", "HS512", "RS256", ["HS256"], 1, {}])
def test_a_header_with_another_algorithm_is_refused(algorithm: Any) -> None:
    verifier = _verifier(secret=_SECRET, keys=_pem(_RSA))
    token = _signed(json.dumps(_claims()).encode(), header={"alg": algorithm})

    assert isinstance(verifier.verify(f"Bearer {token}"), TokenFault)
    assert isinstance(verifier.verify(f"Bearer {token.rpartition('.')[0]}."), TokenFault)


@pytest.mark.parametrize("algorithm", list(_KEYS))
@pytest.mark.parametrize("ending", [b"", b"\n"], ids=["", "newline"])
def test_a_public_key_is_no_hs256_secret(algorithm: str, ending: bytes) -> None:
    pem = _pem(_KEYS[algorithm])
    token = _signed(json.dumps(_claims()).encode(), secret=pem.strip() + ending)

    assert isinstance(_verifier(keys=pem).verify(f"Bearer {token}"), TokenFault)
    assert isinstance(_verifier(secret=_SECRET, keys=pem).verify(f"Bearer {token}"), TokenFault)


@pytest.mark.parametrize("header", [b"[" * 5000, b'{"a":' * 1000, b"[]", b"null", b"", b"\xff", b'{"alg": NaN}'])
def test_a_header_that_makes_no_sense_is_refused_without_another_exception(header: bytes) -> None:
    token = base64.urlsafe_b64encode(header).decode().rstrip("=") + _hs256()[_hs256().index(".") :]

    assert isinstance(_verifier(secret=_SECRET, keys=_pem(_RSA)).verify(f"Bearer {token}"), TokenFault)


def test_another_secret_is_refused() -> None:
    token = _signed(json.dumps(_claims()).encode(), secret=b"x" * 32)

    assert isinstance(_verifier(secret=_SECRET).verify(f"Bearer {token}"), TokenFault)


def test_a_changed_payload_is_refused_also_after_the_original_was_seen() -> None:
    verifier = _verifier(secret=_SECRET)
    head, _, signature = _hs256().split(".")
    assert isinstance(verifier.verify(f"Bearer {_hs256()}"), Caller)
    payload = base64.urlsafe_b64encode(json.dumps(_claims(sub="you")).encode()).decode().rstrip("=")

    assert isinstance(verifier.verify(f"Bearer {head}.{payload}.{signature}"), TokenFault)


@pytest.mark.parametrize("algorithm", list(_KEYS))
def test_a_token_signed_with_a_private_key_is_good_by_its_public_key_in_pem(algorithm: str) -> None:
    token = jwt.encode(_claims(), _KEYS[algorithm], algorithm)
    bundle = b"\n".join(_pem(key) for key in _KEYS.values())

    assert isinstance(_verifier(keys=_pem(_KEYS[algorithm])).verify(f"Bearer {token}"), Caller)
    assert isinstance(_verifier(keys=bundle).verify(f"Bearer {token}"), Caller)
    assert isinstance(_verifier(secret=_SECRET).verify(f"Bearer {token}"), TokenFault)


@pytest.mark.parametrize("algorithm", list(_KEYS))
def test_a_token_is_good_by_the_jwks_key_that_it_names(algorithm: str) -> None:
    key = _KEYS[algorithm]
    verifier = _verifier(keys=_jwks(*(_jwk(each, kid=name) for name, each in _KEYS.items())))

    good = [{"kid": algorithm}, None]
    for headers in good:
        assert isinstance(verifier.verify(f"Bearer {jwt.encode(_claims(), key, algorithm, headers=headers)}"), Caller)
    other = jwt.encode(_claims(), key, algorithm, headers={"kid": "another"})
    assert isinstance(verifier.verify(f"Bearer {other}"), TokenFault)


def test_a_key_serves_only_under_its_own_kid() -> None:
    second = rsa.generate_private_key(65537, 2048)
    verifier = _verifier(keys=_jwks(_jwk(_RSA, kid="1"), _jwk(second, kid="2")))

    for key, kid, good in ((_RSA, "1", True), (second, "2", True), (_RSA, "2", False), (second, "1", False)):
        token = jwt.encode(_claims(), key, "RS256", headers={"kid": kid})
        assert isinstance(verifier.verify(f"Bearer {token}"), Caller) is good


def test_an_rsa_key_does_not_serve_other_algorithms() -> None:
    verifier = _verifier(keys=_pem(_RSA))

    for algorithm in ("RS384", "RS512", "PS256"):
        assert isinstance(verifier.verify(f"Bearer {jwt.encode(_claims(), _RSA, algorithm)}"), TokenFault)


_NOW: Final = int(time.time())


@pytest.mark.parametrize(
    ("authorization", "fault"),
    [
        (None, TokenFault.MISSING),
        ("", TokenFault.MISSING),
        ("Basic bWU6bWU=", TokenFault.MISSING),
        ("Bearer", TokenFault.MALFORMED),
        ("Bearer ", TokenFault.MALFORMED),
        ("Bearer a.b.c", TokenFault.MALFORMED),
        ("Bearer ü", TokenFault.MALFORMED),
        (f"Bearer {_hs256(scope='x' * 3000)}", TokenFault.TOO_LARGE),
        (f"Bearer {_signed(b'{}', header={'alg': 'none'})}", TokenFault.UNSUPPORTED_ALGORITHM),
        (f"Bearer {jwt.encode(_claims(), _RSA, 'RS384')}", TokenFault.UNSUPPORTED_ALGORITHM),
        (f"Bearer {jwt.encode(_claims(), _RSA, 'RS256', headers={'kid': 'gone'})}", TokenFault.UNKNOWN_KEY),
        (f"Bearer {jwt.encode(_claims(), _EC, 'ES256')}", TokenFault.UNKNOWN_KEY),
        (f"Bearer {_signed(json.dumps(_claims()).encode(), header={'kid': 1})}", TokenFault.MALFORMED),
        (f"Bearer {_signed(json.dumps(_claims()).encode(), secret=b'x' * 32)}", TokenFault.BAD_SIGNATURE),
        (f"Bearer {_signed(json.dumps(_claims(exp=1)).encode(), secret=b'x' * 32)}", TokenFault.BAD_SIGNATURE),
        (f"Bearer {_hs256(exp=_NOW - 60)}", TokenFault.EXPIRED),
        (f"Bearer {_hs256(nbf=_NOW + 3600)}", TokenFault.NOT_YET_VALID),
        (f"Bearer {_hs256(iat=_NOW + 3600)}", TokenFault.NOT_YET_VALID),
        (f"Bearer {_hs256(exp=None)}", TokenFault.NO_EXPIRY),
        (f"Bearer {_hs256(exp='soon')}", TokenFault.MALFORMED),
        (f"Bearer {_hs256(sub=None)}", TokenFault.NO_SUBJECT),
        (f"Bearer {_hs256(sub='')}", TokenFault.NO_SUBJECT),
        (f"Bearer {_hs256(sub=1)}", TokenFault.NO_SUBJECT),
        (f"Bearer {_hs256(aud=None)}", TokenFault.WRONG_AUDIENCE),
        (f"Bearer {_hs256(aud='other')}", TokenFault.WRONG_AUDIENCE),
        (f"Bearer {_hs256(iss=None)}", TokenFault.WRONG_ISSUER),
        (f"Bearer {_hs256(iss='other')}", TokenFault.WRONG_ISSUER),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_refusal_has_its_reason(authorization: str | None, fault: TokenFault) -> None:
    checked: dict[TokenFault, dict[str, Any]] = {
        TokenFault.WRONG_AUDIENCE: {"audience": "this"},
        TokenFault.WRONG_ISSUER: {"issuers": ("us",)},
    }
    verifier = _verifier(_SECRET, keys=_jwks(_jwk(_RSA, kid="1")), **checked.get(fault, {}))

    assert verifier.verify(authorization) is fault


def test_every_fault_of_a_token_has_a_sentence_of_plain_text() -> None:
    assert set(TokenFault) - set(DESCRIPTIONS) == {TokenFault.MISSING, TokenFault.NO_KEYS}
    # These characters may stand in a quoted string of a challenge (RFC 6750, section 3).
    assert all(" " <= char <= "~" and char not in '"\\' for text in DESCRIPTIONS.values() for char in text)


def test_a_token_of_4_kib_is_read_and_a_longer_one_is_not() -> None:
    verifier = _verifier(secret=_SECRET)
    lengths = {len(token): token for size in range(2700, 3100) for token in [_hs256(scope="x" * size)]}
    fits, too_long = max(each for each in lengths if each <= 4096), min(each for each in lengths if each > 4096)

    assert isinstance(verifier.verify(f"Bearer {lengths[fits]}"), Caller)
    assert verifier.verify(f"Bearer {lengths[too_long]}") is TokenFault.TOO_LARGE


def test_a_token_that_names_no_key_is_tried_with_each_key_of_its_algorithm() -> None:
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(MAXIMUM_CANDIDATES)]
    verifier = _verifier(keys=b"\n".join(_pem(key) for key in [*keys, _RSA]))

    for key in (keys[0], keys[-1]):
        assert isinstance(verifier.verify(f"Bearer {jwt.encode(_claims(), key, 'ES256')}"), Caller)
    stranger = jwt.encode(_claims(exp=1), ec.generate_private_key(ec.SECP256R1()), "ES256")
    assert verifier.verify(f"Bearer {stranger}") is TokenFault.BAD_SIGNATURE
    assert verifier.verify(f"Bearer {jwt.encode(_claims(exp=1), keys[-1], 'ES256')}") is TokenFault.EXPIRED


def test_more_keys_without_a_name_than_a_token_is_tried_with_are_a_fault() -> None:
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(MAXIMUM_CANDIDATES + 1)]

    with pytest.raises(PublicKeyFault, match="without a kid"):
        parse_public_keys(b"\n".join(_pem(key) for key in keys))
    named = [
        {**jwt.get_algorithm_by_name("ES256").to_jwk(key.public_key(), as_dict=True), "kid": str(number)}
        for number, key in enumerate(keys)
    ]
    assert len(parse_public_keys(_jwks(*named))) == len(keys)


def test_with_one_issuer_a_caller_is_the_subject_and_with_several_it_is_issuer_and_subject() -> None:
    one = _verifier(_SECRET, issuers=("https://a",))
    several = _verifier(_SECRET, issuers=("https://a", "https://b"))
    by_a, by_b = (f"Bearer {_hs256(iss=issuer)}" for issuer in ("https://a", "https://b"))

    assert one.verify(by_a) == Caller("me", frozenset({"customer:create"}))
    assert one.verify(by_b) is TokenFault.WRONG_ISSUER
    callers = [several.verify(each) for each in (by_a, by_b)]
    assert [caller.subject for caller in callers if isinstance(caller, Caller)] == ["https://a me", "https://b me"]
    assert several.verify(f"Bearer {_hs256(iss='https://c')}") is TokenFault.WRONG_ISSUER
    assert several.verify(f"Bearer {_hs256(iss='https://a https://b')}") is TokenFault.WRONG_ISSUER


_UNUSABLE_JWKS: Final[dict[str, dict[str, Any]]] = {
    "another kind": {"kty": "quantum", "x": "AA"},
    "another curve": {"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"},
    "another algorithm": _jwk(_RSA, alg="RS512"),
    "for encryption": _jwk(_RSA, use="enc"),
    "for wrapping": _jwk(_RSA) | {"key_ops": ["wrapKey"]},
    "for no operation": _jwk(_RSA) | {"key_ops": []},
    "operations that are no list": _jwk(_RSA) | {"key_ops": "verify"},
    "an algorithm that is no text": _jwk(_RSA) | {"alg": ["RS256"]},
    "a use that is no text": _jwk(_RSA) | {"use": 1},
    "too short": _jwk(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - refused for its size
    "no number": {"kty": "RSA", "n": "!", "e": "AQAB"},
    "not on the curve": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
}


@pytest.mark.parametrize("entry", _UNUSABLE_JWKS.values(), ids=_UNUSABLE_JWKS)
def test_a_key_of_a_jwks_that_cannot_serve_is_skipped_and_a_fault_only_where_none_is_left(
    entry: dict[str, Any],
) -> None:
    (kept,) = parse_public_keys(_jwks(entry, _jwk(_EC, kid="good")))

    assert (kept.key_id, kept.algorithm) == ("good", "ES256")
    with pytest.raises(PublicKeyFault):
        parse_public_keys(_jwks(entry))


def test_a_key_of_a_jwks_has_the_algorithm_and_the_id_that_it_names() -> None:
    members = {"alg": "RS256", "use": "sig", "key_ops": ["sign", "verify"], "kid": "1"}

    (key,) = parse_public_keys(_jwks(_jwk(_RSA) | members))

    assert (key.algorithm, key.key_id) == ("RS256", "1")


@pytest.mark.parametrize("kid", [1, None, ["1"], {}, True])
def test_a_kid_that_is_no_text_is_no_kid(kid: Any) -> None:
    (key,) = parse_public_keys(_jwks(_jwk(_RSA) | {"kid": kid}))

    assert key.key_id is None


def _private_pem(key: Any) -> bytes:
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem


@pytest.mark.parametrize(
    "text",
    [
        _pem(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - refused for its size
        _pem(ec.generate_private_key(ec.SECP384R1())),
        _pem(_RSA) + _pem(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - as above
        *(_private_pem(key) for key in _KEYS.values()),
        _pem(_RSA) + _private_pem(_EC),
        _jwks(_jwk(rsa.generate_private_key(65537, 1024))),  # noqa: S505 - as above
        _jwks({"kty": "oct", "k": "c2VjcmV0"}),
        _jwks(jwt.get_algorithm_by_name("EdDSA").to_jwk(_ED, as_dict=True)),
        _jwks(),
        _jwks({}),
        _jwks({"kty": "RSA"}),
        _jwks({"kty": "RSA", "n": "!", "e": "!"}),
        _jwks({"kty": "RSA", "n": 1, "e": 2}),
        _jwks({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}),
        _jwks({"kty": ["RSA"]}),
        _jwks(_jwk(_RSA, use="enc")),
        b'{"keys": {}}',
        b'{"keys": [1]}',
        b'{"keys": ["x"]}',
        b"{}",
        b"{",
        b'{"keys": ' + b"[" * 100_000,
        b"text",
        b"",
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        b"\xff\xfe",
    ],
    ids=lambda value: repr(value)[:16],
)
def test_keys_that_cannot_serve_are_a_fault_that_does_not_show_them(text: bytes) -> None:
    with pytest.raises(PublicKeyFault) as fault:
        parse_public_keys(text)

    assert len(str(fault.value)) < 80
    assert not [line for line in text.decode("latin-1").splitlines() if len(line) > 8 and line in str(fault.value)]


@pytest.mark.parametrize(
    ("setting", "claim"), [({"audience": "this service"}, "aud"), ({"issuers": ("this service",)}, "iss")], ids=str
)
def test_audience_and_issuer_are_checked_where_they_are_set(setting: dict[str, Any], claim: str) -> None:
    verifier = _verifier(_SECRET, **setting)

    for value, good in (("this service", True), ("another", False), (None, False), (1, False), ("", False)):
        assert isinstance(verifier.verify(f"Bearer {_hs256(**{claim: value})}"), Caller) is good
    assert isinstance(_verifier(secret=_SECRET).verify(f"Bearer {_hs256(**{claim: 'anything'})}"), Caller)


def test_one_of_several_audiences_is_enough() -> None:
    verifier = _verifier(secret=_SECRET, audience="this service")

    assert isinstance(verifier.verify(f"Bearer {_hs256(aud=['other', 'this service'])}"), Caller)
    assert isinstance(verifier.verify(f"Bearer {_hs256(aud=['other'])}"), TokenFault)


def test_a_remembered_token_is_refused_once_it_has_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    verifier = _verifier(secret=_SECRET, leeway_seconds=5.0)
    authorization = f"Bearer {_hs256(exp=int(now) + 60)}"
    assert isinstance(verifier.verify(authorization), Caller)

    monkeypatch.setattr(time, "time", lambda: now + 64)
    assert isinstance(verifier.verify(authorization), Caller)
    monkeypatch.setattr(time, "time", lambda: now + 66)
    assert isinstance(verifier.verify(authorization), TokenFault)


def test_more_tokens_than_are_remembered_stay_good() -> None:
    verifier = _verifier(secret=_SECRET)
    tokens = [f"Bearer {_hs256(sub=str(number))}" for number in range(4200)]
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
    header = None if authorization is None else authorization.format(_hs256())

    assert isinstance(_verifier(secret=_SECRET).verify(header), TokenFault)
