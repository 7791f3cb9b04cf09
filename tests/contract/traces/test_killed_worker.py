"""A trace stays whole from the client's call to the webhook, although a worker was killed in between."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

import pytest

from schemas.protocol.keys import HELD_KEY, Field, State, record_key
from tests.contract.service import CREATE
from tests.notifier.process import Notifying, to
from tests.support.collector import a_collector, orphans
from tests.support.receiver import a_receiver
from tests.support.requests import a_request, as_body
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Environment, Starter
    from tests.contract.conftest import Serve

QUICK: Final = {
    "INTAKE_VISIBILITY_TIMEOUT_SECONDS": "3",
    "INTAKE_SWEEP_INTERVAL_SECONDS": "0.2",
    "INTAKE_SWEEP_GRACE_SECONDS": "0.2",
}
"""The task of a dead worker is sent again after three seconds."""

LONG_HASH: Final = {
    "INTAKE_ARGON2_TEST_PROFILE": "0",
    "INTAKE_ARGON2_MEMORY_KIB": "65536",
    "INTAKE_ARGON2_TIME_COST": "16",
}
"""A hash takes so long that its worker can be killed meanwhile."""

CLIENT_KIND: Final = 3
"""OTLP's number."""


@pytest.fixture
def notifying(isolated_env: Environment, tmp_path: Path, start_notifier: Starter) -> Iterator[Notifying]:
    """A notifier, still to be started."""
    one = Notifying(isolated_env, tmp_path / "endpoints.toml", start_notifier)
    yield one
    one.client.close()


def test_a_trace_is_whole_from_the_call_to_the_webhook_although_its_worker_was_killed(
    notifying: Notifying, start_shim: Starter, start_worker: Starter, serve: Serve
) -> None:
    trace_id, client = secrets.token_hex(16), secrets.token_hex(8)
    with a_collector() as collector, a_receiver() as receiver:
        environment = {**notifying.environment, **QUICK, **collector.settings}
        notifying.begin(to(receiver), **collector.settings)
        doomed = start_worker(environment, **LONG_HASH)
        service = serve(start_shim(environment))
        task_id = service.create({"traceparent": f"00-{trace_id}-{client}-01"}).json()["task"]["id"]
        with service.redis() as redis:
            started = State.STARTED.encode()
            wait_until(lambda: redis.hget(record_key(task_id), Field.STATE) == started, what="the worker has begun")
        doomed.process.kill()
        start_worker(environment)

        spans = collector.wait_for(
            trace_id, f"POST {CREATE}", "send customer.create", "process customer.create", "finish", "POST webhook"
        )

        named = {span.name: span for span in spans}
        assert orphans(spans, outside=client) == []
        (process,) = [span for span in spans if span.name == "process customer.create"]
        assert (process.attributes["intake.starts"], process.attributes["intake.outcome"]) == (2, "created")
        webhook = named["POST webhook"]
        assert (webhook.kind, webhook.parent_id) == (CLIENT_KIND, named["send customer.create"].span_id)
        assert webhook.service == "customer-intake-notifier"
        assert webhook.attributes["intake.event.id"] == f"evt_{task_id}"
        assert [each.headers["traceparent"] for each in receiver.received] == [f"00-{trace_id}-{webhook.span_id}-01"]


@pytest.mark.slow
def test_the_trace_of_a_batch_is_whole_although_a_worker_was_killed_in_the_middle_of_it(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter, serve: Serve
) -> None:
    trace_id, client = secrets.token_hex(16), secrets.token_hex(8)
    body = b"".join(as_body(a_request()) + b"\n" for _ in range(2))
    with a_collector() as collector:
        environment = {**isolated_env, **QUICK, **collector.settings}
        doomed = start_worker(environment, **LONG_HASH)
        service = serve(start_shim(environment))
        headers = {"traceparent": f"00-{trace_id}-{client}-01", "content-type": "application/x-ndjson"}
        accepted = service.http.post(
            f"{service.shim.url}{CREATE}.batch", content=body, headers={**service.bearer(), **headers}
        )
        assert accepted.status_code == 202
        with service.redis() as redis:
            wait_until(lambda: redis.zcard(HELD_KEY) == 1, what="the worker has begun")
        doomed.process.kill()
        start_worker(environment)

        spans = collector.wait_for(
            trace_id, f"POST {CREATE}.batch", "send customer.create.batch", "process customer.create.batch", "finish"
        )

    assert orphans(spans, outside=client) == []
    (process,) = [span for span in spans if span.name == "process customer.create.batch"]
    assert (process.attributes["intake.starts"], process.attributes["intake.outcome"]) == (2, "done")
