"""What a caller is told when Redis did not carry out its call, or may not have done so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from startup.broker.redis_refusals import Kind

if TYPE_CHECKING:
    from startup.broker.redis_refusals import Refusal


class BrokerUnavailableError(Exception):
    """Redis did not answer, or answered that it cannot work now. The call may or may not have been carried out."""


class BrokerRefusedError(BrokerUnavailableError):
    """Redis answered that it did not carry the call out, and why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal

    @property
    def another_may_serve(self) -> bool:
        """Whether the same call is worth repeating at once: the server's name is looked up anew for it."""
        return self.refusal.kind is Kind.ELSEWHERE
