"""Dead letters as the page shows them, and what an operator does with them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from console.service.dead_letters import DeadLetters
from schemas.protocol.steps.ending import RecordChange

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis

    from console.service.broker import Broker
    from console.service.dead_letter import DeadLetter

SHOWN: Final = 100
"""Dead letters in one list."""

LOOKED_AT: Final = 5000
"""Dead letters that one list looks at, the oldest ones. Reading them takes a second or so."""

TOGETHER: Final = 500
"""Dead letters that one call changes. Where there are more, the page calls again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which dead letters: one, or all of a filter."""

    task_id: str = ""
    """This one alone."""
    reason: str = ""
    """Those with this reason; empty for any."""
    parked_until: float = float("inf")
    """Those that became dead letters by then, in Unix seconds. A task that becomes one again stays as it is."""

    def has(self, letter: DeadLetter) -> bool:
        """Whether this dead letter is meant."""
        return (not self.reason or letter.reason == self.reason) and letter.parked_at.timestamp() <= self.parked_until


class OperatorsLetters:
    """The dead letters, for an operator. Every method raises `BrokerAwayError` while Redis cannot be used."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def list(self, *, reason: str) -> dict[str, Any]:
        """The oldest dead letters, those of a reason or all, and how many there are by reason."""
        return await self._broker.use(lambda client: _list(client, reason))

    async def requeue(self, selection: Selection) -> tuple[int, bool]:
        """Send these again. Returns how many were sent, and whether there may be more of them."""
        return await self._change(selection, drops=False)

    async def drop(self, selection: Selection) -> tuple[int, bool]:
        """Forget these and their requests for good. Returns how many were dropped, and whether there may be more."""
        return await self._change(selection, drops=True)

    async def _change(self, selection: Selection, *, drops: bool) -> tuple[int, bool]:
        return await self._broker.use(lambda client: _change(client, selection, drops=drops))


def _list(client: redis.Redis, reason: str) -> dict[str, Any]:
    letters = DeadLetters(client)
    reasons: Counter[str] = Counter()
    shown: list[dict[str, Any]] = []
    looked_at = 0
    for letter in islice(letters.all(), LOOKED_AT):
        looked_at += 1
        reasons[letter.reason] += 1
        if len(shown) < SHOWN and (not reason or letter.reason == reason):
            shown.append(_shown(letter))
    return {"letters": shown, "reasons": dict(reasons), "all_seen": looked_at < LOOKED_AT}


def _shown(letter: DeadLetter) -> dict[str, Any]:
    """All that is known of it but the caller, who may be a person, by name."""
    return {name: value for name, value in letter.as_dict().items() if name != "caller"}


def _change(client: redis.Redis, selection: Selection, *, drops: bool) -> tuple[int, bool]:
    letters = DeadLetters(client)
    if selection.task_id:
        ids = [selection.task_id]
    else:
        ids = [letter.task_id for letter in islice(_selected(letters, selection), TOGETHER)]
    if not ids:
        return 0, False
    changes = letters.drop_each(ids) if drops else letters.requeue_each(ids)
    changed = sum(change is RecordChange.WRITTEN for change in changes)
    # Where nothing could be changed, another call would do no better.
    return changed, changed > 0 and len(ids) == TOGETHER


def _selected(letters: DeadLetters, selection: Selection) -> Iterator[DeadLetter]:
    return (letter for letter in letters.all() if selection.has(letter))
