"""Each refusal of a token has its reason."""

from __future__ import annotations

import json
import time
from typing import Any, Final

import jwt
import pytest

from edge.tokens.faults import DESCRIPTIONS, TokenFault
from tests.edge.tokens.signing import EC, RSA, SECRET, claims, hs256, jwk_of, jwks_of, make_verifier, signed

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
        (f"Bearer {hs256(scope='x' * 3000)}", TokenFault.TOO_LARGE),
        (f"Bearer {signed(b'{}', header={'alg': 'none'})}", TokenFault.UNSUPPORTED_ALGORITHM),
        (f"Bearer {jwt.encode(claims(), RSA, 'RS384')}", TokenFault.UNSUPPORTED_ALGORITHM),
        (f"Bearer {jwt.encode(claims(), RSA, 'RS256', headers={'kid': 'gone'})}", TokenFault.UNKNOWN_KEY),
        (f"Bearer {jwt.encode(claims(), EC, 'ES256')}", TokenFault.UNKNOWN_KEY),
        (f"Bearer {signed(json.dumps(claims()).encode(), header={'kid': 1})}", TokenFault.MALFORMED),
        (f"Bearer {signed(json.dumps(claims()).encode(), secret=b'x' * 32)}", TokenFault.BAD_SIGNATURE),
        (f"Bearer {signed(json.dumps(claims(exp=1)).encode(), secret=b'x' * 32)}", TokenFault.BAD_SIGNATURE),
        (f"Bearer {hs256(exp=_NOW - 60)}", TokenFault.EXPIRED),
        (f"Bearer {hs256(nbf=_NOW + 3600)}", TokenFault.NOT_YET_VALID),
        (f"Bearer {hs256(iat=_NOW + 3600)}", TokenFault.NOT_YET_VALID),
        (f"Bearer {hs256(exp=None)}", TokenFault.NO_EXPIRY),
        (f"Bearer {hs256(exp='soon')}", TokenFault.MALFORMED),
        (f"Bearer {hs256(sub=None)}", TokenFault.NO_SUBJECT),
        (f"Bearer {hs256(sub='')}", TokenFault.NO_SUBJECT),
        (f"Bearer {hs256(sub=1)}", TokenFault.NO_SUBJECT),
        (f"Bearer {hs256(aud=None)}", TokenFault.WRONG_AUDIENCE),
        (f"Bearer {hs256(aud='other')}", TokenFault.WRONG_AUDIENCE),
        (f"Bearer {hs256(iss=None)}", TokenFault.WRONG_ISSUER),
        (f"Bearer {hs256(iss='other')}", TokenFault.WRONG_ISSUER),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_refusal_has_its_reason(authorization: str | None, fault: TokenFault) -> None:
    checked: dict[TokenFault, dict[str, Any]] = {
        TokenFault.WRONG_AUDIENCE: {"audience": "this"},
        TokenFault.WRONG_ISSUER: {"issuers": ("us",)},
    }
    verifier = make_verifier(SECRET, keys=jwks_of(jwk_of(RSA, kid="1")), **checked.get(fault, {}))

    assert verifier.verify(authorization) is fault


def test_every_fault_of_a_token_has_a_sentence_of_plain_text() -> None:
    assert set(TokenFault) - set(DESCRIPTIONS) == {TokenFault.MISSING, TokenFault.NO_KEYS}
    # These characters may stand in a quoted string of a challenge (RFC 6750, section 3).
    assert all(" " <= char <= "~" and char not in '"\\' for text in DESCRIPTIONS.values() for char in text)
