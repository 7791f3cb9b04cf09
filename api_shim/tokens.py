"""Who calls: bearer tokens (RFC 6750), verified by PyJWT."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import jwt

if TYPE_CHECKING:
    from api_shim.settings import TokenSettings

_MAXIMUM_TOKEN_CHARACTERS: Final = 8192
_MAXIMUM_SUBJECT_CHARACTERS: Final = 255
_REMEMBERED_TOKENS: Final = 4096


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a valid token speaks for."""

    subject: str
    scopes: frozenset[str]


class TokenVerifier:
    """Tells who calls. Not thread-safe: one event loop uses it."""

    def __init__(self, settings: TokenSettings) -> None:
        self._settings = settings
        self._options: Any = {"require": ["exp", "sub"], "verify_aud": bool(settings.audience)}
        # A client sends one token many times; verifying RS256 costs more than everything else the shim does.
        self._known: OrderedDict[bytes, tuple[Caller, float]] = OrderedDict()

    def verify(self, authorization: str | None) -> Caller | None:
        """The caller that this `Authorization` header names; None where it is missing or the token is not good."""
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip(" ")
        if scheme.lower() != "bearer" or not token.isascii() or not 0 < len(token) <= _MAXIMUM_TOKEN_CHARACTERS:
            return None
        digest = hashlib.blake2b(token.encode("ascii"), digest_size=16).digest()
        known = self._known.get(digest)
        if known is not None:
            caller, expires_at = known
            if time.time() < expires_at:
                self._known.move_to_end(digest)
                return caller
            del self._known[digest]
            return None
        claims = self._claims(token)
        caller_and_expiry = None if claims is None else self._caller(claims)
        if caller_and_expiry is None:
            return None
        self._known[digest] = caller_and_expiry
        if len(self._known) > _REMEMBERED_TOKENS:
            self._known.popitem(last=False)
        return caller_and_expiry[0]

    def may_create(self, caller: Caller) -> bool:
        """Whether one of the caller's scopes serves for creating."""
        return not self._settings.create_scopes.isdisjoint(caller.scopes)

    def _claims(self, token: str) -> dict[str, Any] | None:
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError):
            return None
        algorithm, key_id = header.get("alg"), header.get("kid")
        candidates: list[Any] = []
        if algorithm == "HS256" and self._settings.secret is not None:
            candidates.append(self._settings.secret.get_secret_value())
        candidates += [
            key.key
            for key in self._settings.public_keys
            if key.algorithm == algorithm and (key_id is None or key.key_id is None or key.key_id == key_id)
        ]
        for candidate in candidates:
            try:
                claims: dict[str, Any] = jwt.decode(
                    token,
                    candidate,
                    algorithms=[str(algorithm)],
                    options=self._options,
                    audience=self._settings.audience or None,
                    issuer=self._settings.issuer or None,
                    leeway=self._settings.leeway_seconds,
                )
            except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
                continue
            return claims
        return None

    def _caller(self, claims: dict[str, Any]) -> tuple[Caller, float] | None:
        subject, scope, expires_at = claims["sub"], claims.get("scope", ""), claims["exp"]
        if not isinstance(subject, str) or not 0 < len(subject) <= _MAXIMUM_SUBJECT_CHARACTERS:
            return None
        try:
            subject.encode("utf-8")
        except UnicodeEncodeError:
            return None
        scopes = frozenset(scope.split()) if isinstance(scope, str) else frozenset()
        try:
            return Caller(subject, scopes), float(expires_at) + self._settings.leeway_seconds
        except OverflowError:
            return None
