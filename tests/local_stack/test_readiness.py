"""`up` waits for a server that reads much data back, and tells how far it is. It gives up on one that is silent."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING, Final

import pytest
import redis
from pymongo.errors import PyMongoError

from local_stack import mongo_server, readiness
from local_stack.mongo_server import MongoReplicaSet
from local_stack.ports import free_port
from local_stack.process import ManagedProcess
from local_stack.readiness import NotReadyError, wait_until_ready
from local_stack.redis_server import RedisServer
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RECORDS: Final = 15_000


@pytest.fixture
def slow_redis(tmp_path: Path) -> Iterator[tuple[RedisServer, list[str]]]:
    """A Redis with data, stopped, that will take seconds to read it back; and what it tells."""
    folder, port, told = tmp_path / "redis", free_port(), list[str]()
    filled = RedisServer(folder, port)
    filled.start()
    with redis.Redis.from_url(filled.url) as client, client.pipeline(transaction=False) as pipeline:
        for number in range(RECORDS):
            pipeline.set(f"record-{number}", "x" * 100)
        pipeline.execute()
    filled.stop()
    # Redis' own way to make loading slow, in microseconds a key, and to have it look up often meanwhile.
    slowly = ["key-load-delay 600", "loading-process-events-interval-bytes 1024"]
    server = RedisServer(folder, port, slowly, tell=told.append)
    yield server, told
    server.kill()


@pytest.mark.slow
def test_a_redis_that_reads_its_data_back_is_waited_for_and_says_how_far_it_is(
    slow_redis: tuple[RedisServer, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "TELL_SECONDS", 0.3)
    server, told = slow_redis

    # Longer than it takes to begin, and much shorter than reading all of it takes.
    server.start(timeout=1.5)

    with redis.Redis.from_url(server.url) as client:
        assert client.dbsize() == RECORDS
    progress = [re.fullmatch(r"redis reads its data back: (\d+) %, about \d+ s to go", each) for each in told]
    percent = [int(each[1]) for each in progress if each is not None]
    # How often it is told depends on how busy the machine is.
    assert percent, told
    assert percent == sorted(percent)


@pytest.mark.slow
def test_a_redis_that_ends_while_it_reads_its_data_back_is_told_with_the_end_of_its_log(
    slow_redis: tuple[RedisServer, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "TELL_SECONDS", 0.0)
    server, _ = slow_redis
    server._tell = lambda _: server.process.kill()  # noqa: SLF001 - in the middle of it

    with pytest.raises(NotReadyError, match=r"(?s)redis ended at its start \(SIGKILL\).*Reading"):
        server.start()


@pytest.mark.slow
def test_a_mongodb_that_recovers_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    folder, port = tmp_path / "mongo", free_port()
    killed = MongoReplicaSet(folder, [port])
    killed.start()
    killed.kill()
    server = MongoReplicaSet(folder, [port], tell=told.append)
    (member,) = server.members
    member.start()
    try:
        wait_until(lambda: member.recovers, timeout=30, what="it says that it recovers")
        # Held up there for longer than a start may take otherwise.
        member.process.pause()
        monkeypatch.setattr(readiness, "TELL_SECONDS", 0.2)
        monkeypatch.setattr(mongo_server, "READY_SECONDS", 0.5)
        server._tell = lambda what: (told.append(what), member.process.resume() if len(told) > 5 else None)  # type: ignore[assignment, func-returns-value] # noqa: SLF001

        server.initiate()

        assert set(told) == {"mongo recovers its data, since it was not stopped in order"}
        monkeypatch.setattr(mongo_server, "READY_SECONDS", 60)
        server.wait_ready()
    finally:
        server.kill()


def test_a_mongodb_that_answers_slowly_is_waited_for(tmp_path: Path) -> None:
    """As on a busy machine, where the first start of a replica set takes longer than other calls may."""
    server = MongoReplicaSet(tmp_path / "mongo", [free_port()], options=["--setParameter", "enableTestCommands=1"])
    (member,) = server.members
    member.start()
    try:
        slow = {"failCommands": ["replSetInitiate"], "blockConnection": True, "blockTimeMS": 2500}

        def is_slow() -> bool:
            try:
                with member.client() as client:
                    client.admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=slow)
            except PyMongoError:
                return False
            return True

        wait_until(is_slow, timeout=30, what="it answers, and will do so slowly")
        server.initiate()
        server.wait_ready()
    finally:
        server.kill()


def test_a_process_that_says_nothing_is_waited_for_within_a_bound(tmp_path: Path) -> None:
    process = ManagedProcess("sleeper", ["/bin/sleep", "60"], log_path=tmp_path / "log")
    process.start()
    try:
        with pytest.raises(NotReadyError, match=r"sleeper was not ready after 0.1 seconds"):
            wait_until_ready(process, lambda: False, timeout=0.1)
    finally:
        process.kill()


@pytest.mark.parametrize(
    ("name", "number", "words"),
    [
        ("mongo", signal.SIGILL, r"^mongo ended at its start \(SIGILL: this processor lacks AVX[^\n]*\)$"),
        ("redis", signal.SIGILL, r"^redis ended at its start \(SIGILL\)$"),
        ("redis", signal.SIGKILL, r"^redis ended at its start \(SIGKILL\)"),
    ],
)
def test_a_process_that_ended_by_a_signal_is_told_by_its_name(
    tmp_path: Path, name: str, number: signal.Signals, words: str
) -> None:
    process = ManagedProcess(name, ["/bin/sh", "-c", f"kill -{int(number)} $$"], log_path=tmp_path / "log")
    process.start()

    with pytest.raises(NotReadyError, match=words):
        wait_until_ready(process, lambda: False, timeout=30)


def test_what_an_earlier_run_logged_is_not_told_of_a_failed_start(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("of an earlier run\n")
    process = ManagedProcess("notifier", ["/bin/sh", "-c", "echo the fault; exit 2"], log_path=log)
    process.start()

    with pytest.raises(NotReadyError, match=r"ended at its start \(exit code 2\)[^\n]*\nthe fault$"):
        wait_until_ready(process, lambda: False, timeout=30)
