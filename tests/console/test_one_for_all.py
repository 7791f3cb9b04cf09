"""A costly call that many ask for at once is made for all of them, and never shows anybody an older state."""

from __future__ import annotations

import asyncio

import pytest

from console.service.one_for_all import OneForAll

ASKING = 200
SECONDS = 10


class Calls:
    """Counts calls. Each ends when the test lets it."""

    def __init__(self) -> None:
        self.begun = 0
        self.has_begun = asyncio.Event()
        self.may_end = asyncio.Semaphore(0)

    async def make(self) -> int:
        self.begun += 1
        self.has_begun.set()
        number = self.begun
        await self.may_end.acquire()
        return number


async def _has_begun(calls: Calls) -> None:
    async with asyncio.timeout(SECONDS):
        await calls.has_begun.wait()


def test_all_who_ask_during_a_call_share_the_next_one() -> None:
    async def asked() -> tuple[int, list[int]]:
        calls = Calls()
        for_all = OneForAll(calls.make)
        first = asyncio.create_task(for_all.reply())
        await _has_begun(calls)
        others = [asyncio.create_task(for_all.reply()) for _ in range(ASKING)]
        calls.may_end.release()
        calls.may_end.release()
        return await first, await asyncio.gather(*others)

    assert asyncio.run(asked()) == (1, [2] * ASKING)


def test_whoever_leaves_takes_the_reply_from_nobody() -> None:
    async def asked() -> list[int]:
        calls = Calls()
        for_all = OneForAll(calls.make)
        asking = [asyncio.create_task(for_all.reply()) for _ in range(3)]
        await _has_begun(calls)
        asking[0].cancel()
        calls.may_end.release()
        return await asyncio.gather(*asking[1:])

    assert asyncio.run(asked()) == [1, 1]


def test_a_call_that_failed_fails_for_those_who_shared_it_alone() -> None:
    async def asked() -> int:
        failures = [ConnectionError("away")]

        async def make() -> int:
            if failures:
                raise failures.pop()
            return 1

        for_all = OneForAll(make)
        replies = await asyncio.gather(for_all.reply(), for_all.reply(), return_exceptions=True)
        assert [type(each) for each in replies] == [ConnectionError] * 2
        return await for_all.reply()

    assert asyncio.run(asked()) == 1


@pytest.mark.parametrize("left", [0, 1])
def test_a_reply_is_of_a_call_that_began_after_the_question(left: int) -> None:
    async def asked() -> int:
        calls = Calls()
        for_all = OneForAll(calls.make)
        before = asyncio.create_task(for_all.reply())
        await _has_begun(calls)
        after = asyncio.create_task(for_all.reply())
        if left:
            before.cancel()
        calls.may_end.release()
        calls.may_end.release()
        return await after

    assert asyncio.run(asked()) == 2
