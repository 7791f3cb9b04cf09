"""Uploads whose clients have sent a part of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.contract.batch_client import BATCH, NDJSON, BatchClient, a_row, lines
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator


def some_rows(count: int) -> bytes:
    """The body of an upload of so many rows."""
    return lines(*(a_row() for _ in range(count)))


def upload_head(client: BatchClient, *more: str) -> bytes:
    """The head of an upload, with more headers."""
    token = client.bearer["authorization"]
    head = (f"POST {BATCH} HTTP/1.1", "host: x", f"authorization: {token}", f"content-type: {NDJSON}", *more)
    return "".join(f"{line}\r\n" for line in head).encode() + b"\r\n"


def in_chunks(body: bytes) -> bytes:
    """One chunk of a body whose length is not announced."""
    return b"%x\r\n%b\r\n" % (len(body), body)


@contextmanager
def held(client: BatchClient, body: bytes) -> Iterator[socket.socket]:
    """An upload whose client has sent this body, and may send more."""
    chunks = client.service.metric("intake_queue_chunks")
    with client.service.connection() as connection:
        connection.sendall(upload_head(client, "transfer-encoding: chunked") + in_chunks(body))
        if body.count(b"\n") >= 256:
            wait_until(lambda: client.service.metric("intake_queue_chunks") > chunks, what="a chunk is accepted")
        else:
            wait_until(lambda: client.service.metric("intake_uploads") == 1, what="the upload has begun")
        yield connection


def only_batch(client: BatchClient) -> dict[str, Any]:
    """The one batch that this caller has."""
    (batch,) = client.list()
    return batch
