"""The live stream: numbers that are true, one look for all, and no look that pretends to be new."""

from __future__ import annotations

import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import pytest
import redis

from console.service.live import MOST_VIEWERS
from console.service.shown import shown
from local_stack.ports import free_port
from local_stack.redis_server import RedisServer
from schemas.protocol.keys import EVENTS_KEY
from schemas.protocol.overall import HISTORY_KEY
from schemas.protocol.steps.overseeing import sample
from schemas.protocol.webhook_keys import endpoint_key, group_of
from tests.console.client import Console
from tests.console.hostile import EVIL, fill_with_hostile_values
from tests.contract.batch_client import BatchClient, a_row, lines
from tests.contract.service import an_email
from tests.support.records import Scripts
from tests.support.redis_users import ADMIN, client_as, redis_with_users, url_as
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Environment
    from tests.console.conftest import OpenConsole
    from tests.contract.service import Service

RESET: Final = 150
"""Connections that are reset together."""

_SAMPLED: Final = ("accepted", "finished", "open")
"""What a sample has of signups and of rows."""


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis", free_port())
    server.start()
    yield server
    server.kill()


def test_the_numbers_are_those_of_what_was_submitted(operator: Console, service: Service) -> None:
    email = an_email()
    outcomes = [service.create({"prefer": "wait=20"}, email=each) for each in (email, email, "no email")]
    assert [each.json().get("error") for each in outcomes] == [None, "duplicate_key", "customer_invalid_email"]
    BatchClient(service).done(lines(a_row(), a_row(), b"no JSON"))

    look = operator.look()

    signups, rows = look["signups"], look["rows"]
    assert signups["finished"] == {"created": 1, "duplicate_key": 1, "customer_invalid_email": 1}
    assert signups["accepted"] + signups["at_first"] == 3
    assert rows["finished"] == {"created": 2, "validation_error": 1}
    assert (signups["open"], rows["open"], look["unaccounted"]) == (0, 0, 0)
    assert look["seconds_left"] == 0


def test_one_operator_too_often_is_told_so_and_takes_the_last_place_from_nobody(operator: Console) -> None:
    with ExitStack() as many:
        for _ in range(MOST_VIEWERS):
            many.enter_context(operator.events())
        with operator.events() as events:
            assert list(events) == [("full", {})]
        another = Console(operator.running)
        with another.http:
            another.log_in(sub="another")
            assert another.look()["unaccounted"] in {None, 0}
    wait_until(lambda: _first_event(operator) == "look", what="a place is free")


def _first_event(operator: Console) -> str:
    with operator.events() as events:
        return next(events)[0]


def test_processes_are_shown_and_nothing_secret_of_them(
    operator: Console, service: Service, module_env: Environment
) -> None:
    def worker_is_shown() -> bool:
        return any(each["kind"] == "worker" and each["taking"] for each in operator.look()["processes"])

    assert service.worker is not None
    wait_until(worker_is_shown, what="the worker is shown")
    (worker,) = (each for each in operator.look()["processes"] if each["kind"] == "worker")
    assert worker["pid"] == service.worker.process.pid
    assert str(module_env["INTAKE_MONGODB_URI"]) not in str(worker)


def test_the_console_is_shown_among_the_processes_until_it_stops(
    isolated_env: Environment, open_console: OpenConsole
) -> None:
    first, second = open_console(isolated_env), open_console(isolated_env)
    first.log_in()
    pids = {each.running.process.pid for each in (first, second)}

    def consoles() -> list[dict[str, Any]]:
        return [each for each in first.look()["processes"] if each["kind"] == "console"]

    wait_until(lambda: {each["pid"] for each in consoles()} == pids, what="both consoles are shown")
    assert all(each["version"] and each["taking"] for each in consoles())
    assert second.running.process.terminate()
    wait_until(lambda: {each["pid"] for each in consoles()} == {first.running.process.pid}, what="one is left")


