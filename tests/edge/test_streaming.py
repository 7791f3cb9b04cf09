"""Bodies and answers of any length pass through the edge piece by piece."""

from __future__ import annotations

from typing import Final

import pytest

from tests.edge.streaming_app import MIB, MOST_BYTES
from tests.edge.streaming_server import Server, get, post, read_answer, send_some
from tests.support.waiting import wait_until

MOST_GROWTH_MIB: Final = 16
"""How much memory may grow: far less than the tests send, and more than buffers and the allocator take."""

SIZES: Final = [
    pytest.param(64 * MIB, id="64 MiB"),
    pytest.param(512 * MIB, id="512 MiB", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("size", SIZES)
def test_a_long_body_takes_no_memory_though_the_application_is_slow(server: Server, size: int) -> None:
    with server.connection(post(MIB)) as connection:
        send_some(connection, MIB)
        read_answer(connection)
    before = server.memory_mib

    with server.connection(post(size, "held")) as connection:
        send_some(connection, size, pause=server.open)
        status, _, length = read_answer(connection)

    assert (status, int(length)) == (200, size)
    assert server.memory_mib - before < MOST_GROWTH_MIB


@pytest.mark.parametrize("size", SIZES)
def test_a_long_answer_takes_no_memory_though_its_client_reads_slowly(server: Server, size: int) -> None:
    with server.connection(get(MIB)) as connection:
        read_answer(connection)
    server.reset()
    before = server.memory_mib

    with server.connection(get(size)) as connection:
        made = [-2, -1]

        def it_waits_for_the_client() -> bool:
            made.append(server.counts("made"))
            return made[-1] == made[-2]

        wait_until(it_waits_for_the_client, what="no more is made than the client has room for")
        assert made[-1] < size / 2
        status, length, _ = read_answer(connection)

    assert (status, length) == (200, size)
    assert server.memory_mib - before < MOST_GROWTH_MIB
    line = server.line("/down")
    assert (line["status"], line["bytes"]) == (200, size)


def test_a_body_in_chunks_is_taken_as_it_comes(server: Server) -> None:
    head = b"POST /up HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    with server.connection(head) as connection:
        connection.sendall(b"5\r\nabcde\r\n")
        wait_until(lambda: server.counts("taken") == 5, what="the first piece is there before the second was sent")
        connection.sendall(b"3\r\nfgh\r\n0\r\n\r\n")
        assert read_answer(connection)[2] == b"8"


def test_a_client_that_waits_for_consent_is_asked_for_its_body(server: Server) -> None:
    with server.connection(post(3, "", "expect: 100-continue")) as connection:
        assert connection.recv(1024).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"abc")
        assert read_answer(connection)[2] == b"3"


@pytest.mark.parametrize("length", [MOST_BYTES + 1, 10**19])
def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(server: Server, length: int) -> None:
    with server.connection(post(length)) as connection:
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 413 ")
    assert server.counts("taken") == 0


def test_the_answer_to_head_is_its_head(server: Server) -> None:
    with server.connection(get(MOST_BYTES, method="HEAD") + get(3)) as connection:
        head = connection.recv(1 << 16)
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"x-request-id" in head
        wait_until(lambda: server.counts("made") == MIB // 16, what="the next one is answered")
