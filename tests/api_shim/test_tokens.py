"""Which tokens are good, and how long one is remembered."""

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

from api_shim.settings import TokenSettings
from api_shim.token_keys import PublicKeyFault, parse_public_keys
from api_shim.tokens import Caller, TokenVerifier

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
    settings = {
        "secret": None if secret is None else SecretBytes(secret),
        "public_keys": () if keys is None else parse_public_keys(keys),
        "audience": "",
        "issuer": "",
        "leeway_seconds": 0.0,
        "create_scopes": frozenset({"customer:create", "api"}),
    }
    return TokenVerifier(TokenSettings(**(settings | changes)))


def _claims(**changes: Any) -> dict[str, Any]:
    merged = {"sub": "me", "scope": "customer:create", "exp": int(time.time()) + 60, **changes}
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


@pytest.mark.parametrize("scope", [None, 1, ["customer:create"], {"customer:create": True}, ""])
def test_a_scope_that_is_no_text_allows_nothing(scope: Any) -> None:
    verifier = _verifier(secret=_SECRET)
    caller = verifier.verify(f"Bearer {_hs256(scope=scope)}")

    assert caller is not None
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
    ids=str,
)
def test_a_token_with_a_faulty_claim_is_refused(changes: dict[str, Any]) -> None:
    assert _verifier(secret=_SECRET).verify(f"Bearer {_hs256(**changes)}") is None


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
def test_a_payload_that_makes_no_sense_is_refused_and_raises_nothing(payload: bytes) -> None:
    assert _verifier(secret=_SECRET).verify(f"Bearer {_signed(payload)}") is None


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None, "HS384", "HS512", "RS256", ["HS256"], 1, {}])
def test_a_header_with_another_algorithm_is_refused(algorithm: Any) -> None:
    verifier = _verifier(secret=_SECRET, keys=_pem(_RSA))
    token = _signed(json.dumps(_claims()).encode(), header={"alg": algorithm})

    assert verifier.verify(f"Bearer {token}") is None
    assert verifier.verify(f"Bearer {token.rpartition('.')[0]}.") is None


@pytest.mark.parametrize("algorithm", list(_KEYS))
@pytest.mark.parametrize("ending", [b"", b"\n"], ids=["", "newline"])
def test_a_public_key_is_no_hs256_secret(algorithm: str, ending: bytes) -> None:
    pem = _pem(_KEYS[algorithm])
    token = _signed(json.dumps(_claims()).encode(), secret=pem.strip() + ending)

    assert _verifier(keys=pem).verify(f"Bearer {token}") is None
    assert _verifier(secret=_SECRET, keys=pem).verify(f"Bearer {token}") is None


@pytest.mark.parametrize("header", [b"[" * 5000, b'{"a":' * 1000, b"[]", b"null", b"", b"\xff", b'{"alg": NaN}'])
def test_a_header_that_makes_no_sense_is_refused_and_raises_nothing(header: bytes) -> None:
    token = base64.urlsafe_b64encode(header).decode().rstrip("=") + _hs256()[_hs256().index(".") :]

    assert _verifier(secret=_SECRET, keys=_pem(_RSA)).verify(f"Bearer {token}") is None


def test_another_secret_is_refused() -> None:
    token = _signed(json.dumps(_claims()).encode(), secret=b"x" * 32)

    assert _verifier(secret=_SECRET).verify(f"Bearer {token}") is None


def test_a_changed_payload_is_refused_also_after_the_original_was_seen() -> None:
    verifier = _verifier(secret=_SECRET)
    head, _, signature = _hs256().split(".")
    assert verifier.verify(f"Bearer {_hs256()}") is not None
    payload = base64.urlsafe_b64encode(json.dumps(_claims(sub="you")).encode()).decode().rstrip("=")

    assert verifier.verify(f"Bearer {head}.{payload}.{signature}") is None


