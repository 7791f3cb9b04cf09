"""A task ends when it is canceled, though redis-py may keep a cancellation to itself."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from startup.background.ending import cancel_until_ended
from startup.background.vital_task import VitalTask


class _Stubborn:
    """Runs on after its first cancellation."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def run(self) -> None:
        with suppress(asyncio.CancelledError):
            self.begun.set()
            await asyncio.Event().wait()
        await asyncio.Event().wait()


def test_a_task_that_swallows_a_cancellation_is_canceled_again() -> None:
    async def run() -> list[bool]:
        stubborn = _Stubborn()
        tasks = [asyncio.create_task(stubborn.run()), asyncio.create_task(asyncio.Event().wait())]
        await stubborn.begun.wait()
        await cancel_until_ended(tasks)
        return [task.done() for task in tasks]

    assert asyncio.run(run()) == [True, True]


def test_a_vital_task_that_swallows_a_cancellation_does_not_hold_up_the_end_of_its_process() -> None:
    async def run() -> bool:
        stubborn = _Stubborn()
        task = VitalTask("a_task", stubborn.run)
        task.start()
        await stubborn.begun.wait()
        await task.close()
        return task.alive

    assert asyncio.run(run()) is False
