"""A call of each step with fixed arguments. `golden_calls.json` has its bytes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from schemas import events
from schemas import outcome as outcomes
from schemas.protocol.lanes import CHUNKS
from schemas.protocol.message import PLACEHOLDER_ID, MessageTemplate
from schemas.protocol.overview import Details
from schemas.protocol.steps import (
    accepting,
    batches,
    chunk_working,
    delivering,
    ending,
    eventing,
    inspecting,
    links,
    operating,
    overseeing,
    pausing,
    sweeping,
    uploading,
    working,
)
from schemas.protocol.steps.chunk_working import Part, RefusedRow
from schemas.protocol.steps.delivering import Ending, OffReason, Tried
from schemas.protocol.steps.pausing import Paused
from schemas.protocol.steps.uploading import NewBatch, NewChunk
from schemas.protocol.steps.working import Delivery
from worker.promise.records import encoded_result

if TYPE_CHECKING:
    from schemas.protocol.call import Call

GOLDEN: Final = Path(__file__).with_name("golden_calls.json")
"""KEYS and ARGV of each step, one Latin-1 character for each byte.

Those of single signups were recorded from commit 37782d2, which had the steps spread over the shim, the worker and the
console.
"""
ID: Final = "Task0123456789Task0123"
OTHER_ID: Final = "Other987654321Other987"
LATEST: Final = 1_767_323_045_678
TRACEPARENT: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
A_SHIM: Final = Details(
    kind="shim",
    version="0.3.0",
    host="höst",
    pid=7,
    started_at_milliseconds=LATEST,
    holds={"calls": 3, "uploads": 1},
    per_second=12.5,
    taking=True,
)
_MESSAGES: Final = MessageTemplate()
_CHUNK_MESSAGES: Final = MessageTemplate(CHUNKS)
_ONE: Final = Delivery(ID, "delivery-one")
_OTHER: Final = Delivery(OTHER_ID, "delivery-two")
_NOW: Final = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


def _accept(*, most_open: int, rate_per_second: float, waiter: str = "", traceparent: str = "") -> Call[Any]:
    call = accepting.accept(
        task_id=ID,
        fingerprint="fingerprint-43",
        sealed=b"\x00sealed\xff",
        caller="cäller",
        message=_MESSAGES.message(ID),
        most_open=most_open,
        rate_per_second=rate_per_second,
        rate_burst=20,
        waiter=waiter,
        traceparent=traceparent,
    )
    return call.with_deadline(LATEST)


def _failure(task_id: str) -> bytes:
    return encoded_result(outcomes.celery_failure(task_id, "a_reason", finished_at=_NOW))


CALLS: Final[dict[str, Call[Any]]] = {
    "accept": _accept(most_open=1000, rate_per_second=3.0, waiter="intake:shim:one", traceparent=TRACEPARENT),
    "accept 2": _accept(most_open=0, rate_per_second=0.0),
    "read": accepting.read(ID),
    "start": working.start(_ONE, lease_seconds=302.5, alone=False),
    "start 2": working.start(_OTHER, lease_seconds=302.5, alone=True),
    "renew": working.renew([_ONE, _OTHER], lease_seconds=302.5),
    "finish": ending.finish(
        ID,
        encoded_result(outcomes.celery_result(ID, outcomes.invalid_email("nöbody"), finished_at=_NOW)),
        event=events.outcome_event(ID, outcomes.invalid_email("nöbody")),
        outcome="customer_invalid_email",
        lifetime_seconds=86_400,
    ),
    "release": ending.release(_ONE, message=_MESSAGES.message(ID)),
    "put_back": ending.put_back([_MESSAGES.message(ID), _MESSAGES.message(OTHER_ID)]),
    "defer": ending.defer(_ONE, patience_seconds=600.25),
    "park": ending.park(_ONE, reason="a_reason", detail="a detail", result=_failure(ID)),
    "park 2": ending.park(_OTHER, reason="a_reason", detail="", result=_failure(OTHER_ID)),
    "lease_sweeper": sweeping.lease_sweeper("sweeper-holder", lease_seconds=54),
    "sweep": sweeping.sweep(
        "sweeper-holder",
        sweeper_lease_seconds=54,
        most=50,
        grace_seconds=60,
        longest_gap_seconds=600,
        message=_MESSAGES.message(PLACEHOLDER_ID),
        placeholder=PLACEHOLDER_ID,
        missed_seconds=30,
        task_lease_seconds=302.5,
    ),
    "requeue": operating.requeue(ID, message=_MESSAGES.message(ID)),
    "drop": operating.drop(ID),
    "open_batch": uploading.open_batch(
        NewBatch(
            batch_id=OTHER_ID, caller="cäller", name="a name", mode="create", ordered=True, traceparent=TRACEPARENT
        ),
        most_open=100,
        rate_per_second=3.0,
        rate_burst=20,
        upload_seconds=60.5,
    ).with_deadline(LATEST),
    "accept_chunk": uploading.accept_chunk(
        NewChunk(
            chunk_id=ID,
            first_id="First999999999First999",
            generation=2,
            batch_id=OTHER_ID,
            caller="cäller",
            sealed=b"\x00sealed\xff",
            rows=250,
            first_line=7,
            lines="7+200,210+50",
            traceparent=TRACEPARENT,
        ),
        message=_CHUNK_MESSAGES.message(ID),
        most_open_rows=1_000_000,
        most_batch_rows=10_000,
        upload_seconds=60.5,
    ).with_deadline(LATEST),
    "keep_upload": uploading.keep_upload(OTHER_ID, upload_seconds=60.5),
    "end_upload": uploading.end_upload(OTHER_ID, complete=True),
    "read_batch": batches.read_batch(OTHER_ID),
    "list_batches": batches.list_batches("cäller", most=50),
    "read_chunks": batches.read_chunks(OTHER_ID, after=17, most=4),
    "cancel_batch": batches.cancel_batch(OTHER_ID, most=100),
    "start_chunk": chunk_working.start_chunk(_ONE, lease_seconds=302.5, alone=True),
    "split_chunk": chunk_working.split_chunk(
        _ONE,
        chunk_id=OTHER_ID,
        middle=128,
        left=Part("Left9999999999Left9999", _CHUNK_MESSAGES.message("Left9999999999Left9999")),
        right=Part("Right999999999Right999", _CHUNK_MESSAGES.message("Right999999999Right999")),
    ),
    "finish_chunk": chunk_working.finish_chunk(
        ID,
        chunk_id=OTHER_ID,
        results=b"\x28\xb5results",
        counts={"created": 200, "internal_error": 1},
        refused=[RefusedRow(17, "Part9999999999Part9999", "a_reason", "a detail")],
        told=[(3, events.row_event(outcomes.invalid_email("nöbody")))],
    ),
    "park_chunk": chunk_working.park_chunk(_ONE, chunk_id=OTHER_ID, reason="a_reason", detail=""),
    "claim_emails": chunk_working.claim_emails(OTHER_ID, [(b"\x00mail\xff", b"row")], lifetime_seconds=100.5),
    "settle_batches": chunk_working.settle_batches(most=500, lifetime_seconds=86_400),
    "requeue_chunk": operating.requeue_chunk(ID, message=_CHUNK_MESSAGES.message(ID)),
    "drop_chunk": operating.drop_chunk(ID),
    "lease_notifier": delivering.lease_notifier("notifier-holder", previous="former", lease_seconds=20.5),
    "leave_notifier": delivering.leave_notifier("notifier-holder"),
    "take_events": delivering.take_events(
        "notifier-holder",
        "crm",
        most=8,
        most_waiting=1000,
        longest_seconds=25_920,
        types={"customer.created", "customer.create.failed"},
        callers={"cäller", "another"},
    ),
    "take_events 2": delivering.take_events(
        "notifier-holder", "crm", most=1, most_waiting=1, longest_seconds=25_920, types=None, callers=None
    ),
    "end_try": delivering.end_try(
        "notifier-holder",
        "crm",
        Tried(place="1700000000000-3", ending=Ending.FAILED, outcome="500", pause_seconds=5.25, try_seconds=0.5),
        off_seconds=432_000,
    ),
    "switch_endpoint": delivering.switch_endpoint("crm", off_reason=OffReason.OPERATOR),
    "switch_endpoint 2": delivering.switch_endpoint("crm", off_reason=None),
    "retry_events": delivering.retry_events("crm"),
    "read_endpoint": delivering.read_endpoint("crm"),
    "forget_endpoint": delivering.forget_endpoint("crm"),
    "read_events": eventing.read_events(after="1700000000000-3", most=100),
    "read_overview": overseeing.read_overview(batches=20, processes=True),
    "read_history": overseeing.read_history(after="1700000000000-3"),
    "read_history 2": overseeing.read_history(),
    "sample": overseeing.sample(),
    "inspect": inspecting.inspect(ID),
    "use_link": links.use_link("of a link", kept_seconds=3600.5, user="one"),
    "pause": pausing.pause(Paused.BATCHES, by="olga"),
    "read_pause": pausing.read_pause(),
    "announce": overseeing.announce("process-name", A_SHIM),
    "leave": overseeing.leave("process-name"),
    "trim_events": eventing.trim_events(kept_seconds=604_800, unread_seconds=2_592_000, most=1000),
}