def test_a_console_that_may_not_announce_itself_works_and_says_so_and_logs_it_once(
    tmp_path: Path, isolated_env: Environment, open_console: OpenConsole
) -> None:
    with redis_with_users(tmp_path / "users") as server:
        with client_as(server, ADMIN) as client:
            client.execute_command("ACL", "SETUSER", "intake-console", "-hset")
        console = open_console(isolated_env, INTAKE_REDIS_URL=url_as(server, "intake-console"))
        console.log_in()
        wait_until(lambda: console.acts("announcement_failed"), what="it is logged")
        assert console.look()["processes"] == []
        assert [line["reason"] for line in console.acts("announcement_failed")] == ["NOPERM"]
        refused = console.look()["broker"]["refused"]
        assert (refused["code"], "ACL" in refused["advice"]) == ("NOPERM", True)
        with client_as(server, ADMIN) as client:
            client.execute_command("ACL", "SETUSER", "intake-console", "+hset")
        wait_until(lambda: console.look()["broker"]["refused"] is None, what="Redis takes what it says")
        assert console.look()["broker"]["back_since"] >= refused["since"]


def test_viewers_whose_connections_are_reset_leave_no_error_in_the_log(operator: Console) -> None:
    head = f"GET /api/live HTTP/1.1\r\nhost: {operator.url.removeprefix('http://')}\r\ncookie: "
    cookie = f"intake-console={operator.http.cookies['intake-console']}\r\n\r\n"
    port = int(operator.url.rpartition(":")[2])
    viewers = [socket.create_connection(("127.0.0.1", port)) for _ in range(RESET)]
    with operator.events() as events:
        for viewer in viewers:
            viewer.sendall((head + cookie).encode())
            # A close aborts the connection, as the end of a machine does.
            viewer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Each gets a look and is reset while the same look is written to others.
        for viewer in viewers:
            viewer.recv(1)
        next(events)
        for viewer in viewers:
            viewer.close()
        next(events)
        next(events)
    assert "without completing" not in operator.running.log()


def test_each_look_is_newer_than_the_one_before(operator: Console) -> None:
    with operator.events() as events:
        times = [content["at"] for name, content in (next(events), next(events), next(events)) if name == "look"]
    assert times == sorted(set(times))


def test_the_hour_has_a_point_for_each_second_that_was_sampled(operator: Console, service: Service) -> None:
    assert service.worker is not None
    # Newer samples are read only while somebody watches.
    wait_until(lambda: operator.look() and len(operator.get("hour").json()["at"]) > 2, what="there are some points")
    hour = operator.get("hour").json()
    assert len({len(hour[name]) for name in ("at", "accepted", "finished", "waiting")}) == 1
    assert hour["at"] == sorted(set(hour["at"]))


@pytest.mark.parametrize("accepted", ["gzip;q=0", "x-gzip", "gzip;q=0, *", "identity"])
def test_the_hour_is_compressed_for_those_alone_who_read_gzip(operator: Console, accepted: str) -> None:
    answers = {
        each: operator.http.get(f"{operator.url}/api/hour", headers={"accept-encoding": each})
        for each in (accepted, "br, gzip")
    }
    assert {each: answer.headers.get("content-encoding") for each, answer in answers.items()} == {
        accepted: None,
        "br, gzip": "gzip",
    }
    assert [answer.headers["vary"] for answer in answers.values()] == ["accept-encoding"] * 2


