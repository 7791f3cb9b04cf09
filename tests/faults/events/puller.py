"""A reader of `customer.events` that goes on through all faults, and what must be true of what it has read."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx

from schemas.events import EVENTS_SCOPE, EventType
from schemas.protocol.keys import EVENTS_KEY
from tests.support.tokens import token
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from tests.faults.harness.arena import Arena
    from tests.faults.harness.history import Submission

_OUTCOMES: Final = {EventType.CREATED, EventType.FAILED}
_WAIT_SECONDS: Final = 5
_RETRY_SECONDS: Final = 0.1


@dataclass
class Puller:
    """Reads as docs/events.md tells: it keeps the cursor of the last answer, and asks again after any failure."""

    arena: Arena
    events: list[dict[str, Any]] = field(default_factory=list)
    """What was read, in its order."""
    failures: Counter[str] = field(default_factory=Counter)
    """Calls that had no answer, or another one than 200."""

    def __post_init__(self) -> None:
        bearer = token(self.arena.environment, sub="puller", scope=EVENTS_SCOPE)
        self._http = httpx.Client(headers={"authorization": f"Bearer {bearer}"}, timeout=4 * _WAIT_SECONDS)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.arena.at_the_end.callback(self.close)

    def close(self) -> None:
        """End."""
        self._ending.set()
        self._thread.join()
        self._http.close()

    def read_all(self) -> list[dict[str, Any]]:
        """All events from the first, as one who comes later reads them in small portions."""
        events: list[dict[str, Any]] = []
        cursor = ""
        while True:
            body = self._ask(cursor, limit=7).json()
            if not body["events"]:
                return events
            events += body["events"]
            cursor = body["next"]

    def catch_up(self) -> None:
        """Wait until everything that is in the outbox was read."""
        with self.arena.redis_client() as client:
            wait_until(lambda: len(self.events) >= client.xlen(EVENTS_KEY), timeout=60, what="all events are read")

    def _run(self) -> None:
        cursor = ""
        while not self._ending.is_set():
            try:
                answer = self._ask(cursor, limit=50, wait=_WAIT_SECONDS)
            except httpx.TransportError as error:
                self.failures[type(error).__name__] += 1
            else:
                if answer.status_code == httpx.codes.OK:
                    self.events += answer.json()["events"]
                    cursor = answer.json()["next"]
                    continue
                self.failures[f"{answer.status_code} {answer.json()['error']}"] += 1
            self._ending.wait(_RETRY_SECONDS)

    def _ask(self, cursor: str, **query: int) -> httpx.Response:
        return self._http.get(f"{self.arena.url}/customer.events", params={"after": cursor, **query})


def check_reading(puller: Puller) -> list[str]:
    """What is not as it must be: in order, none missing, none twice."""
    events = puller.events
    with puller.arena.redis_client() as client:
        appended = [fields[b"id"].decode() for _, fields in client.xrange(EVENTS_KEY)]
    read = [event["id"] for event in events]
    problems = [f"{id_} was read {times} times" for id_, times in Counter(read).items() if times > 1]
    problems += [f"{id_} was not read" for id_ in {*appended} - {*read}]
    if read != appended:
        problems.append("the order is another one than that of the outbox")
    if puller.read_all() != events:
        problems.append("who reads later reads other events")
    problems += [f"a reader was told {each}" for each in puller.failures if each.startswith(("4", "500"))]
    return problems


def check_events(puller: Puller, history: list[Submission]) -> list[str]:
    """The same, and where a signup's one event and the outcome that its client read do not agree."""
    problems = check_reading(puller)
    outcomes: dict[str, list[dict[str, Any]]] = {}
    for event in puller.events:
        if event["type"] in _OUTCOMES:
            outcomes.setdefault(event["data"]["task"], []).append(event)
    accepted = {str(each.task_id): each for each in history if each.accepted}
    for task_id, submission in accepted.items():
        told = [_of_event(each) for each in outcomes.get(task_id, [])]
        if told != [_of_result(submission)]:
            problems.append(f"{submission.key} has the events {told} and the outcome {submission.outcome}")
    # A request that got no 202 may have been accepted all the same.
    unknown = {*outcomes} - {*accepted}
    if len(unknown) > sum(not each.accepted for each in history):
        problems.append(f"events of tasks that nobody submitted: {unknown}")
    return problems


def _of_event(event: dict[str, Any]) -> tuple[str, str]:
    return event["type"], event["data"].get("customer") or event["data"]["error"]


def _of_result(submission: Submission) -> tuple[str, str]:
    outcome = submission.outcome or {"ok": False, "error": "none"}
    if outcome["ok"]:
        return EventType.CREATED, outcome["customer"]["id"]
    return EventType.FAILED, outcome["error"]
