"""The connections of one endpoint: kept, bounded, and made to the address that answers."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from notifier.sending.answers import Answer, Fault
from tests.notifier.samples import sender
from tests.notifier.sending.tries import BODY, sent
from tests.support.receiver import Exchange, a_receiver, taken


def test_a_connection_is_kept_for_the_next_event() -> None:
    with a_receiver() as receiver:
        assert all(each.is_delivered for each in sent(receiver, times=3))
    assert len({request.client_port for request in receiver.received}) == 1


def test_after_a_failure_in_the_middle_of_an_answer_the_connection_is_not_used_again() -> None:
    with a_receiver(
        lambda exchange: exchange.hang(raw=b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")
    ) as receiver:

        async def run() -> list[Answer]:
            async with sender(f"http://127.0.0.1:{receiver.port}/", timeout_seconds=0.5) as sending:
                first = await sending.send("evt_1", BODY)
                receiver.behave = taken
                return [first, await sending.send("evt_1", BODY)]

        first, second = asyncio.run(run())
    assert (first.fault, second.outcome) == (Fault.TIMEOUT, "204")
    assert len({request.client_port for request in receiver.received}) == 2


def test_no_more_connections_are_made_than_allowed() -> None:
    def slow(exchange: Exchange) -> None:
        exchange.receiver.ended.wait(0.02)
        taken(exchange)

    with a_receiver(slow) as receiver:

        async def run() -> list[Answer]:
            async with sender(f"http://127.0.0.1:{receiver.port}/", connections=2) as sending:
                return await asyncio.gather(*[sending.send(f"evt_{number}", BODY) for number in range(20)])

        answers = asyncio.run(run())
    assert all(answer.is_delivered for answer in answers)
    assert receiver.most_at_once == 2


def test_tries_that_run_out_of_time_leave_no_connection_in_use() -> None:
    """More tries than connections hang; later ones are served all the same."""
    with a_receiver(lambda exchange: exchange.hang()) as receiver:

        async def run() -> list[Answer]:
            async with sender(f"http://127.0.0.1:{receiver.port}/", connections=2, timeout_seconds=0.4) as sending:
                await asyncio.gather(*[sending.send(f"evt_{number}", BODY) for number in range(10)])
                receiver.behave = taken
                return await asyncio.gather(*[sending.send(f"evt_{number}", BODY) for number in range(10)])

        answers = asyncio.run(run())
    assert [answer.outcome for answer in answers] == ["204"] * 10


def test_where_nobody_listens_there_is_no_connection() -> None:
    with socket.socket() as taken_port:
        taken_port.bind(("127.0.0.1", 0))

        async def run() -> Answer:
            async with sender(f"http://127.0.0.1:{taken_port.getsockname()[1]}/") as sending:
                return await sending.send("evt_1", BODY)

        assert asyncio.run(run()).fault is Fault.NOT_CONNECTED


def test_a_name_without_address_is_a_failure() -> None:
    def nowhere(_host: str, _port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with a_receiver() as receiver:
        (answer,) = sent(receiver, look_up=nowhere)
        (silent,) = sent(receiver, look_up=lambda _host, _port: [])
    assert answer.fault is silent.fault is Fault.UNKNOWN_NAME


def test_what_nobody_thought_of_is_a_failure_of_this_try_alone() -> None:
    def broken(_host: str, _port: int) -> list[str]:
        raise RuntimeError

    with a_receiver() as receiver:
        (answer,) = sent(receiver, look_up=broken)
    assert answer.fault is Fault.UNFORESEEN


def test_a_look_up_that_hangs_is_out_of_time() -> None:
    with a_receiver() as receiver:

        def silent(_host: str, _port: int) -> list[str]:
            receiver.ended.wait(10)
            return []

        async def run() -> Answer:
            async with sender(f"http://hooks.example:{receiver.port}/", look_up=silent, timeout_seconds=0.3) as sending:
                answer = await sending.send("evt_1", BODY)
                receiver.ended.set()
                return answer

        assert asyncio.run(run()).fault is Fault.TIMEOUT


def test_an_address_from_which_nothing_comes_back_leaves_time_for_the_next_one() -> None:
    """A listener whose queue is full drops what comes, as a firewall does."""
    with socket.socket() as silent, a_receiver(host="127.0.0.1") as receiver, contextlib.ExitStack() as stack:
        silent.bind(("127.0.0.2", receiver.port))
        silent.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.2", receiver.port))
        addresses = ["127.0.0.2", "127.0.0.1"]
        (answer,) = sent(receiver, host="hooks.example", timeout_seconds=2, look_up=lambda _host, _port: addresses)
    assert answer.is_delivered


def test_the_first_address_at_which_somebody_answers_is_taken() -> None:
    with a_receiver() as receiver:
        (answer,) = sent(receiver, host="hooks.example", look_up=lambda _host, _port: ["127.9.9.9", "127.0.0.1"])
    assert answer.is_delivered
    assert receiver.received[0].headers["host"] == f"hooks.example:{receiver.port}"
