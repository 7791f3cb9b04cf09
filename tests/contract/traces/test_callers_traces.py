"""What callers say of their traces is believed as far as it is well-formed, and costs this service nothing beyond."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any, Final

import pytest

from local_stack.ports import free_port
from schemas.protocol.keys import Field, record_key
from tests.contract.service import CREATE, Service, parse_raw
from tests.support.collector import a_collector
from tests.support.requests import a_request, as_body
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Environment, Starter

GOOD: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(scope="module")
def never_by_itself(module_env: Environment, start_module_shim: Starter) -> Iterator[Service]:
    """A shim that records no trace of its own accord."""
    with a_collector() as collector:
        settings = {**collector.settings, "INTAKE_TRACES_RATIO": "0", "INTAKE_PORT": str(free_port())}
        running = Service(start_module_shim(module_env, **settings))
        yield running
        running.http.close()


@pytest.fixture(scope="module")
def without_traces(module_env: Environment, start_module_shim: Starter) -> Iterator[Service]:
    """A shim with the default settings."""
    port = {"INTAKE_PORT": str(free_port())}
    running = Service(start_module_shim(module_env, **port))
    yield running
    running.http.close()


def _kept(service: Service, task_id: str) -> str:
    with service.redis() as client:
        kept = client.hget(record_key(task_id), Field.TRACEPARENT)
    assert kept is not None
    return str(kept.decode())


def _logged(service: Service, task_id: str) -> list[dict[str, Any]]:
    return [line for line in service.lines("request") if line.get("task_id") == task_id]


def _assert_no_trace(service: Service, task_id: str) -> None:
    with service.redis() as client:
        assert client.exists(record_key(task_id))
        assert not client.hexists(record_key(task_id), Field.TRACEPARENT)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "x" * 5000,
        GOOD[:-1],
        f"{GOOD}-more",
        f"{GOOD} x",
        GOOD.upper(),
        GOOD.replace("00-4", "ff-4"),
        "00-" + "0" * 32 + GOOD[35:],
        GOOD[:36] + "0" * 16 + "-01",
        "'; DROP TABLE spans; --",
    ],
)
def test_a_malformed_traceparent_counts_as_none_and_nobody_hears_of_it(never_by_itself: Service, header: str) -> None:
    response = never_by_itself.create({"traceparent": header} if header else None)

    assert response.status_code == 202
    assert "server-timing" not in response.headers
    task_id = response.json()["task"]["id"]
    _assert_no_trace(never_by_itself, task_id)
    wait_until(lambda: bool(_logged(never_by_itself, task_id)), what="the request is logged")
    assert "trace_id" not in _logged(never_by_itself, task_id)[0]


def test_instead_of_a_malformed_traceparent_a_trace_may_begin(traced_service: Service) -> None:
    response = traced_service.create({"traceparent": GOOD[:-1]})

    assert response.status_code == 202
    timing = re.fullmatch(r'traceparent;desc="00-([0-9a-f]{32})-[0-9a-f]{16}-03"', response.headers["server-timing"])
    assert timing is not None
    assert timing[1] != GOOD[3:35]


def test_of_several_traceparents_none_is_believed(never_by_itself: Service) -> None:
    body = as_body(a_request())
    head = [
        f"POST {CREATE} HTTP/1.1",
        "host: x",
        f"authorization: {never_by_itself.bearer()['authorization']}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        f"traceparent: {GOOD}",
        f"traceparent: {GOOD}",
    ]
    answer = never_by_itself.raw("".join(f"{line}\r\n" for line in head).encode() + b"\r\n" + body)

    status, _, document = parse_raw(answer)
    assert status == 202
    _assert_no_trace(never_by_itself, document["task"]["id"])


@pytest.mark.parametrize(("flags", "kept_flags"), [("01", "01"), ("00", "00"), ("03", "03"), ("ff", "03")])
def test_a_callers_trace_goes_on_and_is_recorded_as_the_caller_says(
    never_by_itself: Service, flags: str, kept_flags: str
) -> None:
    trace_id = secrets.token_hex(16)
    response = never_by_itself.create({"traceparent": f"00-{trace_id}-00f067aa0ba902b7-{flags}"})

    kept = _kept(never_by_itself, response.json()["task"]["id"])

    assert kept.startswith(f"00-{trace_id}-")
    assert "00f067aa0ba902b7" not in kept
    assert kept.endswith(f"-{kept_flags}")
    assert f"-{kept_flags}" in response.headers["server-timing"]


def test_a_newer_version_is_read_as_far_as_it_is_known(never_by_itself: Service) -> None:
    response = never_by_itself.create({"traceparent": GOOD.replace("00-4", "01-4") + "-more"})

    assert _kept(never_by_itself, response.json()["task"]["id"]).startswith(GOOD[:35])


def test_a_repeat_under_the_same_key_keeps_the_first_calls_trace(never_by_itself: Service) -> None:
    key, body = {"idempotency-key": secrets.token_hex(8)}, as_body(a_request())
    first = never_by_itself.post(body, {**key, "traceparent": GOOD}).json()["task"]["id"]
    again = never_by_itself.post(body, {**key, "traceparent": GOOD.replace("4bf92f", "aaaaaa")}).json()["task"]["id"]

    assert first == again
    assert _kept(never_by_itself, first).startswith(GOOD[:35])


def test_a_record_has_no_trace_where_traces_are_off(without_traces: Service) -> None:
    response = without_traces.create({"traceparent": GOOD})

    _assert_no_trace(without_traces, response.json()["task"]["id"])
    assert "server-timing" not in response.headers
    assert not any("trace_id" in line for line in without_traces.lines("request"))
