"""One try against receivers that hang, break off, flood or lie."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import threading
from typing import TYPE_CHECKING, Final

import pytest

from notifier.sending.answers import Answer, Fault
from tests.notifier.samples import sender
from tests.notifier.sending.tries import BODY, answer_to, sent
from tests.support.receiver import Exchange, a_receiver

if TYPE_CHECKING:
    from collections.abc import Callable


HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"
CHUNKED: Final = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(lambda exchange: exchange.hang(), id="no answer"),
        pytest.param(lambda exchange: exchange.hang(raw=b"HTTP/1.1 2"), id="half a head"),
        pytest.param(lambda exchange: exchange.hang(raw=HEAD + b"half"), id="half a body"),
        pytest.param(lambda exchange: exchange.drip(b"HTTP/1.1 100 Continue\r\n\r\n", every_seconds=0.01), id="drip"),
        pytest.param(
            lambda exchange: (exchange.write(HEAD[:-2]), exchange.drip(b"a: b\r\n", every_seconds=0.05)),
            id="endless head",
        ),
    ],
)
def test_an_answer_that_is_not_whole_in_time_is_a_failure(behave: Callable[[Exchange], None]) -> None:
    assert answer_to(behave, timeout_seconds=0.5).fault is Fault.TIMEOUT


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(lambda exchange: exchange.write(b""), id="closed"),
        pytest.param(lambda exchange: exchange.write(b"HTTP/1.1 20"), id="half a head"),
        pytest.param(lambda exchange: exchange.write(HEAD + b"half"), id="half a body"),
        pytest.param(lambda exchange: exchange.write(b"SSH-2.0-OpenSSH_9.6\r\n"), id="no HTTP"),
        pytest.param(lambda exchange: exchange.write(b"HTTP/1.1 200 OK\r\n" + b"a" * 200_000), id="huge head"),
        pytest.param(lambda exchange: exchange.reset(), id="reset"),
        pytest.param(lambda exchange: exchange.reset(raw=HEAD + b"half"), id="reset in the body"),
    ],
)
def test_an_answer_that_breaks_off_is_a_failure(behave: Callable[[Exchange], None]) -> None:
    assert answer_to(behave).fault is Fault.BROKEN_ANSWER


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\nok", id="body of a 204"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok\r\n", id="line behind the body"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nok", id="longer than it says"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n" * 2, id="two answers"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nok", id="until the connection ends"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\nok", id="HTTP/1.0"),
        pytest.param(CHUNKED + b"1\r\no\r\n0\r\n\r\n!", id="behind the chunks"),
    ],
)
def test_what_comes_behind_an_answer_is_never_taken_for_the_next_one(raw: bytes) -> None:
    def behave(exchange: Exchange) -> None:
        exchange.handler.wfile.write(raw)
        exchange.handler.close_connection = b"ok" in raw[-2:]

    with a_receiver(behave) as receiver:
        answers = sent(receiver, times=3)
    assert [answer.is_delivered for answer in answers] == [True] * 3
    assert len(receiver.received) == receiver.connections == 3


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, id="interim answers"),
        pytest.param(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 100, id="hints"),
        pytest.param(b"a" * 4096, id="no line"),
        pytest.param(b"a: b\r\n" * 1000, id="heads"),
    ],
)
def test_a_flood_of_heads_is_cut_off_long_before_the_time_is_over(piece: bytes) -> None:
    def flood(exchange: Exchange) -> None:
        exchange.handler.close_connection = True
        with contextlib.suppress(OSError):
            if piece.startswith(b"a: "):
                exchange.handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while not exchange.receiver.ended.is_set():
                exchange.handler.wfile.write(piece)

    assert answer_to(flood, timeout_seconds=60).fault is Fault.BROKEN_ANSWER


def test_a_chunked_answer_without_end_is_read_no_further_than_the_bound() -> None:
    def endless(exchange: Exchange) -> None:
        exchange.handler.close_connection = True
        with contextlib.suppress(OSError):
            exchange.handler.wfile.write(CHUNKED)
            while not exchange.receiver.ended.is_set():
                exchange.handler.wfile.write(b"1\r\nx\r\n" * 1000)

    assert answer_to(endless, timeout_seconds=60).is_delivered


def test_an_answer_that_is_packed_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(8 * 1024 * 1024))
    with a_receiver(lambda exchange: exchange.answer(200, headers={"content-encoding": "gzip"}, body=bomb)) as receiver:
        (answer,) = sent(receiver)
    assert answer.is_delivered
    assert receiver.received[0].headers["accept-encoding"] == "identity"


def test_a_receiver_that_answers_before_it_has_read_the_request_is_believed() -> None:
    """It may refuse by the head alone, and end the connection at once."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def refuse() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()

        async def run() -> Answer:
            async with sender(f"http://127.0.0.1:{listening.getsockname()[1]}/") as sending:
                return await sending.send("evt_1", BODY)

        assert asyncio.run(run()).outcome == "413"
        thread.join(10)


def test_no_more_of_an_answer_is_read_than_the_bound() -> None:
    written = []

    def endless(exchange: Exchange) -> None:
        exchange.handler.close_connection = True
        exchange.handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(OSError):
            while not exchange.receiver.ended.is_set():
                exchange.handler.wfile.write(b"x" * 65536)
                written.append(65536)

    assert answer_to(endless).is_delivered
    # What the sockets' buffers take is not the notifier's affair.
    assert sum(written) < 32 * 1024 * 1024
