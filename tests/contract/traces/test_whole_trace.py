"""One trace leads from the client's call to the outcome: spans with the right parents, and nothing of a request."""

from __future__ import annotations

import json
import re
import secrets
from typing import TYPE_CHECKING, Final

from schemas.protocol.keys import EVENTS_KEY
from tests.contract.batch_client import BatchClient, a_row, lines
from tests.contract.service import CREATE, an_email
from tests.support.collector import orphans
from tests.support.requests import a_request, as_body
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from tests.contract.service import Service
    from tests.support.collector import Collector, SeenSpan

SERVER: Final = f"POST {CREATE}"
SEND: Final = "send customer.create"
WAIT: Final = "wait customer.create"
PROCESS: Final = "process customer.create"
STAGES: Final = ["validate", "hash", "insert", "finish"]
INTERNAL_KIND, SERVER_KIND, PRODUCER_KIND, CONSUMER_KIND = 1, 2, 4, 5
"""OTLP's numbers."""


def _client_span() -> tuple[str, str]:
    """Trace id and span id of a client that traces."""
    return secrets.token_hex(16), secrets.token_hex(8)


def _by_name(spans: list[SeenSpan]) -> dict[str, SeenSpan]:
    return {span.name: span for span in spans}


def test_a_signup_is_one_trace_from_the_clients_call_to_its_outcome(
    traced_service: Service, collector: Collector
) -> None:
    trace_id, client = _client_span()
    response = traced_service.create({"traceparent": f"00-{trace_id}-{client}-01"})
    task_id = response.json()["task"]["id"]
    traced_service.result(task_id)

    spans = collector.wait_for(trace_id, SERVER, SEND, WAIT, PROCESS, *STAGES)

    named = _by_name(spans)
    assert orphans(spans, outside=client) == []
    assert named[SERVER].parent_id == client
    assert named[SEND].parent_id == named[SERVER].span_id
    assert named[WAIT].parent_id == named[PROCESS].parent_id == named[SEND].span_id
    assert {named[stage].parent_id for stage in STAGES} == {named[PROCESS].span_id}
    assert [named[name].kind for name in (SERVER, SEND, WAIT, PROCESS, "hash")] == [
        SERVER_KIND,
        PRODUCER_KIND,
        INTERNAL_KIND,
        CONSUMER_KIND,
        INTERNAL_KIND,
    ]
    assert [span.name for span in spans if span.name in STAGES] == STAGES
    assert {named[SERVER].service, named[PROCESS].service} == {"customer-intake-shim", "customer-intake-worker"}
    assert not [span for span in spans if span.is_error]
    assert named[SERVER].attributes == {
        "http.request.method": "POST",
        "http.response.status_code": 202,
        "http.route": CREATE,
        "url.path": CREATE,
        "url.scheme": "http",
    }
    assert named[PROCESS].attributes == {
        "messaging.system": "celery",
        "messaging.destination.name": "customer.create",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.message.id": task_id,
        "intake.outcome": "created",
        "intake.starts": 1,
        "intake.tasks_together": 1,
    }
    assert named[PROCESS].links == ((trace_id, named[SEND].span_id),)


def test_the_client_and_the_logs_are_told_the_trace(traced_service: Service, collector: Collector) -> None:
    response = traced_service.create()
    task_id = response.json()["task"]["id"]
    traced_service.result(task_id)

    timing = re.fullmatch(r'traceparent;desc="00-([0-9a-f]{32})-([0-9a-f]{16})-03"', response.headers["server-timing"])

    assert timing is not None
    trace_id, span_id = timing.groups()
    assert _by_name(collector.wait_for(trace_id, SERVER))[SERVER].span_id == span_id
    assert traced_service.worker is not None
    shim_lines = [line for line in traced_service.lines("request") if line.get("task_id") == task_id]
    assert shim_lines[0]["trace_id"] == trace_id
    assert f'"trace_id": "{trace_id}"' in traced_service.worker.log()


