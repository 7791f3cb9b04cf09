"""`customer.events`: what became of signups and batches, in order, at once and held, for callers with the scope."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any, Final

import pytest

from schemas.events import EVENTS_SCOPE
from schemas.protocol.keys import EVENTS_KEY
from schemas.protocol.steps import eventing
from tests.contract.batch_client import BatchClient, a_row, lines
from tests.contract.service import PREFIXES, an_email
from tests.support.records import Scripts
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import httpx

    from tests.conftest import Environment, Starter
    from tests.contract.conftest import Serve
    from tests.contract.service import Service

EVENTS: Final = "/services/customer/v1/customer.events"


def _ask(service: Service, **query: Any) -> httpx.Response:
    reader = service.bearer(sub="reader", scope=EVENTS_SCOPE)
    return service.get(EVENTS, reader, **{name: str(value) for name, value in query.items()})


def _read(service: Service, **query: Any) -> tuple[list[dict[str, Any]], str]:
    response = _ask(service, **query)
    assert response.status_code == 200, response.text
    body = response.json()
    assert body["ok"] is True
    return body["events"], body["next"]


def _end(service: Service) -> str:
    """The place behind the newest event."""
    after = ""
    while True:
        events, after = _read(service, after=after, limit=1000)
        if not events:
            return after


def test_each_outcome_is_an_event_that_holds_ids_and_codes_alone(service: Service) -> None:
    after, email = _end(service), an_email()
    created = service.create({"prefer": "wait=20"}, email=email).json()["customer"]["id"]
    failed = service.create(email=email).json()["task"]["id"]
    service.result(failed)

    (first, second), _ = _read(service, after=after)

    assert first["type"] == "customer.created"
    assert first["id"] == f"evt_{first['data']['task']}"
    assert first["data"] == {"task": first["data"]["task"], "customer": created}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["timestamp"])
    assert second["type"] == "customer.create.failed"
    assert second["data"] == {"task": failed, "error": "duplicate_key"}
    assert email not in str((first, second))


def test_a_batch_is_one_event_when_it_has_ended(service: Service) -> None:
    after = _end(service)
    batch = BatchClient(service).done(lines(a_row(), a_row(email="no email")))

    (event,), _ = _read(service, after=after)

    assert event["type"] == "customer.create.batch.completed"
    assert event["data"] == {"batch": batch["id"], "status": "DONE", "rows": 2}


def test_rows_of_a_batch_have_events_of_their_own_where_a_setting_says_so(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter, serve: Serve
) -> None:
    service = serve(start_shim(isolated_env), start_worker(isolated_env, INTAKE_ROW_EVENTS="1"))
    client, good = BatchClient(service), a_row()
    client.done(lines(good, a_row(email="no email")), mode="validate")
    after = _end(service)
    batch = client.done(lines(good, a_row(email="no email"), good))
    rows = client.rows_of(batch["id"])

    told, _ = _read(service, after=after)

    events = [(event["type"], event["data"]) for event in told]
    place = {"task": told[0]["data"]["task"], "batch": batch["id"]}
    customer = rows[0]["customer"]["id"]
    assert events == [
        ("customer.created", {**place, "line": 1, "customer": customer}),
        ("customer.create.failed", {**place, "line": 2, "error": "customer_invalid_email"}),
        ("customer.created", {**place, "line": 3, "customer": customer, "repeated": True}),
        ("customer.create.batch.completed", {"batch": batch["id"], "status": "DONE", "rows": 3}),
    ]
    assert len({event["id"] for event in told}) == 4


@pytest.mark.parametrize("prefix", PREFIXES)
def test_events_are_read_on_in_their_order_by_the_cursor_of_the_last_answer(service: Service, prefix: str) -> None:
    after = _end(service)
    for _ in range(5):
        service.create({"prefer": "wait=20"})
    whole, end = _read(service, after=after)

    read: list[dict[str, Any]] = []
    while len(read) < 5:
        path = f"{prefix}/customer/v1/customer.events"
        answer = service.get(path, service.bearer(scope=EVENTS_SCOPE), after=after, limit="2").json()
        assert len(answer["events"]) <= 2
        read, after = read + answer["events"], answer["next"]

    assert read == whole
    assert len({event["id"] for event in read}) == 5
    assert after == end
    assert _read(service, after=after) == ([], after)


def test_a_caller_without_the_scope_reads_no_events(service: Service) -> None:
    response = service.get(EVENTS, service.bearer(scope="customer:create api"))

    assert response.status_code == 403
    assert response.json() == {"ok": False, "error": "insufficient_scope"}
    assert response.headers["www-authenticate"] == f'Bearer error="insufficient_scope", scope="{EVENTS_SCOPE}"'
    assert service.get(EVENTS, {"authorization": "Bearer x"}).status_code == 401


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("after", "yesterday"),
        ("after", "1"),
        ("after", "1-"),
        ("after", "-1-1"),
        ("after", "$"),
        ("after", "1-1 "),
        ("after", "9" * 16 + "-0"),
        ("after", "٣-٣"),
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "x"),
        ("wait", "61"),
        ("wait", "-1"),
        ("caller", "me"),
    ],
)
def test_an_argument_that_is_none_is_a_400_that_names_it(service: Service, name: str, value: str) -> None:
    response = _ask(service, **{name: value})

    assert response.status_code == 400
    assert response.json()["data"]["errors"][0]["field"] == name


def test_a_call_that_waits_is_answered_by_the_next_event(service: Service) -> None:
    after = _end(service)
    answers: list[tuple[list[dict[str, Any]], str]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(_read(service, after=after, wait=30, limit=1))) for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: service.metric("intake_waiting_requests") == 5, what="the calls are held")

    service.create()

    for thread in threads:
        thread.join()
    assert [len(events) for events, _ in answers] == [1] * 5
    assert len({place for _, place in answers}) == 1
    assert service.metric("intake_waiting_requests") == 0


def test_a_reader_that_waits_again_and_again_misses_nothing(service: Service) -> None:
    after = _end(service)
    tasks = 60
    makers = [threading.Thread(target=lambda: [service.create() for _ in range(tasks // 3)]) for _ in range(3)]
    for maker in makers:
        maker.start()
    read: list[dict[str, Any]] = []
    while len(read) < tasks:
        events, after = _read(service, after=after, wait=30)
        assert events
        read += events
    for maker in makers:
        maker.join()

    assert len({event["id"] for event in read}) == tasks


def test_a_call_that_waits_for_nothing_gets_the_same_cursor(without_worker: Service) -> None:
    assert _read(without_worker, wait=1) == ([], "0-0")
    assert _read(without_worker, after="0-0", wait=1) == ([], "0-0")


def test_a_call_that_waits_ends_when_the_shim_stops(without_worker: Service) -> None:
    answers: list[tuple[list[dict[str, Any]], str]] = []
    waiting = threading.Thread(target=lambda: answers.append(_read(without_worker, wait=60)))
    waiting.start()
    wait_until(lambda: without_worker.metric("intake_waiting_requests") == 1, what="the call is held")

    without_worker.shim.process.ask_to_stop()

    waiting.join(20)
    assert answers == [([], "0-0")]


def test_more_calls_than_may_wait_are_answered_at_once(
    isolated_env: Environment, start_shim: Starter, serve: Serve
) -> None:
    service = serve(start_shim(isolated_env, INTAKE_MAX_WAITING="0"))

    response = _ask(service, wait=30)

    assert response.json() == {"ok": True, "events": [], "next": "0-0"}
    assert response.elapsed.total_seconds() < 10


def test_a_reader_that_leaves_frees_its_place(without_worker: Service) -> None:
    with without_worker.connection() as connection:
        bearer = without_worker.bearer(scope=EVENTS_SCOPE)["authorization"]
        connection.sendall(f"GET {EVENTS}?wait=60 HTTP/1.1\r\nhost: x\r\nauthorization: {bearer}\r\n\r\n".encode())
        wait_until(lambda: without_worker.metric("intake_waiting_requests") == 1, what="the call is held")

    wait_until(lambda: without_worker.metric("intake_waiting_requests") == 0, what="nobody waits")


def test_a_reader_hears_of_events_although_its_connection_to_redis_was_cut(
    without_worker: Service, start_worker: Starter
) -> None:
    answers: list[tuple[list[dict[str, Any]], str]] = []
    waiting = threading.Thread(target=lambda: answers.append(_read(without_worker, wait=30)))
    waiting.start()
    with without_worker.redis() as redis:
        wait_until(
            lambda: any(client["cmd"] == "xread" for client in redis.client_list()), what="Redis is asked for events"
        )
        assert redis.client_kill_filter(_type="normal", skipme=True)
    without_worker.create()
    start_worker(without_worker.environment)

    waiting.join()
    assert [len(events) for events, _ in answers] == [1]


def test_a_cursor_that_is_older_than_what_is_kept_is_a_410_that_tells_where_to_go_on(service: Service) -> None:
    after = _end(service)
    for _ in range(3):
        service.create({"prefer": "wait=20"})
    end = _end(service)
    with service.redis() as redis:
        Scripts(redis).run(eventing.trim_events(kept_seconds=-60, unread_seconds=-60, most=1000))

    response = _ask(service, after=after)

    assert response.status_code == 410
    assert response.json() == {"ok": False, "error": "events_gone", "data": {"reason": "trimmed", "next": end}}
    assert _read(service, after=end) == ([], end)
    assert _read(service) == ([], end)


def test_a_cursor_of_events_that_redis_has_lost_is_a_410(without_worker: Service) -> None:
    with without_worker.redis() as redis:
        Scripts(redis).accept("A" * 22)
        Scripts(redis).finish("A" * 22)
        _, after = _read(without_worker)
        redis.delete(EVENTS_KEY)

    response = _ask(without_worker, after=after, wait=30)

    assert response.status_code == 410
    assert response.json()["data"] == {"reason": "lost", "next": "0-0"}
