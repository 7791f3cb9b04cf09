"""Who calls. Where a token names a key that is not there, newer keys are fetched first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.tokens.faults import TokenFault

if TYPE_CHECKING:
    from edge.tokens.key_keeper import KeyKeeper
    from edge.tokens.verifier import Caller, TokenVerifier


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