@pytest.mark.parametrize("algorithm", list(_KEYS))
def test_a_token_signed_with_a_private_key_is_good_by_pem(algorithm: str) -> None:
    token = jwt.encode(_claims(), _KEYS[algorithm], algorithm)
    bundle = b"\n".join(_pem(key) for key in _KEYS.values())

    assert _verifier(keys=_pem(_KEYS[algorithm])).verify(f"Bearer {token}") is not None
    assert _verifier(keys=bundle).verify(f"Bearer {token}") is not None
    assert _verifier(secret=_SECRET).verify(f"Bearer {token}") is None


@pytest.mark.parametrize("algorithm", list(_KEYS))
def test_a_token_is_good_by_the_jwks_key_that_it_names(algorithm: str) -> None:
    key = _KEYS[algorithm]
    verifier = _verifier(keys=_jwks(*(_jwk(each, kid=name) for name, each in _KEYS.items())))

    good = [{"kid": algorithm}, None]
    for headers in good:
        assert verifier.verify(f"Bearer {jwt.encode(_claims(), key, algorithm, headers=headers)}") is not None
    other = jwt.encode(_claims(), key, algorithm, headers={"kid": "another"})
    assert verifier.verify(f"Bearer {other}") is None


def test_a_key_serves_only_under_its_own_kid() -> None:
    second = rsa.generate_private_key(65537, 2048)
    verifier = _verifier(keys=_jwks(_jwk(_RSA, kid="1"), _jwk(second, kid="2")))

    for key, kid, good in ((_RSA, "1", True), (second, "2", True), (_RSA, "2", False), (second, "1", False)):
        token = jwt.encode(_claims(), key, "RS256", headers={"kid": kid})
        assert (verifier.verify(f"Bearer {token}") is not None) is good


def test_an_rsa_key_does_not_serve_other_algorithms() -> None:
    verifier = _verifier(keys=_pem(_RSA))

    for algorithm in ("RS384", "RS512", "PS256"):
        assert verifier.verify(f"Bearer {jwt.encode(_claims(), _RSA, algorithm)}") is None


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
    ids=lambda value: repr(value)[:40],
)
def test_keys_that_cannot_serve_are_a_fault_that_shows_nothing_of_them(text: bytes) -> None:
    with pytest.raises(PublicKeyFault) as fault:
        parse_public_keys(text)

    assert len(str(fault.value)) < 80
    assert not [line for line in text.decode("latin-1").splitlines() if len(line) > 8 and line in str(fault.value)]


@pytest.mark.parametrize(("name", "claim"), [("audience", "aud"), ("issuer", "iss")])
def test_audience_and_issuer_are_checked_where_they_are_set(name: str, claim: str) -> None:
    verifier = _verifier(_SECRET, **dict[str, Any]({name: "this service"}))

    for value, good in (("this service", True), ("another", False), (None, False), (1, False), ("", False)):
        assert (verifier.verify(f"Bearer {_hs256(**{claim: value})}") is not None) is good
    assert _verifier(secret=_SECRET).verify(f"Bearer {_hs256(**{claim: 'anything'})}") is not None


def test_one_of_several_audiences_is_enough() -> None:
    verifier = _verifier(secret=_SECRET, audience="this service")

    assert verifier.verify(f"Bearer {_hs256(aud=['other', 'this service'])}") is not None
    assert verifier.verify(f"Bearer {_hs256(aud=['other'])}") is None


def test_a_remembered_token_is_refused_once_it_has_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    verifier = _verifier(secret=_SECRET, leeway_seconds=5.0)
    authorization = f"Bearer {_hs256(exp=int(now) + 60)}"
    assert verifier.verify(authorization) is not None

    monkeypatch.setattr(time, "time", lambda: now + 64)
    assert verifier.verify(authorization) is not None
    monkeypatch.setattr(time, "time", lambda: now + 66)
    assert verifier.verify(authorization) is None


def test_more_tokens_than_are_remembered_stay_good() -> None:
    verifier = _verifier(secret=_SECRET)
    tokens = [f"Bearer {_hs256(sub=str(number))}" for number in range(4200)]
    assert all(verifier.verify(token) for token in tokens)

    first = verifier.verify(tokens[0])

    assert first is not None
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

    assert _verifier(secret=_SECRET).verify(header) is None
