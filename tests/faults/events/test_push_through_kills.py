"""What became of real signups is pushed and pulled while every process is killed, the notifier most of all."""

from __future__ import annotations

import json
import random
import threading
from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.events.puller import Puller, check_events
from tests.faults.harness import troubles
from tests.faults.harness.arena import Arena
from tests.faults.harness.history import Client
from tests.notifier.process import Notifying, ids, to
from tests.support.receiver import Receiver, a_receiver
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Starter
    from tests.faults.conftest import Judge

_PAUSE: Final = threading.Event()
_TROUBLES: Final = ("a worker killed", "the shim killed", "redis killed")


@pytest.mark.parametrize("rounds", [pytest.param(1, id="short"), pytest.param(4, id="long")])
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_each_outcome_is_pushed_at_least_once_and_pulled_exactly_once_whatever_is_killed(
    tmp_path: Path, judge: Judge, note: Callable[[str], None], start_notifier: Starter, rounds: int
) -> None:
    dice = random.Random(15)
    with Arena(tmp_path / "arena") as arena, a_receiver() as receiver, a_receiver() as strict:
        for _ in range(2):
            arena.start_worker()
        notifying = Notifying(arena.environment, tmp_path / "endpoints.toml", start_notifier)
        arena.at_the_end.callback(notifying.client.close)
        running = notifying.begin(
            to(receiver), to(strict, name="strict", order="strict"), INTAKE_WEBHOOKS_TIMEOUT_SECONDS="0.5"
        )
        puller = Puller(arena)
        client = Client(arena)
        client.load(seconds=600, pause=0.1)
        for _ in range(rounds):
            for name in dice.sample(_TROUBLES, len(_TROUBLES)):
                with troubles.ALL[name](arena):
                    _PAUSE.wait(dice.uniform(0.1, 0.5))
                for _ in range(3):
                    _until_one_more_came(strict)
                    running.process.kill()
                    running.process.start()
        client.end_load()

        judge(arena, client, seconds=120)
        puller.catch_up()
        problems = check_events(puller, client.history)
        for each in (receiver, strict):
            _until_all_came(each, puller)
            problems += _differences(each, puller)
        if list(dict.fromkeys(ids(strict.received))) != [event["id"] for event in puller.events]:
            problems.append("the order of what is new is another one than that of the outbox")
    assert not problems, "\n".join(problems[:20])
    pushed = len(strict.received)
    note(f"{len(puller.events)} events, {pushed} pushes in order, {9 * rounds} kills of the notifier")


def _until_one_more_came(receiver: Receiver) -> None:
    before = len(receiver.received)
    wait_until(lambda: len(receiver.received) > before, timeout=60, what="an event comes")


def _until_all_came(receiver: Receiver, puller: Puller) -> None:
    pulled = {event["id"] for event in puller.events}
    wait_until(lambda: pulled <= {*ids(receiver.received)}, timeout=120, what="all are pushed")


def _differences(receiver: Receiver, puller: Puller) -> list[str]:
    """Where a push says anything else than what is pulled."""
    pulled = {event["id"]: {name: event[name] for name in ("type", "timestamp", "data")} for event in puller.events}
    return [
        f"{each.headers['webhook-id']} was pushed as {each.body!r}"
        for each in receiver.received
        if json.loads(each.body) != pulled.get(each.headers["webhook-id"])
    ]
