"""Who calls: bearer tokens (RFC 6750), verified by PyJWT."""

from __future__ import annotations

import binascii
import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import jwt
from jwt.exceptions import InvalidSubjectError
from jwt.utils import base64url_decode

from edge.tokens.faults import TokenFault

if TYPE_CHECKING:
    from edge.tokens.key_ring import KeyRing
    from edge.tokens.settings import TokenSettings

MAXIMUM_TOKEN_CHARACTERS: Final = 4096
"""The longest token that is read. Usual ones have some hundred to two thousand characters."""

_MAXIMUM_SUBJECT_CHARACTERS: Final = 255
"""The longest `sub` that a token may have."""
_REMEMBERED_TOKENS: Final = 4096
"""How many verified tokens are remembered, so that they need not be verified again."""

_FAULT_BY_ERROR: Final[tuple[tuple[type[jwt.PyJWTError], TokenFault], ...]] = (
    (jwt.ExpiredSignatureError, TokenFault.EXPIRED),
    (jwt.ImmatureSignatureError, TokenFault.NOT_YET_VALID),
    (jwt.InvalidAudienceError, TokenFault.WRONG_AUDIENCE),
    (jwt.InvalidIssuerError, TokenFault.WRONG_ISSUER),
    (InvalidSubjectError, TokenFault.NO_SUBJECT),
    (jwt.InvalidSignatureError, TokenFault.BAD_SIGNATURE),
)
"""The reason of a refusal by PyJWT's exception."""
_FAULT_BY_MISSING_CLAIM: Final = {
    "exp": TokenFault.NO_EXPIRY,
    "sub": TokenFault.NO_SUBJECT,
    "aud": TokenFault.WRONG_AUDIENCE,
    "iss": TokenFault.WRONG_ISSUER,
}
"""The reason of a refusal by the claim that is missing."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a valid token speaks for."""

    subject: str
    """The token's `sub`. Where more than one issuer is trusted, the issuer and a space stand before it: two issuers may
    give one subject to different people."""
    scopes: frozenset[str]


class TokenVerifier:
    """Verifies tokens. Not thread-safe: one event loop uses it."""

    def __init__(self, settings: TokenSettings, keys: KeyRing) -> None:
        self._settings = settings
        self._keys = keys
        self._options: Any = {"require": ["exp", "sub"], "verify_aud": bool(settings.audience)}
        # A client sends one token many times; verifying RS256 costs more than the rest of a call.
        self._known: OrderedDict[bytes, tuple[Caller, float]] = OrderedDict()
        self._known_by = keys.version

    def verify(self, authorization: str | None) -> Caller | TokenFault:
        """The caller that this `Authorization` header names, or why it names none."""
        token = _bearer_token(authorization)
        if isinstance(token, TokenFault):
            return token
        if self._known_by != self._keys.version:
            self._known.clear()  # a key that verified one of them may be gone
            self._known_by = self._keys.version
        digest = hashlib.blake2b(token.encode("ascii"), digest_size=16).digest()
        known = self._known.get(digest)
        if known is not None:
            caller, expires_at = known
            if time.time() < expires_at:
                self._known.move_to_end(digest)
                return caller
            del self._known[digest]
            return TokenFault.EXPIRED
        claims = self._claims(token)
        verified = claims if isinstance(claims, TokenFault) else self._caller(claims)
        if isinstance(verified, TokenFault):
            return verified
        self._known[digest] = verified
        if len(self._known) > _REMEMBERED_TOKENS:
            self._known.popitem(last=False)
        return verified[0]

    def may_create(self, caller: Caller) -> bool:
        """Whether one of the caller's scopes serves for creating."""
        return not caller.scopes.isdisjoint(self._settings.create_scopes)

    def _claims(self, token: str) -> dict[str, Any] | TokenFault:
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError):
            return TokenFault.MALFORMED
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or not self._keys.serves(algorithm):
            return TokenFault.UNSUPPORTED_ALGORITHM
        candidates = self._keys.candidates(algorithm, header.get("kid"))
        if not candidates:
            return TokenFault.NO_KEYS if self._keys.awaits_keys else TokenFault.UNKNOWN_KEY
        key = candidates[0] if len(candidates) == 1 else _signer(token, algorithm, candidates)
        return TokenFault.BAD_SIGNATURE if key is None else self._decode(token, algorithm, key)

    def _decode(self, token: str, algorithm: str, key: Any) -> dict[str, Any] | TokenFault:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                options=self._options,
                audience=self._settings.audience or None,
                issuer=self._settings.issuers or None,
                leeway=self._settings.leeway_seconds,
            )
        except jwt.MissingRequiredClaimError as error:
            return _FAULT_BY_MISSING_CLAIM.get(error.claim, TokenFault.MALFORMED)
        except jwt.PyJWTError as error:
            return next((fault for kind, fault in _FAULT_BY_ERROR if isinstance(error, kind)), TokenFault.MALFORMED)
        except (ValueError, TypeError, OverflowError, RecursionError):
            return TokenFault.MALFORMED
        return claims

    def _caller(self, claims: dict[str, Any]) -> tuple[Caller, float] | TokenFault:
        subject, expires_at = claims["sub"], claims["exp"]
        if not isinstance(subject, str) or not 0 < len(subject) <= _MAXIMUM_SUBJECT_CHARACTERS:
            return TokenFault.NO_SUBJECT
        try:
            subject.encode("utf-8")
        except UnicodeEncodeError:
            return TokenFault.NO_SUBJECT
        if len(self._settings.issuers) > 1:
            # An issuer of the settings has no space in it, so no two pairs look alike.
            subject = f"{claims['iss']} {subject}"
        try:
            expires_at = float(expires_at) + self._settings.leeway_seconds
        except OverflowError:
            return TokenFault.MALFORMED
        return Caller(subject, _scopes(claims.get(self._settings.scope_claim))), expires_at


def _bearer_token(authorization: str | None) -> str | TokenFault:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        return TokenFault.MISSING
    token = token.strip(" ")
    if len(token) > MAXIMUM_TOKEN_CHARACTERS:
        return TokenFault.TOO_LARGE
    return token if token and token.isascii() else TokenFault.MALFORMED


def _signer(token: str, algorithm: str, candidates: list[Any]) -> Any | None:
    """The key that signed the token. Only the signature is verified: many keys cost one reading of the token."""
    signed, _, signature = token.rpartition(".")
    try:
        decoded = base64url_decode(signature)
    except (ValueError, binascii.Error):
        return None
    verify = jwt.get_algorithm_by_name(algorithm).verify
    message = signed.encode("ascii")
    return next((key for key in candidates if verify(message, key, decoded)), None)


def _scopes(claim: Any) -> frozenset[str]:
    """Scopes as RFC 8693 has them, a text with spaces between, or as some providers do, an array of texts."""
    if isinstance(claim, str):
        return frozenset(claim.split())
    if isinstance(claim, list) and all(isinstance(each, str) for each in claim):
        return frozenset(claim)
    return frozenset()
