"""The live stream: numbers that are true, one look for all, and no look that pretends to be new."""

from __future__ import annotations

import socket
import struct
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import redis

from console.service.live import MOST_VIEWERS
from schemas.protocol.steps.overseeing import sample
from tests.console.client import Console
from tests.console.hostile import EVIL, fill_with_hostile_values
from tests.contract.batch_client import BatchClient, a_row, lines
from tests.contract.service import an_email
from tests.support.records import Scripts
from tests.support.redis_users import ADMIN, client_as, redis_with_users, url_as
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from local_stack.redis_server import RedisServer
    from tests.conftest import Environment
    from tests.console.conftest import OpenConsole
    from tests.contract.service import Service

RESET: Final = 150
"""Connections that are reset together."""


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
