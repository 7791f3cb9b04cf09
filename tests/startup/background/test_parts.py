"""The parts of a process are closed in reverse order, whatever fails."""

from __future__ import annotations

import asyncio

import pytest

from startup.background.parts import running


class _FaultError(Exception):
    """Is raised by the parts of these tests."""


class _Part:
    def __init__(self, name: str, told: list[str], *, fails: str = "") -> None:
        self._name = name
        self._told = told
        self._fails = fails

    def start(self) -> None:
        self._tell("start")

    async def close(self) -> None:
        self._tell("close")

    def _tell(self, what: str) -> None:
        self._told.append(f"{what} {self._name}")
        if self._fails == what:
            raise _FaultError(self._name)


def _run(*fails: str, block_fails: bool = False) -> list[str]:
    """Run three parts, which fail as the arguments say. Returns what was done with them."""
    told: list[str] = []
    parts = [_Part(name, told, fails=how) for name, how in zip("abc", fails, strict=True)]

    async def run() -> None:
        async with running(*parts):
            told.append("serve")
            if block_fails:
                raise _FaultError

    if any(fails) or block_fails:
        with pytest.raises(_FaultError):
            asyncio.run(run())
    else:
        asyncio.run(run())
    return told


_WHOLE = ["start a", "start b", "start c", "serve", "close c", "close b", "close a"]


def test_parts_are_closed_in_reverse_order() -> None:
    assert _run("", "", "") == _WHOLE


def test_parts_are_closed_if_the_block_that_uses_them_fails() -> None:
    assert _run("", "", "", block_fails=True) == _WHOLE


@pytest.mark.parametrize("fails", [("close", "", ""), ("", "close", ""), ("", "", "close"), ("close",) * 3])
def test_a_part_that_cannot_be_closed_leaves_no_other_open(fails: tuple[str, ...]) -> None:
    assert _run(*fails) == _WHOLE


def test_a_part_that_cannot_be_started_is_closed_with_those_before_it() -> None:
    assert _run("", "start", "") == ["start a", "start b", "close b", "close a"]
