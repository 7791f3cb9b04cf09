"""What a worker replies to `celery inspect`."""

from __future__ import annotations

from typing import Any, Final

import pytest
from celery.worker.control import Panel
from kombu.clocks import LamportClock

from schemas.protocol.lanes import CHUNKS, SIGNUPS
from startup.broker.redis_url import parse_redis_url
from worker.celery_tools.commands import REFUSED, Commands
from worker.celery_tools.watching import WatchedTasks

READING: Final = {
    *("ping", "active", "reserved", "scheduled", "revoked", "registered", "active_queues", "clock", "query_task"),
    "stats",
}


@pytest.fixture
def watched() -> WatchedTasks:
    """A worker that works on one task and has another one."""
    watched = WatchedTasks(None)
    watched.received("begun", SIGNUPS.task_name)
    watched.received("waits", CHUNKS.task_name)
    watched.started(["begun"])
    return watched


@pytest.fixture
def commands(watched: WatchedTasks) -> Commands:
    url = parse_redis_url("redis://user:canary@redis.example.com:6379/3")
    return Commands(watched, node="intake@host", clock=LamportClock(), url=url, threads=4, prefetch=8)


@pytest.mark.parametrize(("command", "task"), [("active", "begun"), ("reserved", "waits")])
def test_a_task_is_told_without_arguments(command: str, task: str, commands: Commands) -> None:
    (info,) = commands.answer(command, {})
    assert (info["id"], info["args"], info["kwargs"]) == (task, [], {})


def test_a_task_is_found_by_its_id(commands: Commands) -> None:
    found = commands.answer("query_task", {"ids": ["waits", "elsewhere"]})
    assert [(task, state) for task, (state, _) in found.items()] == [("waits", "reserved")]
    assert commands.answer("query_task", {"ids": "begun"})["begun"][0] == "active"


@pytest.mark.parametrize("ids", [None, 1, [1, None], "elsewhere"])
def test_ids_that_name_no_task_find_nothing(ids: Any, commands: Commands) -> None:
    assert commands.answer("query_task", {"ids": ids}) == {}


def test_stats_tell_neither_user_nor_password(commands: Commands) -> None:
    stats = commands.answer("stats", {})
    assert stats["total"] == {SIGNUPS.task_name: 1}
    assert (stats["pool"]["max-concurrency"], stats["prefetch_count"]) == (4, 32)
    assert "canary" not in repr(stats)


@pytest.mark.parametrize("command", [*sorted({*Panel.meta} - READING), "__init__", None, ["ping"], {}])
def test_no_command_but_these_is_answered(command: object, commands: Commands) -> None:
    assert commands.answer(command, {}) is REFUSED


def test_every_command_that_is_answered_is_one_of_celery_and_only_reads(commands: Commands) -> None:
    assert {name for name, meta in Panel.meta.items() if meta.type == "inspect"} >= READING
    assert all(commands.answer(command, {}) is not REFUSED for command in READING)
