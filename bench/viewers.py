"""What it costs that operators watch the console while very many tasks wait."""

from __future__ import annotations

import http.client
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from bench.backlog import accept_all
from bench.cpu import cpu_seconds
from bench.service import Service
from bench.waiting import wait_while
from local_stack.ports import LOOPBACK
from schemas.ids import new_task_id
from schemas.overseeing import READ_SCOPE
from schemas.protocol.steps.overseeing import read_overview

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import redis

_OWN_HEADER: Final = {"x-intake-console": "1"}
"""What the page sends with each of its calls."""

_LOOK: Final = b"event: look"
"""How a look begins in the stream."""


def viewers(folder: Path, *, tasks: int, viewers: int, seconds: float) -> dict[str, Any]:
    """The share of a core that a console takes while so many watch, and the time of the script that looks."""
    with Service(folder) as service:
        with service.redis_client() as client:
            accept_all(client, (new_task_id() for _ in range(tasks)))
        console, port = service.start_console()
        cookie = _log_in(port, service.token(scopes=[READ_SCOPE]))
        with _watching(port, cookie, viewers) as seen, service.redis_client() as client:
            wait_while(lambda: min(seen.looks) < 1, [console])
            with _timed_scripts(client) as milliseconds:
                before, started = cpu_seconds(console.pid or 0), time.perf_counter()
                looks = sum(seen.looks)
                wait_while(lambda: time.perf_counter() - started < seconds, [console], seconds=2 * seconds + 60)
                took = time.perf_counter() - started
                used = cpu_seconds(console.pid or 0) - before
                looks = sum(seen.looks) - looks
    return {
        "waiting": tasks,
        "viewers": viewers,
        "share_of_a_core": used / took,
        "looks_per_viewer_per_second": looks / viewers / took,
        "script_ms": sum(milliseconds) / max(1, len(milliseconds)),
        "script_most_ms": max(milliseconds, default=0.0),
    }


def _log_in(port: int, token: str) -> str:
    connection = http.client.HTTPConnection(LOOPBACK, port)
    connection.request("POST", "/api/session", headers={**_OWN_HEADER, "authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    assert answer.status < http.client.BAD_REQUEST, answer.status
    cookie = answer.headers["set-cookie"].partition(";")[0]
    connection.close()
    return cookie


@dataclass
class _Seen:
    """What viewers have seen."""

    looks: list[int]
    """How many looks, for each viewer."""
    has_ended: threading.Event = field(default_factory=threading.Event)


@contextmanager
def _watching(port: int, cookie: str, viewers: int) -> Iterator[_Seen]:
    """So many viewers, each with a connection that reads what comes."""
    seen = _Seen([0] * viewers)

    def watch(number: int) -> None:
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=30)
        connection.request("GET", "/api/live", headers={**_OWN_HEADER, "cookie": cookie})
        answer = connection.getresponse()
        assert answer.status == http.client.OK, answer.status
        while not seen.has_ended.is_set() and (line := answer.readline()):
            seen.looks[number] += line.startswith(_LOOK)
        connection.close()

    threads = [threading.Thread(target=watch, args=(number,), daemon=True) for number in range(viewers)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        seen.has_ended.set()
        for thread in threads:
            thread.join()


@contextmanager
def _timed_scripts(client: redis.Redis) -> Iterator[list[float]]:
    """Gathers the milliseconds of each call of the script that looks, from Redis' own log."""
    milliseconds: list[float] = []
    sha = read_overview().script.digest.encode()
    client.config_set("slowlog-max-len", 100_000)
    client.slowlog_reset()
    client.config_set("slowlog-log-slower-than", 0)
    yield milliseconds
    entries: Any = client.slowlog_get(100_000)
    milliseconds += [each["duration"] / 1000 for each in entries if sha in each["command"]]