def test_no_rate_is_told_by_samples_that_are_old(isolated_env: Environment) -> None:
    """While Redis takes no writes there are no new ones. The page once showed the rate of before as that of now."""
    with redis.Redis.from_url(isolated_env["INTAKE_REDIS_URL"]) as client:
        scripts = Scripts(client)
        now = scripts.overview().at_milliseconds
        fields: dict[str, int] = {f"{unit}_{what}": 0 for unit in ("signups", "rows") for what in _SAMPLED}

        def rate_with_a_sample(ago: int, *, accepted: int) -> float | None:
            at = now - ago
            client.xadd(HISTORY_KEY, {"at": at, **fields, "signups_accepted": accepted}, id=f"{at}-0")
            rate: float | None = shown(scripts.overview(), points=[])["accepted_per_second"]
            return rate

        rate_with_a_sample(40_000, accepted=0)
        assert rate_with_a_sample(30_000, accepted=10) is None
        assert rate_with_a_sample(0, accepted=80) == 2.0


def test_viewers_who_come_together_after_a_start_all_get_the_whole_hour(
    isolated_env: Environment, open_console: OpenConsole
) -> None:
    newest = int(1000 * time.time())
    fields: dict[str, int] = {f"{unit}_{what}": 0 for unit in ("signups", "rows") for what in _SAMPLED}
    with redis.Redis.from_url(isolated_env["INTAKE_REDIS_URL"]) as client, client.pipeline() as pipeline:
        for second in range(3600, 0, -1):
            at = newest - 1000 * second
            pipeline.xadd(HISTORY_KEY, {"at": at, **fields}, id=f"{at}-0")
        pipeline.execute()
    console = open_console(isolated_env)
    console.log_in()
    with ThreadPoolExecutor(8) as threads:
        hours = list(threads.map(lambda _: console.get("hour").json(), range(8)))
    assert [len(hour["at"]) for hour in hours] == [3599] * 8


def test_the_hour_is_the_last_one_also_where_nobody_has_watched_for_a_while(
    isolated_env: Environment, open_console: OpenConsole
) -> None:
    console = open_console(isolated_env)
    console.log_in()
    fields: dict[str, int] = {f"{unit}_{what}": 0 for unit in ("signups", "rows") for what in _SAMPLED}
    with redis.Redis.from_url(isolated_env["INTAKE_REDIS_URL"]) as client:
        newest = int(1000 * time.time()) - 10_000

        def sampled(first: int, last: int) -> None:
            for second in range(first, last):
                at = newest + 1000 * second
                client.xadd(HISTORY_KEY, {"at": at, **fields}, id=f"{at}-0")

        sampled(-300, -200)
        assert len(console.get("hour").json()["at"]) == 99
        sampled(-200, 0)
        assert len(console.get("hour").json()["at"]) == 299
        client.rename(HISTORY_KEY, "away")
        client.set(HISTORY_KEY, "refused")
        assert len(console.get("hour").json()["at"]) == 299


def test_a_look_at_a_redis_that_is_away_says_since_when(
    own_redis: RedisServer, isolated_env: Environment, open_console: OpenConsole
) -> None:
    console = open_console(isolated_env, INTAKE_REDIS_URL=own_redis.url, INTAKE_REDIS_TIMEOUT_SECONDS="0.5")
    console.log_in()
    with console.events() as events:
        name, look = next(events)
        assert name == "look"
        own_redis.process.pause()
        stale = next(content for name, content in events if name == "stale")
        assert abs(stale["since"] - look["at"]) < 60_000
        assert (console.get("dead-letters").status_code, console.act("pause", what="all").status_code) == (503, 503)
        own_redis.process.resume()
        assert next(name for name, _ in events if name != "stale") == "look"
    assert console.http.get(f"{console.url}/healthz").status_code == 200
    assert own_redis.url not in console.running.log()


@contextmanager
def _watched(env: Environment, open_console: OpenConsole) -> Iterator[tuple[Scripts, Iterator[tuple[str, Any]]]]:
    """Redis without a shim, which would keep samples by itself, and the events of a console that watches it."""
    console = open_console(env)
    console.log_in()
    with redis.Redis.from_url(env["INTAKE_REDIS_URL"]) as client, console.events() as events:
        yield Scripts(client), events


