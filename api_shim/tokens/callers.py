"""Who calls. Where a token names a key that is not there, newer keys are fetched first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api_shim.tokens.faults import TokenFault
from schemas.customer import IMPORT_SCOPE
from schemas.events import EVENTS_SCOPE

if TYPE_CHECKING:
    from api_shim.tokens.key_keeper import KeyKeeper
    from api_shim.tokens.verifier import Caller, TokenVerifier


class Callers:
    """Finds out who calls, from the `Authorization` header."""

    def __init__(self, verifier: TokenVerifier, keeper: KeyKeeper) -> None:
        self._verifier = verifier
        self._keeper = keeper

    async def identify(self, authorization: str | None) -> Caller | TokenFault:
        """The caller that this `Authorization` header names, or why it names none."""
        caller = self._verifier.verify(authorization)
        # The provider may have begun to sign with a new key since the last fetch.
        if (caller is TokenFault.UNKNOWN_KEY or caller is TokenFault.NO_KEYS) and await self._keeper.renewed():
            return self._verifier.verify(authorization)
        return caller

    def may_create(self, caller: Caller) -> bool:
        """Whether one of the caller's scopes serves for creating."""
        return self._verifier.may_create(caller)

    def may_import(self, caller: Caller) -> bool:
        """Whether the caller may bring password hashes that another system made."""
        return IMPORT_SCOPE in caller.scopes

    def may_read_events(self, caller: Caller) -> bool:
        """Whether the caller may read what became of every caller's tasks."""
        return EVENTS_SCOPE in caller.scopes
