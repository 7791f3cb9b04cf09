"""Which public keys serve, and which tokens they verify."""

from __future__ import annotations

import json
from typing import Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from edge.tokens.faults import TokenFault
from edge.tokens.keys import MAXIMUM_CANDIDATES, PublicKeyFault, parse_public_keys
from edge.tokens.verifier import Caller
from tests.edge.tokens.signing import (
    EC,
    ED,
    KEYS,
    RSA,
    SECRET,
    claims,
    jwk_of,
    jwks_of,
    make_verifier,
    pem_of,
    signed,
)


@pytest.mark.parametrize("algorithm", list(KEYS))
@pytest.mark.parametrize("ending", [b"", b"\n"], ids=["", "newline"])
def test_a_public_key_is_no_hs256_secret(algorithm: str, ending: bytes) -> None:
    pem = pem_of(KEYS[algorithm])
    token = signed(json.dumps(claims()).encode(), secret=pem.strip() + ending)

    assert isinstance(make_verifier(keys=pem).verify(f"Bearer {token}"), TokenFault)
    assert isinstance(make_verifier(secret=SECRET, keys=pem).verify(f"Bearer {token}"), TokenFault)


@pytest.mark.parametrize("algorithm", list(KEYS))
def test_a_token_signed_with_a_private_key_is_good_by_its_public_key_in_pem(algorithm: str) -> None:
    token = jwt.encode(claims(), KEYS[algorithm], algorithm)
    bundle = b"\n".join(pem_of(key) for key in KEYS.values())

    assert isinstance(make_verifier(keys=pem_of(KEYS[algorithm])).verify(f"Bearer {token}"), Caller)
    assert isinstance(make_verifier(keys=bundle).verify(f"Bearer {token}"), Caller)
    assert isinstance(make_verifier(secret=SECRET).verify(f"Bearer {token}"), TokenFault)


@pytest.mark.parametrize("algorithm", list(KEYS))
def test_a_token_is_good_by_the_jwks_key_that_it_names(algorithm: str) -> None:
    key = KEYS[algorithm]
    verifier = make_verifier(keys=jwks_of(*(jwk_of(each, kid=name) for name, each in KEYS.items())))

    good = [{"kid": algorithm}, None]
    for headers in good:
        assert isinstance(verifier.verify(f"Bearer {jwt.encode(claims(), key, algorithm, headers=headers)}"), Caller)
    other = jwt.encode(claims(), key, algorithm, headers={"kid": "another"})
    assert isinstance(verifier.verify(f"Bearer {other}"), TokenFault)


def test_a_key_serves_only_under_its_own_kid() -> None:
    second = rsa.generate_private_key(65537, 2048)
    verifier = make_verifier(keys=jwks_of(jwk_of(RSA, kid="1"), jwk_of(second, kid="2")))

    for key, kid, good in ((RSA, "1", True), (second, "2", True), (RSA, "2", False), (second, "1", False)):
        token = jwt.encode(claims(), key, "RS256", headers={"kid": kid})
        assert isinstance(verifier.verify(f"Bearer {token}"), Caller) is good


def test_an_rsa_key_does_not_serve_other_algorithms() -> None:
    verifier = make_verifier(keys=pem_of(RSA))

    for algorithm in ("RS384", "RS512", "PS256"):
        assert isinstance(verifier.verify(f"Bearer {jwt.encode(claims(), RSA, algorithm)}"), TokenFault)


def test_a_token_that_names_no_key_is_tried_with_each_key_of_its_algorithm() -> None:
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(MAXIMUM_CANDIDATES)]
    verifier = make_verifier(keys=b"\n".join(pem_of(key) for key in [*keys, RSA]))

    for key in (keys[0], keys[-1]):
        assert isinstance(verifier.verify(f"Bearer {jwt.encode(claims(), key, 'ES256')}"), Caller)
    stranger = jwt.encode(claims(exp=1), ec.generate_private_key(ec.SECP256R1()), "ES256")
    assert verifier.verify(f"Bearer {stranger}") is TokenFault.BAD_SIGNATURE
    assert verifier.verify(f"Bearer {jwt.encode(claims(exp=1), keys[-1], 'ES256')}") is TokenFault.EXPIRED


