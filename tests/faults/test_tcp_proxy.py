"""The proxy of the fault tests does to connections what its methods say."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.harness.tcp_proxy import TcpProxy, Way
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS: Final = 10
_SHORT_SECONDS: Final = 0.2


class Echo:
    """A server that answers with its name and the bytes that it got. It remembers its connections."""

    def __init__(self, name: bytes) -> None:
        self._name = name
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.heard = b""
        self.ends: list[str] = []
        self._accepted: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._accepted:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_SECONDS)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                one, _ = self._listener.accept()
                self._accepted.append(one)
                self._threads.append(threading.Thread(target=self._answer, args=(one,), daemon=True))
                self._threads[-1].start()

    def _answer(self, one: socket.socket) -> None:
        with one:
            try:
                while data := one.recv(65536):
                    self.heard += data
                    one.sendall(self._name + data)
            except OSError as error:
                self.ends.append(type(error).__name__)
            else:
                self.ends.append("end of file")


@contextlib.contextmanager
def _echo(name: bytes = b"") -> Iterator[Echo]:
    echo = Echo(name)
    try:
        yield echo
    finally:
        echo.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    with _echo() as running:
        yield running


@pytest.fixture
def proxy(echo: Echo) -> Iterator[TcpProxy]:
    with TcpProxy(echo.port) as running:
        yield running


@contextlib.contextmanager
def _client(proxy: TcpProxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), _SECONDS) as client:
        yield client


def _read(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := client.recv(count - len(data))):
        data += more
    return data


def _ask(client: socket.socket, request: bytes) -> bytes:
    client.sendall(request)
    return _read(client, len(request))


def _read_until_reset(client: socket.socket) -> bytes | None:
    """The bytes that came before the reset. None where an end of file came instead."""
    data = b""
    try:
        while more := client.recv(65536):
            data += more
    except ConnectionResetError:
        return data
    return None


def _hears_nothing(client: socket.socket) -> bool:
    client.settimeout(_SHORT_SECONDS)
    try:
        return client.recv(1) is None
    except TimeoutError:
        return True
    finally:
        client.settimeout(_SECONDS)


def test_it_forwards_all_bytes_in_both_ways_however_many_they_are(proxy: TcpProxy) -> None:
    request = bytes(range(256)) * 8192
    with _client(proxy) as client:
        answers: list[bytes] = []
        reader = threading.Thread(target=lambda: answers.append(_read(client, len(request))))
        reader.start()
        client.sendall(request)
        reader.join(_SECONDS)
        assert answers == [request]


def test_an_end_of_file_is_passed_on_after_the_bytes_before_it(echo: Echo, proxy: TcpProxy) -> None:
    with _client(proxy) as client:
        client.sendall(b"last words")
        client.shutdown(socket.SHUT_WR)
        assert _read(client, 100) == b"last words"
    wait_until(lambda: echo.ends == ["end of file"], what="the server sees the end")
    wait_until(lambda: proxy.links == 0, what="the link has ended")


def test_where_the_server_is_not_there_the_client_gets_a_reset(echo: Echo, proxy: TcpProxy) -> None:
    echo.close()
    with pytest.raises(ConnectionResetError), _client(proxy) as client:
        client.recv(1)


@pytest.mark.parametrize("busy", [False, True])
def test_a_reset_is_sent_to_both_sides_of_every_connection(echo: Echo, proxy: TcpProxy, busy: bool) -> None:
    with _client(proxy) as one, _client(proxy) as other:
        for client in (one, other):
            assert _ask(client, b"hello") == b"hello"
            if busy:
                client.sendall(b"x" * 200_000)
        assert proxy.reset() == 2
        for client in (one, other):
            assert _read_until_reset(client) is not None
    wait_until(lambda: len(echo.ends) == 2, what="the server sees the resets")
    assert set(echo.ends) <= {"ConnectionResetError", "BrokenPipeError"}
    with _client(proxy) as client:
        assert _ask(client, b"again") == b"again"


@pytest.mark.parametrize(
    ("way", "heard", "told"), [(Way.REQUESTS, b"01234", b""), (Way.REPLIES, b"0123456789", b"01234")]
)
def test_a_reset_can_come_within_a_request_or_a_reply(
    echo: Echo, proxy: TcpProxy, way: Way, heard: bytes, told: bytes
) -> None:
    with _client(proxy) as bystander, _client(proxy) as client:
        proxy.reset_after(way, 5)
        assert _ask(bystander, b"short") == b"short"
        echo.heard = b""
        assert proxy.reset_awaited
        client.sendall(b"0123456789")
        assert _read_until_reset(client) == told
        wait_until(lambda: echo.heard == heard, what="what came before the reset is heard")
        wait_until(lambda: not proxy.reset_awaited, what="the reset is over")
        assert _ask(bystander, b"unharmed") == b"unharmed"


def test_a_whole_reply_can_be_lost_after_its_request_arrived(echo: Echo, proxy: TcpProxy) -> None:
    with _client(proxy) as client:
        proxy.reset_after(Way.REPLIES, 0)
        client.sendall(b"carried out")
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    wait_until(lambda: echo.heard == b"carried out", what="the server hears it")


@pytest.mark.parametrize("way", list(Way))
def test_one_way_can_be_silent_while_the_other_works(echo: Echo, proxy: TcpProxy, way: Way) -> None:
    with _client(proxy) as client:
        assert _ask(client, b"hello") == b"hello"
        proxy.silent = frozenset({way})
        client.sendall(b"swallowed")
        assert _hears_nothing(client)
        heard = b"hello" if way is Way.REQUESTS else b"helloswallowed"
        wait_until(lambda: echo.heard == heard, what="the server hears what the requests' way lets through")
        proxy.silent = frozenset()
        client.sendall(b"a gap is before this")
        assert _hears_nothing(client)
        with _client(proxy) as fresh:
            assert _ask(fresh, b"fresh") == b"fresh"


def test_connections_that_were_open_in_a_black_hole_stay_dead_for_ever(echo: Echo, proxy: TcpProxy) -> None:
    with _client(proxy) as old:
        assert _ask(old, b"hello") == b"hello"
        proxy.black_hole = True
        with _client(proxy) as young:
            wait_until(lambda: proxy.links == 2, what="the second is accepted")
            proxy.black_hole = False
            for client in (old, young):
                client.sendall(b"lost")
                assert _hears_nothing(client)
            with _client(proxy) as fresh:
                assert _ask(fresh, b"fresh") == b"fresh"
    wait_until(lambda: echo.heard == b"hellofresh", what="the server hears the fresh one alone")
    assert echo.ends in ([], ["end of file"]), "nobody told the server of the old connection's end"


@pytest.mark.parametrize("notices", ["server", "client"])
def test_only_one_side_believes_in_a_half_open_connection(echo: Echo, proxy: TcpProxy, notices: str) -> None:
    with _client(proxy) as client:
        assert _ask(client, b"hello") == b"hello"
        proxy.forget(server_notices=notices == "server", client_notices=notices == "client")
        if notices == "server":
            wait_until(lambda: echo.ends == ["end of file"], what="the server sees the end")
            client.sendall(b"into the void")
            assert _hears_nothing(client)
        else:
            assert client.recv(1) == b""
            assert echo.ends == []


def test_new_connections_go_to_the_new_target_and_old_ones_stay(proxy: TcpProxy) -> None:
    with _echo(b"B:") as successor, _client(proxy) as old:
        assert _ask(old, b"one") == b"one"
        proxy.retarget(successor.port)
        with _client(proxy) as young:
            young.sendall(b"two")
            assert _read(young, 5) == b"B:two"
        assert _ask(old, b"three") == b"three"


def test_it_can_refuse_new_connections_and_keep_old_ones(proxy: TcpProxy) -> None:
    with _client(proxy) as old:
        assert _ask(old, b"one") == b"one"
        proxy.refusing = True
        with pytest.raises(ConnectionResetError), _client(proxy) as young:
            young.recv(1)
        assert _ask(old, b"two") == b"two"


def test_a_stall_holds_everything_back_and_loses_nothing(echo: Echo, proxy: TcpProxy) -> None:
    with _client(proxy) as old:
        assert _ask(old, b"one") == b"one"
        proxy.stalled = True
        with _client(proxy) as young:
            for client in (old, young):
                client.sendall(b"two")
                assert _hears_nothing(client)
            assert echo.heard == b"one"
            proxy.stalled = False
            for client in (old, young):
                assert _read(client, 3) == b"two"


def test_a_delay_holds_each_byte_back_in_its_order(proxy: TcpProxy) -> None:
    with _client(proxy) as client:
        proxy.delay_seconds = 2 * _SHORT_SECONDS
        for number in range(100):
            client.sendall(b"%02d" % number)
        assert _hears_nothing(client)
        proxy.delay_seconds = 0
        assert _read(client, 200) == b"".join(b"%02d" % number for number in range(100))


def test_a_bounded_throughput_lets_through_a_little_at_a_time(echo: Echo, proxy: TcpProxy) -> None:
    with _client(proxy) as client:
        proxy.bytes_per_second = 20_000
        client.sendall(b"x" * 10_000)
        wait_until(lambda: len(echo.heard) > 0, what="the first bytes arrive")
        assert len(echo.heard) < 10_000
        assert _read(client, 10_000) == b"x" * 10_000
