"""Dead letters as the page shows them, and what an operator does with them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from console.service.dead_letters import DeadLetters
from console.service.one_for_all import OneForAll
from schemas.protocol.steps.ending import RecordChange

if TYPE_CHECKING:
    import redis

    from console.service.broker import Broker
    from console.service.dead_letter import DeadLetter

SHOWN: Final = 100
"""Dead letters in one list."""

LOOKED_AT: Final = 5000
"""Dead letters that one list or one call looks at. Reading them takes half a second or so."""

TOGETHER: Final = 500
"""Dead letters that one call changes. Where there are more, the page calls again from where it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which dead letters: one, or all of a filter."""

    task_id: str = ""
    """This one alone."""
    reason: str = ""
    """Those with this reason; empty for any."""
    parked_until: float = float("inf")
    """Those that became dead letters by then, in Unix seconds. A task that becomes one again stays as it is."""

    after: str = ""
    """Those behind this place, which the answer to the call before has told; empty for the very first."""

    def has(self, letter: DeadLetter) -> bool:
        """Whether this dead letter is meant."""
        return (not self.reason or letter.reason == self.reason) and letter.parked_at.timestamp() <= self.parked_until


@dataclass(frozen=True, slots=True)
class _Listed:
    """The oldest dead letters."""

    shown: dict[str, list[dict[str, Any]]]
    """Of each reason the first ones, and under an empty one the first of all."""
    reasons: Counter[str]
    """How many have each reason."""
    all_seen: bool
    """Whether there are no more than were looked at."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What one call has done."""

    count: int
    """Dead letters that this very call has changed."""
    after: str = ""
    """The place from which the next call goes on; empty where there is nothing more to look at."""


class OperatorsLetters:
    """The dead letters, for an operator. Every method raises `BrokerAwayError` while Redis cannot be used."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        # Every page reads the list anew when the number of dead letters changes.
        self._listed = OneForAll(lambda: broker.use(_list))

    async def list(self, *, reason: str) -> dict[str, Any]:
        """The oldest dead letters, those of a reason or all, and how many there are by reason."""
        listed = await self._listed.reply()
        return {
            "letters": listed.shown.get(reason, []),
            "reasons": dict(listed.reasons),
            "all_seen": listed.all_seen,
        }

    async def requeue(self, selection: Selection) -> Changed:
        """Send these again, or some of them."""
        return await self._change(selection, drops=False)

    async def drop(self, selection: Selection) -> Changed:
        """Forget these and their requests for good, or some of them."""
        return await self._change(selection, drops=True)

    async def _change(self, selection: Selection, *, drops: bool) -> Changed:
        return await self._broker.use_once(lambda client: _change(client, selection, drops=drops))


def _list(client: redis.Redis) -> _Listed:
    letters = DeadLetters(client)
    reasons: Counter[str] = Counter()
    shown: dict[str, list[dict[str, Any]]] = {}
    place, looked_at = "", 0
    while looked_at < LOOKED_AT and (page := letters.page(place)):
        looked_at += len(page)
        place = page[-1][1]
        for letter in (each for each, _ in page if each is not None):
            reasons[letter.reason] += 1
            for reason in {letter.reason, ""}:
                of_reason = shown.setdefault(reason, [])
                if len(of_reason) < SHOWN:
                    of_reason.append(_shown(letter))
    return _Listed(shown, reasons, looked_at < LOOKED_AT)


def _shown(letter: DeadLetter) -> dict[str, Any]:
    """All that is known of it here but the caller, who may be a person, by name."""
    return {name: value for name, value in letter.as_dict().items() if name not in {"caller", "sealing_key"}}


def _change(client: redis.Redis, selection: Selection, *, drops: bool) -> Changed:
    letters = DeadLetters(client)
    ids, place = ([selection.task_id], "") if selection.task_id else _selected(letters, selection)
    changes = (letters.drop_each(ids) if drops else letters.requeue_each(ids)) if ids else []
    return Changed(sum(change is RecordChange.WRITTEN for change in changes), place)


def _selected(letters: DeadLetters, selection: Selection) -> tuple[list[str], str]:
    """The next ones that are meant, and the place behind which there may be more."""
    ids: list[str] = []
    place, looked_at = selection.after, 0
    while looked_at < LOOKED_AT:
        page = letters.page(place)
        if not page:
            return ids, ""
        looked_at += len(page)
        for letter, place in page:
            if letter is not None and selection.has(letter):
                ids.append(letter.task_id)
            if len(ids) == TOGETHER:
                return ids, place
    return ids, place
