"""Looks that fail by a fault of ours: viewers are told, and the log is not filled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, cast

from console.service import live as module
from console.service.announcing import Announcing
from console.service.endpoints import OperatorsEndpoints
from console.service.live import Live

if TYPE_CHECKING:
    import pytest

    from console.service.broker import Broker

LOOKS: Final = 5


class Faulty:
    """In place of a broker: its replies cannot be read."""

    def __init__(self) -> None:
        self.calls = 0

    async def run(self, *_calls: Any) -> list[Any]:
        self.calls += 1
        raise KeyError(self.calls)


class Log:
    """Counts the lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def error(self, event: str, **_: Any) -> None:
        self.lines.append(event)

    warning = info = error


def test_a_look_that_fails_again_and_again_is_logged_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    log, faulty = Log(), Faulty()
    monkeypatch.setattr(module, "log", log)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)

    async def watched() -> list[bytes]:
        broker = cast("Broker", faulty)
        live = Live(broker, OperatorsEndpoints(broker), Announcing(broker))
        told: list[bytes] = []
        async for event in live.watch("olga", lambda: False):
            told.append(event)
            if faulty.calls >= LOOKS:
                live.stop_watching()
        await live.close()
        return told

    told = asyncio.run(watched())
    assert b"console_failed" in told[1]
    assert log.lines == ["look_failed"]