def test_tasks_that_are_worked_together_are_linked_to_their_group(
    traced_service: Service, collector: Collector
) -> None:
    """The group is a trace of its own, since it belongs to many callers."""
    traces = [_client_span() for _ in range(40)]

    def groups() -> list[SeenSpan]:
        return [span for span in collector.spans if span.attributes.get("messaging.batch.message_count", 0) > 1]

    def sent_together() -> bool:
        body = lines(*(as_body(a_request(email=an_email())) for _ in traces))
        for (trace_id, client), row in zip(traces, body.splitlines(), strict=True):
            traced_service.post(row, {"traceparent": f"00-{trace_id}-{client}-01"})
        return bool(groups())

    wait_until(sent_together, timeout=60, what="a worker has taken several tasks at once")
    group = groups()[0]

    assert group.parent_id == ""
    assert 1 < len(group.links) <= group.attributes["messaging.batch.message_count"]
    linked = {trace_id for trace_id, _ in group.links}
    assert linked <= {trace_id for trace_id, _ in traces}
    one = collector.wait_for(next(iter(linked)), PROCESS)
    assert any((group.trace_id, group.span_id) in span.links for span in one if span.name == PROCESS)


def test_a_batch_is_one_trace_down_to_its_chunks(traced_service: Service, collector: Collector) -> None:
    trace_id, client = _client_span()
    upload = BatchClient(traced_service)
    response = upload.upload(
        lines(a_row(), a_row(email="no email")), {"traceparent": f"00-{trace_id}-{client}-01", "prefer": "wait=20"}
    )
    batch = response.json()["batch"]
    assert batch["finished"] == 2

    spans = collector.wait_for(
        trace_id, f"POST {CREATE}.batch", "send customer.create.batch", "process customer.create.batch", *STAGES
    )

    named = _by_name(spans)
    assert orphans(spans, outside=client) == []
    assert named["send customer.create.batch"].attributes["messaging.message.id"] == batch["id"]
    assert named["process customer.create.batch"].parent_id == named["send customer.create.batch"].span_id
    assert named["process customer.create.batch"].attributes["intake.outcome"] == "done"
    with traced_service.redis() as client_of_redis:
        entries = [
            fields
            for _, fields in client_of_redis.xrange(EVENTS_KEY)
            if fields[b"id"] == b"evt_" + batch["id"].encode()
        ]
    assert trace_id.encode() in entries[0][b"traceparent"]


def test_a_documented_error_is_no_error_of_a_span(traced_service: Service, collector: Collector) -> None:
    trace_id, client = _client_span()
    task = traced_service.create({"traceparent": f"00-{trace_id}-{client}-01"}, email="no email").json()["task"]["id"]
    traced_service.result(task)

    spans = collector.wait_for(trace_id, SERVER, PROCESS)

    assert _by_name(spans)[PROCESS].attributes["intake.outcome"] == "customer_invalid_email"
    assert not [span for span in spans if span.is_error]
    assert "hash" not in _by_name(spans)


def test_nothing_of_a_request_is_in_what_the_collector_gets(traced_service: Service, collector: Collector) -> None:
    canary, email = secrets.token_hex(8), an_email()
    trace_id, client = _client_span()
    request = a_request(email=email, password=f"pass-{canary}", firstName=f"first-{canary}", tags=[f"tag-{canary}"])
    headers = {
        "traceparent": f"00-{trace_id}-{client}-01",
        "tracestate": f"vendor={canary}",
        "baggage": f"user={canary}",
        "idempotency-key": f"key-{canary}",
        "x-request-id": f"request-{canary}",
        **traced_service.bearer(sub=f"caller-{canary}"),
    }
    traced_service.post(as_body(request), headers)
    again = traced_service.post(
        as_body({**request, "lastName": canary}), {**headers, "idempotency-key": f"other-{canary}"}
    )
    traced_service.get(again.headers["location"].partition("?")[0], headers, id=again.json()["task"]["id"], wait="20")
    collector.wait_for(trace_id, SERVER, PROCESS)
    traced_service.wait_until_idle()

    sent = b"".join(collector.raw)
    assert canary.encode() not in sent
    assert email.encode() not in sent
    assert json.dumps(headers["authorization"]).encode() not in sent


def test_a_call_without_a_good_token_leaves_no_span(traced_service: Service, collector: Collector) -> None:
    trace_id, client = _client_span()
    refused = traced_service.create({"traceparent": f"00-{trace_id}-{client}-01", "authorization": "Bearer x"})
    later, client = _client_span()
    traced_service.create({"traceparent": f"00-{later}-{client}-01"})

    collector.wait_for(later, SERVER)

    assert refused.status_code == 401
    assert collector.of_trace(trace_id) == []