def test_points_that_came_while_a_look_failed_come_with_the_next_one(
    isolated_env: Environment, open_console: OpenConsole
) -> None:
    with _watched(isolated_env, open_console) as (scripts, events):
        client: Any = scripts.client

        def sampled() -> float:
            """The time of a new sample."""
            before = client.xlen(HISTORY_KEY)
            wait_until(lambda: scripts.run(sample()) and client.xlen(HISTORY_KEY) > before, what="a sample is due")
            (entry,) = client.xrevrange(HISTORY_KEY, count=1)
            return int(entry[1][b"at"]) / 1000

        def points_until(at: float) -> list[float]:
            seen: list[float] = []
            for name, content in islice(events, 15):
                seen += [point[0] for point in content["points"]] if name == "look" else []
                if at in seen:
                    return seen
            return seen

        sampled()
        next(events)
        assert (first := sampled()) in points_until(first)
        client.xgroup_create(EVENTS_KEY, group_of("broken"), mkstream=True)
        client.set(endpoint_key("broken"), "no hash")
        assert next(name for name, _ in islice(events, 15) if name == "stale")
        unseen = [sampled(), sampled()]
        for _ in range(3):
            assert next(events)[0] == "stale"
        client.delete(endpoint_key("broken"))
        assert points_until(unseen[-1]) == unseen


def test_after_another_redis_took_over_pages_are_told_to_read_the_hour_anew(
    isolated_env: Environment, open_console: OpenConsole
) -> None:
    with _watched(isolated_env, open_console) as (scripts, events):
        client: Any = scripts.client

        def looks_until_anew() -> list[bool]:
            seen: list[bool] = []
            for _, look in islice(events, 15):
                scripts.run(sample())
                seen.append(look["hour_is_new"])
                if seen[-1]:
                    break
            return seen

        assert looks_until_anew()[-1]
        assert [next(events)[1]["hour_is_new"] for _ in range(2)] == [False, False]
        (oldest,) = client.xrange(HISTORY_KEY, count=1)
        client.delete(HISTORY_KEY)
        client.xadd(HISTORY_KEY, oldest[1], id=oldest[0])
        assert True in [look["hour_is_new"] for _, look in islice(events, 5)]


def test_a_stop_closes_the_stream_quietly_and_soon(isolated_env: Environment, open_console: OpenConsole) -> None:
    console = open_console(isolated_env)
    console.log_in()
    with console.events() as events:
        next(events)
        console.running.process.ask_to_stop()
        assert [name for name, _ in events][-1] == "closing"
    assert console.running.process.wait(20)
    assert '"level": "error"' not in console.running.log()


def test_dead_letters_are_accounted_for(isolated_env: Environment, open_console: OpenConsole) -> None:
    console = open_console(isolated_env)
    console.log_in()
    with redis.Redis.from_url(isolated_env["INTAKE_REDIS_URL"]) as client:
        scripts = Scripts(client)
        scripts.run(sample())
        scripts.accept("0" * 22)
        scripts.start("0" * 22, delivery="one")
        scripts.park("0" * 22, delivery="one")
        look = console.look()
    assert (look["dead"]["count"], look["signups"]["dead"], look["unaccounted"]) == (1, 1, 0)


def test_what_no_part_of_the_service_has_written_hides_nothing_else(
    isolated_env: Environment, open_console: OpenConsole
) -> None:
    console = open_console(isolated_env)
    console.log_in()
    with redis.Redis.from_url(isolated_env["INTAKE_REDIS_URL"]) as client:
        fine = fill_with_hostile_values(client)

    with console.events() as events:
        assert [next(events)[0] for _ in range(2)] == ["look"] * 2
    listed = console.get("dead-letters")

    assert fine in [each["id"] for each in listed.json()["letters"]]
    assert len(listed.content) < len(EVIL)
    assert console.act("dead-letters/drop", id=fine).json()["changed"] == 1
    assert '"level": "error"' not in console.running.log()
