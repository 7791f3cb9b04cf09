"""Uploads that are slowed or refused by a bound. Accepted rows always stay accepted."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.contract.batch_bounds.uploads import held, some_rows
from tests.contract.batch_client import BATCH, BatchClient, a_row
from tests.contract.service import an_email
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from tests.conftest import Environment, Starter
    from tests.contract.conftest import Serve

IMPATIENT: Final = {"INTAKE_BATCH_WAIT_SECONDS": "0.2"}
"""With these settings an upload is refused soon where there is no room for it."""


def _refused(response: httpx.Response, status: int, error: str) -> dict[str, Any]:
    """The batch in an answer that refuses."""
    assert (response.status_code, response.json()["error"]) == (status, error), response.text
    batch: dict[str, Any] = response.json()["batch"]
    return batch


def test_the_refusal_of_too_many_rows_tells_how_many_are_accepted(alone: Callable[..., BatchClient]) -> None:
    client = alone(INTAKE_BATCH_MAX_ROWS="300")

    batch = _refused(client.upload(some_rows(600)), 413, "payload_too_large")

    assert batch["rows"] == 256
    summary = client.result(batch["id"], wait=0).json()["batch"]
    assert (summary["rows"], summary["complete"], summary["status"]) == (256, False, "RUNNING")
    assert client.upload(some_rows(300)).status_code == 202


@pytest.mark.parametrize("chunked", [False, True])
def test_the_refusal_of_too_many_bytes_tells_how_many_rows_are_accepted(
    alone: Callable[..., BatchClient], chunked: bool
) -> None:
    client = alone(INTAKE_BATCH_MAX_BYTES="1000000")
    body = some_rows(12_000)

    batch = _refused(
        client.upload((body[at : at + 9000] for at in range(0, len(body), 9000)) if chunked else body),
        413,
        "payload_too_large",
    )

    # A body that is announced as too long is not read at all.
    assert batch["rows"] > 256 if chunked else batch["rows"] == 0


def test_a_gzip_bomb_is_refused_once_it_has_made_as_many_bytes_as_it_may(alone: Callable[..., BatchClient]) -> None:
    client = alone(INTAKE_BATCH_MAX_BYTES="1000000")
    row = a_row() + b"\n"

    for byte in (b"\n", b"x"):
        bomb = gzip.compress(byte * 300_000_000, 1)
        batch = _refused(client.upload(bomb, {"content-encoding": "gzip"}), 413, "payload_too_large")
        assert batch["rows"] == 0
    batch = _refused(
        client.upload(gzip.compress(row * 100_000), {"content-encoding": "gzip"}), 413, "payload_too_large"
    )
    assert 0 < batch["rows"] <= 1_000_000 // len(row)


def test_an_upload_is_slowed_while_as_many_rows_are_open_as_may_be(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter, serve: Serve
) -> None:
    service = serve(start_shim(isolated_env, INTAKE_MAX_OPEN_ROWS="300"), start_worker(isolated_env))

    summary = BatchClient(service).done(some_rows(3000))

    assert summary["outcomes"] == {"created": 3000}


def test_an_upload_that_was_slowed_in_vain_is_told_how_many_rows_are_accepted(
    alone: Callable[..., BatchClient],
) -> None:
    client = alone(INTAKE_MAX_OPEN_ROWS="300", **IMPATIENT)
    body = some_rows(600)

    response = client.upload(body, name="one")

    assert _refused(response, 429, "queue_full")["rows"] == 256
    assert int(response.headers["retry-after"]) >= 1
    # The same call is made again. The rows that are accepted already take no room a second time.
    assert _refused(client.upload(body, name="one"), 429, "queue_full")["rows"] == 256
    wait_until(lambda: client.service.metric("intake_open_rows") == 256, what="they are shown")
    assert client.service.metric('intake_batch_rows_total{result="known"}') == 256


def test_a_caller_may_have_a_bounded_number_of_open_batches(alone: Callable[..., BatchClient]) -> None:
    client = alone(INTAKE_MAX_OPEN_BATCHES="2")
    for _ in range(2):
        client.accepted(some_rows(1))

    response = client.upload(some_rows(1))

    assert (response.status_code, response.json()) == (429, {"ok": False, "error": "rate_limited"})
    assert int(response.headers["retry-after"]) >= 1
    assert BatchClient(client.service, sub=an_email()).upload(some_rows(1)).status_code == 202
    assert client.cancel(client.list()[0]["id"]).status_code == 200
    assert client.upload(some_rows(1)).status_code == 202


def test_a_caller_over_its_rate_is_refused(alone: Callable[..., BatchClient]) -> None:
    client = alone(INTAKE_RATE_PER_SECOND="0.01", INTAKE_RATE_BURST="2")

    answers = [client.upload(some_rows(1)) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert answers[2].json()["error"] == "rate_limited"


def test_slow_uploads_and_calls_that_follow_take_no_room_from_signups(alone: Callable[..., BatchClient]) -> None:
    client = alone(INTAKE_MAX_REQUESTS="1", INTAKE_MAX_UPLOADS="2")
    batch_id = client.accepted(some_rows(1))
    rows = f"{client.service.shim.url}{BATCH}.rows?id={batch_id}&follow=true"

    with (
        client.service.http.stream("GET", rows, headers=client.bearer),
        held(client, some_rows(300)),
        held(client, some_rows(300)),
    ):
        assert client.service.create().status_code == 202
        refused = client.upload(some_rows(1))
        assert (refused.status_code, refused.json()["error"]) == (503, "service_unavailable")
        assert "retry-after" in refused.headers
        assert client.service.metric('intake_turned_away_total{reason="uploads"}') == 1
    wait_until(lambda: client.service.metric("intake_uploads") == 0, what="the shim has noticed")
    assert client.upload(some_rows(1)).status_code == 202


def test_a_call_that_follows_gets_503_where_there_is_no_room_for_it(alone: Callable[..., BatchClient]) -> None:
    client = alone(INTAKE_MAX_WAITING="0")
    batch_id = client.accepted(some_rows(1))

    assert client.service.get(f"{BATCH}.rows", client.bearer, id=batch_id, follow="true").status_code == 503
    assert client.result(batch_id, wait=20).status_code == 202
