"""One try against real receivers: what counts as delivered, and what does not."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks import Webhook

from notifier.sending.answers import Answer, Fault
from tests.notifier.samples import KEY, SECRET, sender
from tests.support.certificates import Authority
from tests.support.receiver import Exchange, Receiver, a_receiver, status, taken

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BODY = json.dumps({"type": "customer.created", "data": {"task": "t", "customer": "c"}}).encode()


def sent(receiver: Receiver, *, host: str = "127.0.0.1", times: int = 1, **options: Any) -> list[Answer]:
    """Send one after the other over one sender."""

    async def run() -> list[Answer]:
        async with sender(f"http://{host}:{receiver.port}/hooks?key=1", **options) as sending:
            return [await sending.send("evt_1", BODY) for _ in range(times)]

    return asyncio.run(run())


def answer_to(behave: Callable[[Exchange], None], **options: Any) -> Answer:
    with a_receiver(behave) as receiver:
        (answer,) = sent(receiver, **options)
    return answer


def test_a_receiver_gets_the_event_signed_so_that_the_standards_package_verifies_it() -> None:
    with a_receiver() as receiver:
        (answer,) = sent(receiver)
    (request,) = receiver.received
    assert answer.is_delivered
    assert (request.path, request.body) == ("/hooks?key=1", BODY)
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == "evt_1"
    assert Webhook(SECRET).verify(request.body, dict(request.headers)) == json.loads(BODY)


def test_while_secrets_are_exchanged_a_receiver_may_know_either() -> None:
    with a_receiver() as receiver:
        sent(receiver, keys=(b"new" * 10, KEY))
    (request,) = receiver.received
    for key in (b"new" * 10, KEY):
        assert Webhook(key).verify(request.body, dict(request.headers))


@pytest.mark.parametrize("code", [200, 201, 202, 204, 299])
def test_2xx_alone_is_success(code: int) -> None:
    answer = answer_to(lambda exchange: exchange.answer(code, body=b"" if code == 204 else b"ok"))
    assert (answer.is_delivered, answer.outcome) == (True, str(code))


@pytest.mark.parametrize("code", [300, 304, 400, 401, 404, 410, 429, 500, 503, 599])
def test_any_other_status_is_a_failure(code: int) -> None:
    answer = answer_to(status(code))
    assert (answer.is_delivered, answer.is_gone, answer.outcome) == (False, code == 410, str(code))


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(code: int) -> None:
    with a_receiver() as elsewhere:
        with a_receiver(status(code, location=f"http://127.0.0.1:{elsewhere.port}/")) as receiver:
            (answer,) = sent(receiver)
        assert answer.outcome == str(code)
        assert elsewhere.connections == 0


@pytest.mark.parametrize(("value", "seconds"), [("120", 120.0), ("0", 0.0), ("soon", None), ("-5", None)])
def test_the_receiver_may_ask_to_wait(value: str, seconds: float | None) -> None:
    answer = answer_to(status(429, retry_after=value))
    assert (answer.outcome, answer.retry_after_seconds) == ("429", seconds)


def test_a_slow_answer_in_time_is_success() -> None:
    def slow(exchange: Exchange) -> None:
        exchange.receiver.ended.wait(0.3)
        exchange.answer(200)

    assert answer_to(slow).is_delivered


HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


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


@pytest.mark.parametrize("name", ["http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"])
def test_no_proxy_of_the_environment_is_used(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_receiver() as proxy, a_receiver() as receiver:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        (answer,) = sent(receiver)
        assert answer.is_delivered
        assert (proxy.connections, receiver.connections) == (0, 1)


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


def test_a_connection_is_kept_for_the_next_event() -> None:
    with a_receiver() as receiver:
        assert all(each.is_delivered for each in sent(receiver, times=3))
    assert len({request.client_port for request in receiver.received}) == 1


def test_after_a_failure_in_the_middle_of_an_answer_the_connection_is_not_used_again() -> None:
    with a_receiver(lambda exchange: exchange.hang(raw=HEAD + b"half")) as receiver:

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


class TestOverTls:
    """Certificates are checked for the host's name, while the connection goes to the address that was judged."""

    @pytest.fixture
    def authority(self, tmp_path: Path) -> Authority:
        return Authority(tmp_path)

    def send(self, receiver: Receiver, host: str, authority: Authority | None) -> Answer:
        async def run() -> Answer:
            trusted = None if authority is None else authority.certificate
            url = f"https://{host}:{receiver.port}/"
            async with sender(url, authority=trusted, look_up=lambda _host, _port: ["127.0.0.1"]) as sending:
                return await sending.send("evt_1", BODY)

        return asyncio.run(run())

    def test_tls_names_the_host_and_its_certificate_is_good_for_the_host(self, authority: Authority) -> None:
        with a_receiver(certificate=authority.issue("hooks", host="hooks.example")) as receiver:
            answer = self.send(receiver, "hooks.example", authority)
        assert answer.is_delivered
        assert receiver.names == ["hooks.example"]

    @pytest.mark.parametrize(
        ("host", "days", "trusted"),
        [
            pytest.param("other.example", (-1, 1), True, id="for another host"),
            pytest.param("localhost", (-1, 1), True, id="for the address alone"),
            pytest.param("hooks.example", (-3, -1), True, id="expired"),
            pytest.param("hooks.example", (-1, 1), False, id="from nobody known"),
        ],
    )
    def test_a_certificate_that_is_not_good_for_the_host_gets_nothing(
        self, authority: Authority, host: str, days: tuple[int, int], trusted: bool
    ) -> None:
        with a_receiver(certificate=authority.issue("hooks", host=host, days=days)) as receiver:
            answer = self.send(receiver, "hooks.example", authority if trusted else None)
        assert answer.fault is Fault.TLS_FAILED
        assert receiver.received == []

    def test_a_port_that_speaks_no_tls_gets_nothing(self, authority: Authority) -> None:
        with a_receiver() as receiver:
            answer = self.send(receiver, "hooks.example", authority)
        assert answer.fault is Fault.TLS_FAILED
        assert receiver.received == []

    def test_an_address_in_the_url_must_be_in_the_certificate(self, authority: Authority) -> None:
        with a_receiver(certificate=authority.issue("local")) as receiver:
            assert self.send(receiver, "127.0.0.1", authority).is_delivered
