"""No head and no chunk takes h11 a time that grows with the square of its length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import h11
import pytest
from h11 import _readers

from startup.linear_h11 import make_h11_linear

if TYPE_CHECKING:
    from collections.abc import Iterator

OK: Final = b"HTTP/1.1 200 OK\r\n"
CHUNKED: Final = OK + b"transfer-encoding: chunked\r\n\r\n"


@pytest.fixture(autouse=True)
def linear(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the patterns into h11 for one test."""
    for name in ("header_field_re", "chunk_header_re"):
        monkeypatch.setattr(_readers, name, getattr(_readers, name))
    make_h11_linear()
    yield
    monkeypatch.undo()


def read(data: bytes) -> list[object]:
    """The events that h11 makes of this answer."""
    connection = h11.Connection(h11.CLIENT, 100 * 1024)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "a")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    events: list[object] = []
    while not events or (events[-1] is not h11.NEED_DATA and not isinstance(events[-1], h11.EndOfMessage)):
        events.append(connection.next_event())
    return events


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "data",
    [
        OK + b"a:" + b" " * 90_000 + b"\x00\r\n\r\n",
        OK + b"a: b" + b" " * 90_000 + b"\x00\r\n\r\n",
        OK + b"a: " + b"b " * 45_000 + b"\x00\r\n\r\n",
        OK + b"a: " + b"b" * 90_000 + b"\x00\r\n\r\n",
        CHUNKED + b"5;" + b" " * 90_000 + b"\n\r\n",
        CHUNKED + b"5" + b" " * 90_000 + b"\n\r\n",
    ],
    ids=[
        "spaces before a value",
        "spaces after it",
        "spaces in it",
        "a value",
        "spaces in an extension",
        "after a size",
    ],
)
def test_a_hostile_answer_is_refused_in_one_pass(data: bytes) -> None:
    """The first of them took h11's own pattern minutes."""
    for _ in range(50):
        with pytest.raises(h11.RemoteProtocolError):
            read(data)


def test_a_well_formed_answer_is_read_as_h11_reads_it() -> None:
    answer, *body, end = read(
        OK + b"a:\t b c\t \r\ntransfer-encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n1 \r\n!\r\n0\r\nc: d\r\n\r\n"
    )
    assert isinstance(answer, h11.Response)
    assert next(iter(answer.headers)) == (b"a", b"b c")
    assert [bytes(each.data) for each in body if isinstance(each, h11.Data)] == [b"{}", b"!"]
    assert isinstance(end, h11.EndOfMessage)