def test_more_keys_without_a_name_than_a_token_is_tried_with_are_a_fault() -> None:
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(MAXIMUM_CANDIDATES + 1)]

    with pytest.raises(PublicKeyFault, match="without a kid"):
        parse_public_keys(b"\n".join(pem_of(key) for key in keys))
    named = [
        {**jwt.get_algorithm_by_name("ES256").to_jwk(key.public_key(), as_dict=True), "kid": str(number)}
        for number, key in enumerate(keys)
    ]
    assert len(parse_public_keys(jwks_of(*named))) == len(keys)


_UNUSABLE_JWKS: Final[dict[str, dict[str, Any]]] = {
    "another kind": {"kty": "quantum", "x": "AA"},
    "another curve": {"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"},
    "another algorithm": jwk_of(RSA, alg="RS512"),
    "for encryption": jwk_of(RSA, use="enc"),
    "for wrapping": jwk_of(RSA) | {"key_ops": ["wrapKey"]},
    "for no operation": jwk_of(RSA) | {"key_ops": []},
    "operations that are no list": jwk_of(RSA) | {"key_ops": "verify"},
    "an algorithm that is no text": jwk_of(RSA) | {"alg": ["RS256"]},
    "a use that is no text": jwk_of(RSA) | {"use": 1},
    "too short": jwk_of(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - refused for its size
    "no number": {"kty": "RSA", "n": "!", "e": "AQAB"},
    "not on the curve": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
}


@pytest.mark.parametrize("entry", _UNUSABLE_JWKS.values(), ids=_UNUSABLE_JWKS)
def test_a_key_of_a_jwks_that_cannot_serve_is_skipped_and_a_fault_only_where_none_is_left(
    entry: dict[str, Any],
) -> None:
    (kept,) = parse_public_keys(jwks_of(entry, jwk_of(EC, kid="good")))

    assert (kept.key_id, kept.algorithm) == ("good", "ES256")
    with pytest.raises(PublicKeyFault):
        parse_public_keys(jwks_of(entry))


def test_a_key_of_a_jwks_has_the_algorithm_and_the_id_that_it_names() -> None:
    members = {"alg": "RS256", "use": "sig", "key_ops": ["sign", "verify"], "kid": "1"}

    (key,) = parse_public_keys(jwks_of(jwk_of(RSA) | members))

    assert (key.algorithm, key.key_id) == ("RS256", "1")


@pytest.mark.parametrize("kid", [1, None, ["1"], {}, True])
def test_a_kid_that_is_no_text_is_no_kid(kid: Any) -> None:
    (key,) = parse_public_keys(jwks_of(jwk_of(RSA) | {"kid": kid}))

    assert key.key_id is None


def _private_pem(key: Any) -> bytes:
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem


@pytest.mark.parametrize(
    "text",
    [
        pem_of(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - refused for its size
        pem_of(ec.generate_private_key(ec.SECP384R1())),
        pem_of(RSA) + pem_of(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - as above
        *(_private_pem(key) for key in KEYS.values()),
        pem_of(RSA) + _private_pem(EC),
        jwks_of(jwk_of(rsa.generate_private_key(65537, 1024))),  # noqa: S505 - as above
        jwks_of({"kty": "oct", "k": "c2VjcmV0"}),
        jwks_of(jwt.get_algorithm_by_name("EdDSA").to_jwk(ED, as_dict=True)),
        jwks_of(),
        jwks_of({}),
        jwks_of({"kty": "RSA"}),
        jwks_of({"kty": "RSA", "n": "!", "e": "!"}),
        jwks_of({"kty": "RSA", "n": 1, "e": 2}),
        jwks_of({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}),
        jwks_of({"kty": ["RSA"]}),
        jwks_of(jwk_of(RSA, use="enc")),
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
