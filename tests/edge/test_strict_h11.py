"""How h11 reads with the patterns of `edge.server.strict_h11` in place of its own."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Final

import h11
import pytest
from h11 import _readers
from h11._receivebuffer import ReceiveBuffer

from edge.server import strict_h11
from edge.server.strict_h11 import make_h11_strict

if TYPE_CHECKING:
    from collections.abc import Iterator

MAXIMUM: Final = 16 * 1024
GET: Final = b"GET / HTTP/1.1\r\nhost: x\r\n"
CHUNKED: Final = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.fixture(autouse=True)
def strict(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the strict patterns into h11 for one test."""
    for owner, name in (
        (_readers, "header_field_re"),
        (_readers, "chunk_header_re"),
        (_readers, "obs_fold_re"),
        (ReceiveBuffer, "maybe_extract_lines"),
        (strict_h11, "_most_bytes"),
    ):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    make_h11_strict(maximum_head_bytes=MAXIMUM)
    yield
    monkeypatch.undo()


def read(data: bytes) -> list[object]:
    """The events that h11 makes of these bytes."""
    connection = h11.Connection(h11.SERVER, MAXIMUM)
    connection.receive_data(data)
    events: list[object] = []
    while not events or events[-1] not in (h11.NEED_DATA, h11.PAUSED):
        events.append(connection.next_event())
    return events


def test_h11_reads_by_these_patterns() -> None:
    """This release of h11 looks the patterns up in these places. Another release may not."""
    assert version("h11").startswith("0.16.")
    with pytest.raises(h11.RemoteProtocolError, match="illegal header line"):
        read(GET + b"a: \x00\r\n\r\n")
    with pytest.raises(h11.RemoteProtocolError, match="illegal chunk header"):
        read(CHUNKED + b"5 \r\n")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "data",
    [
        GET + b"a:" + b" " * 15_000 + b"\x00\r\n\r\n",
        GET + b"a: b" + b" " * 15_000 + b"\x00\r\n\r\n",
        GET + b"a: " + b"b " * 7_500 + b"\x00\r\n\r\n",
        CHUNKED + b"5;" + b" " * 250_000 + b"\n\r\n",
        CHUNKED + b"5" + b" " * 250_000 + b"\n\r\n",
    ],
    ids=["spaces before a value", "spaces after it", "spaces in it", "spaces in an extension", "spaces after a size"],
)
def test_a_head_that_took_time_by_the_square_of_its_length_is_refused_in_one_pass(data: bytes) -> None:
    """Each of these heads repeats a sign thousands of times. h11's own patterns took from 0.4 s to minutes for each."""
    for _ in range(100):
        with pytest.raises(h11.RemoteProtocolError):
            read(data)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\na: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\n\n",
        b"GET / HTTP/1.1\r\nhost: x\n\n",
        b"\nGET / HTTP/1.1\r\nhost: x\r\n\r\n",
        GET + b"a: b\rc: d\r\n\r\n",
        GET + b"a: b\r\r\n\r\n",
        GET + b"a: b\r\n folded\r\n\r\n",
        GET + b"a: b\r\n\tfolded\r\n\r\n",
        GET + b"a : b\r\n\r\n",
        CHUNKED + b"2\n{}\r\n0\r\n\r\n",
        CHUNKED + b"2\r\n{}\n0\r\n\r\n",
        CHUNKED + b"2;a\nb\r\n{}\r\n0\r\n\r\n",
        CHUNKED + b"2;a\rb\r\n{}\r\n0\r\n\r\n",
        CHUNKED + b"2 ;a\r\n{}\r\n0\r\n\r\n",
        CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n",
        CHUNKED + b"+2\r\n{}\r\n0\r\n\r\n",
        CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n",
        CHUNKED + b"\r\n{}\r\n0\r\n\r\n",
        CHUNKED + b"fffffffffffffffff2\r\n{}\r\n0\r\n\r\n",
        CHUNKED + b"2\r\n{}}\r\n0\r\n\r\n",
        CHUNKED + b"2\r\n{}\r\n0\r\n\n",
        CHUNKED + b"2\r\n{}\r\n0\r\na: b\n\r\n",
        CHUNKED + b"2\r\n{}\r\n0\r\na: " + b"x" * MAXIMUM + b"\r\n\r\n",
        GET + b"a: " + b"x" * MAXIMUM + b"\r\n\r\n",
    ],
    ids=lambda data: repr(data[-40:]),
)
def test_a_head_that_another_server_may_read_differently_is_refused(data: bytes) -> None:
    with pytest.raises(h11.RemoteProtocolError):
        read(data)


def test_a_well_formed_head_is_read_as_h11_reads_it() -> None:
    head = GET + b"a:\t b c\t \r\nb:\r\nc: " + b"x" * (MAXIMUM - 200) + b"\r\n\r\n"

    request = read(head)[0]

    assert isinstance(request, h11.Request)
    assert list(request.headers)[:3] == [(b"host", b"x"), (b"a", b"b c"), (b"b", b"")]
    _, *body, end, _ = read(CHUNKED + b"2;a=b\r\n{}\r\n1\r\n\n\r\n0\r\nc: d\r\n\r\n")
    assert [bytes(each.data) for each in body if isinstance(each, h11.Data)] == [b"{}", b"\n"]
    assert isinstance(end, h11.EndOfMessage)
