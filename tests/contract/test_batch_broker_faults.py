"""Uploads and rows while connections are reset, replies are lost, or Redis is away. No row is lost or made twice."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

import pytest

from schemas.protocol.lanes import CHUNKS
from tests.contract.batch_client import BatchClient, a_row, lines
from tests.contract.service import an_email
from tests.faults.harness.tcp_proxy import TcpProxy, Way
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Environment, Servers, Starter
    from tests.contract.conftest import Serve


@pytest.fixture
def proxy(stack: Servers) -> Iterator[TcpProxy]:
    """A proxy between the shim and the Redis of the tests."""
    with TcpProxy(stack.redis.port) as proxy:
        yield proxy


@pytest.fixture
def behind_proxy(isolated_env: Environment, proxy: TcpProxy, start_shim: Starter, serve: Serve) -> BatchClient:
    """A caller of a shim whose every connection to Redis goes through the proxy."""
    url = re.sub(r":\d+/", f":{proxy.port}/", isolated_env["INTAKE_REDIS_URL"])
    settings = {"INTAKE_REDIS_URL": url, "INTAKE_BATCH_WAIT_SECONDS": "5", "INTAKE_REDIS_TIMEOUT_SECONDS": "0.5"}
    return BatchClient(serve(start_shim({**isolated_env, **settings})), sub=an_email())


def test_an_upload_goes_on_through_resets_and_every_row_is_accepted_once(
    isolated_env: Environment, behind_proxy: BatchClient, proxy: TcpProxy, start_worker: Starter
) -> None:
    start_worker(isolated_env)
    rows = [a_row() for _ in range(5000)]

    def in_pieces() -> Iterator[bytes]:
        for number, several in enumerate(_several(rows)):
            if number % 7 == 3:
                proxy.reset()
            yield lines(*several)

    summary = behind_proxy.done(in_pieces())

    assert (summary["rows"], summary["outcomes"]) == (5000, {"created": 5000})
    told = behind_proxy.rows_of(summary["id"], limit="5000")
    assert [row["row"] for row in told] == list(range(1, 5001))


def _several(rows: list[bytes]) -> Iterator[list[bytes]]:
    for at in range(0, len(rows), 100):
        yield rows[at : at + 100]


def test_a_chunk_whose_reply_was_lost_is_accepted_once(behind_proxy: BatchClient, proxy: TcpProxy) -> None:
    def in_pieces() -> Iterator[bytes]:
        yield lines(*(a_row() for _ in range(100)))
        wait_until(behind_proxy.list, what="the batch has begun")
        # The next reply of Redis says that it has accepted a chunk.
        proxy.reset_after(Way.REPLIES, 0)
        yield lines(*(a_row() for _ in range(156)))
        wait_until(lambda: not proxy.reset_awaited, what="the reply is lost")
        yield lines(*(a_row() for _ in range(10)))

    batch_id = behind_proxy.accepted(in_pieces())

    assert behind_proxy.result(batch_id, wait=0).json()["batch"]["rows"] == 266
    with behind_proxy.service.redis() as redis:
        assert redis.llen(CHUNKS.queue) == 2
        assert redis.get("intake:rows:open") == b"266"


def test_an_upload_waits_for_a_redis_that_is_away_for_a_moment(behind_proxy: BatchClient, proxy: TcpProxy) -> None:
    def in_pieces() -> Iterator[bytes]:
        yield lines(*(a_row() for _ in range(100)))
        wait_until(behind_proxy.list, what="the batch has begun")
        proxy.refusing = True
        proxy.reset()
        threading.Timer(2, lambda: setattr(proxy, "refusing", False)).start()
        yield lines(*(a_row() for _ in range(400)))

    batch_id = behind_proxy.accepted(in_pieces())

    assert behind_proxy.result(batch_id, wait=0).json()["batch"]["rows"] == 500


def test_an_upload_is_told_how_many_rows_are_accepted_when_redis_stays_away(
    behind_proxy: BatchClient, proxy: TcpProxy
) -> None:
    rows = [a_row() for _ in range(600)]

    def in_pieces() -> Iterator[bytes]:
        yield lines(*rows[:300])
        wait_until(
            lambda: behind_proxy.list()[0]["rows"] == 256 if behind_proxy.list() else False, what="a chunk is in"
        )
        proxy.refusing = True
        proxy.reset()
        yield lines(*rows[300:])

    response = behind_proxy.upload(in_pieces(), name="one")

    assert (response.status_code, response.json()["error"]) == (503, "service_unavailable")
    assert response.json()["batch"] | {"id": ""} == {"id": "", "name": "one", "status": "RUNNING", "rows": 256}
    assert int(response.headers["retry-after"]) >= 1
    proxy.refusing = False
    batch_id = response.json()["batch"]["id"]
    wait_until(lambda: behind_proxy.result(batch_id, wait=0).status_code == 202, what="Redis is back")
    again = behind_proxy.upload(lines(*rows), name="one").json()["batch"]
    assert again["rows"] == 600
    with behind_proxy.service.redis() as redis:
        assert redis.get("intake:rows:open") == b"600"


@pytest.mark.slow
def test_rows_are_followed_through_resets(
    isolated_env: Environment, behind_proxy: BatchClient, proxy: TcpProxy, start_worker: Starter
) -> None:
    batch_id = behind_proxy.accepted(lines(*(a_row() for _ in range(3000))))
    start_worker(isolated_env)
    done = threading.Event()

    def disturb() -> None:
        while not done.wait(0.2):
            proxy.reset()

    disturbing = threading.Thread(target=disturb)
    disturbing.start()
    try:
        told = behind_proxy.rows_of(batch_id, follow="true")
    finally:
        done.set()
        disturbing.join()

    assert [row["row"] for row in told] == list(range(1, 3001))
