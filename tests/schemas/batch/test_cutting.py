"""A body is cut into chunks. Where it is cut depends on its rows alone. The time grows only with its length."""

from __future__ import annotations

import hashlib
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.batch import line_numbers
from schemas.batch.cutting import (
    MAXIMUM_CHUNK_BYTES,
    MAXIMUM_CHUNK_ROWS,
    Chunk,
    Cutter,
    EncodingFaultError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 1000


def cut(*pieces: bytes, longest: int = LONGEST) -> list[Chunk]:
    cutter = Cutter(maximum_row_bytes=longest)
    chunks = [chunk for piece in pieces for chunk in cutter.feed(piece)]
    return [*chunks, *cutter.end()]


def rows_of(chunks: Iterable[Chunk]) -> dict[int, bytes]:
    return {
        line: row for chunk in chunks for line, row in zip(line_numbers.decode(chunk.lines), chunk.rows, strict=True)
    }


def split_at(body: bytes, places: Iterable[int]) -> list[bytes]:
    ends = [*sorted({place % (len(body) + 1) for place in places}), len(body)]
    return [body[start:end] for start, end in zip([0, *ends], ends, strict=False)]


# So many rows that they give several chunks: short, long and blank ones, with a byte order mark and any line end.
LINES = st.lists(
    st.one_of(
        st.sampled_from([b"", b"  ", b"\t\r", b"\r"]),
        st.binary(max_size=30).filter(lambda line: b"\n" not in line),
        st.text(max_size=30).map(lambda line: line.replace("\n", "").encode("utf-8", "replace")),
        st.builds(
            lambda count, end: b"x" * count + end, st.integers(LONGEST - 2, LONGEST + 2), st.sampled_from([b"", b"\r"])
        ),
        st.integers(0, MAXIMUM_CHUNK_ROWS).map(lambda count: b"row\n" * count),
    ),
    max_size=30,
)


def outcome_of(pieces: Iterable[bytes]) -> object:
    cutter = Cutter(maximum_row_bytes=LONGEST)
    chunks: list[Chunk] = []
    try:
        for piece in pieces:
            chunks += cutter.feed(piece)
        chunks += cutter.end()
    except EncodingFaultError as error:
        return [*chunks, error.chunk, error.line, error.message]
    return chunks


@given(lines=LINES, mark=st.booleans(), at=st.lists(st.integers(0, 10_000), max_size=40))
def test_any_split_of_the_stream_gives_the_same_chunks(lines: list[bytes], mark: bool, at: list[int]) -> None:
    body = b"\xef\xbb\xbf" * mark + b"\n".join(lines)
    whole = outcome_of([body])
    assert outcome_of(split_at(body, at)) == whole
    assert outcome_of(body[place : place + 1] for place in range(len(body))) == whole


@given(lines=LINES, at=st.lists(st.integers(0, 10_000), max_size=10))
def test_every_row_is_in_one_chunk_with_its_line_and_chunks_are_as_full_as_they_may_be(
    lines: list[bytes], at: list[int]
) -> None:
    body = b"first\n" + b"\n".join(line.decode("utf-8", "replace").encode() for line in lines)
    kept, too_long = {}, set()
    for number, line in enumerate(body.split(b"\n"), 1):
        if len(line.removesuffix(b"\r")) > LONGEST:
            too_long.add(number)
            kept[number] = hashlib.sha256(line).hexdigest().encode()
        elif line.strip(b" \t\r"):
            kept[number] = line.strip(b" \t\r")
    chunks = cut(*split_at(body, at))
    assert rows_of(chunks) == kept
    assert {line_numbers.decode(chunk.lines)[place] for chunk in chunks for place in chunk.too_long} == too_long
    assert all(len(chunk.rows) == MAXIMUM_CHUNK_ROWS for chunk in chunks[:-1])
    assert [chunk.first_line for chunk in chunks] == [line_numbers.decode(chunk.lines)[0] for chunk in chunks]


@given(sizes=st.lists(st.integers(1, 6), min_size=1, max_size=60))
def test_a_chunk_ends_only_where_the_next_row_would_be_too_much(sizes: list[int]) -> None:
    unit = MAXIMUM_CHUNK_BYTES // 4
    rows = [b"x" * (size * unit) for size in sizes]
    chunks = cut(b"\n".join(rows), longest=8 * unit)
    assert [row for chunk in chunks for row in chunk.rows] == rows
    held = [sum(map(len, chunk.rows)) for chunk in chunks]
    assert all(size <= MAXIMUM_CHUNK_BYTES or len(chunk.rows) == 1 for size, chunk in zip(held, chunks, strict=True))
    assert all(size + len(after.rows[0]) > MAXIMUM_CHUNK_BYTES for size, after in zip(held, chunks[1:], strict=False))


@given(numbers=st.sets(st.integers(1, 500)))
def test_numbers_of_lines_that_are_encoded_and_decoded_are_the_same(numbers: set[int]) -> None:
    if numbers:
        assert line_numbers.decode(line_numbers.encode(sorted(numbers))) == sorted(numbers)


def test_a_row_has_the_number_of_its_line_and_blank_lines_are_no_rows() -> None:
    chunks = cut(b'\xef\xbb\xbf{"a":1}\r\n\n  \t\r\n  {"b":2} \r\n{"c":3}')
    assert rows_of(chunks) == {1: b'{"a":1}', 4: b'{"b":2}', 5: b'{"c":3}'}
    (chunk,) = chunks
    assert (chunk.lines, chunk.first_line, chunk.too_long) == ("1+1,4+2", 1, ())


@pytest.mark.parametrize("body", [b"", b"\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n\n", b"\r\n" * 5])
def test_a_body_without_rows_has_no_chunk(body: bytes) -> None:
    assert cut(body) == []


def test_blank_lines_do_not_move_the_ends_of_chunks() -> None:
    rows = [b"%d" % number for number in range(600)]
    plain = cut(b"\n".join(rows))
    spaced = cut(b"\n\n\r\n".join(rows))
    assert [chunk.rows for chunk in plain] == [chunk.rows for chunk in spaced]
    assert [len(chunk.rows) for chunk in plain] == [256, 256, 88]


def test_a_chunk_ends_before_it_would_have_too_many_bytes_and_a_larger_row_stands_alone() -> None:
    half, larger = b"h" * (MAXIMUM_CHUNK_BYTES // 2), b"l" * (MAXIMUM_CHUNK_BYTES + 1)
    chunks = cut(b"\n".join([half, half, b"s", larger, b"s"]), longest=10**6)
    assert [[len(row) for row in chunk.rows] for chunk in chunks] == [
        [len(half), len(half)],
        [1],
        [len(larger)],
        [1],
    ]


def test_a_million_empty_lines_are_counted_and_make_no_chunk() -> None:
    assert rows_of(cut(b"\n" * 1_000_000, b"row")) == {1_000_001: b"row"}


@pytest.mark.parametrize("end", [b"", b"\nnext"])
def test_a_line_that_is_too_long_is_a_row_of_its_own_and_is_not_kept(end: bytes) -> None:
    pieces = 512
    piece = b"x" * 65_536
    cutter = Cutter(maximum_row_bytes=LONGEST)
    chunks = list(cutter.feed(b"first\n"))
    digest = hashlib.sha256()
    tracemalloc.start()
    for _ in range(pieces):
        chunks += cutter.feed(piece)
        digest.update(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
    chunks += [*cutter.feed(end), *cutter.end()]
    (chunk,) = chunks
    assert chunk.too_long == (1,)
    assert chunk.rows == (b"first", digest.hexdigest().encode(), *([b"next"] if end else []))


def test_a_line_of_the_longest_length_is_a_row_and_one_byte_more_is_too_long() -> None:
    (chunk,) = cut(b"\n".join([b"x" * LONGEST, b"x" * (LONGEST + 1)]))
    assert (len(chunk.rows[0]), chunk.too_long) == (LONGEST, (1,))


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("more", [0, 1, 2])
def test_how_long_a_row_may_be_does_not_depend_on_its_line_end(line_end: bytes, more: int) -> None:
    body = b"x" * (LONGEST + more) + line_end + b"next"
    for pieces in ([body], split_at(body, range(len(body)))):
        (chunk,) = cut(*pieces)
        assert chunk.too_long == ((0,) if more else ())
        assert len(chunk.rows) == 2


def test_a_carriage_return_alone_ends_no_line() -> None:
    assert rows_of(cut(b'{"a":1}\r{"b":2}\r')) == {1: b'{"a":1}\r{"b":2}'}


def test_the_rows_before_a_line_that_is_not_utf_8_are_there() -> None:
    cutter = Cutter(maximum_row_bytes=LONGEST)
    body = b"\n".join([*[b"row"] * 300, b"caf\xe9", b"after"])
    chunks = [chunk for piece in split_at(body, range(0, len(body), 100)) for chunk in cutter.feed(piece)]
    with pytest.raises(EncodingFaultError) as caught:
        chunks += cutter.end()
    assert (caught.value.line, caught.value.message) == (301, "is not UTF-8")
    assert caught.value.chunk is not None
    assert [len(chunk.rows) for chunk in (*chunks, caught.value.chunk)] == [256, 44]
    assert "caf" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_a_body_in_a_wider_encoding_is_refused_at_its_first_line(encoding: str) -> None:
    body = '{"email":"a@b.example"}\n'.encode(encoding)
    for pieces in ([body], [body[:1], body[1:]]):
        with pytest.raises(EncodingFaultError, match="line 1 is UTF-16"):
            cut(*pieces)


def test_a_nul_character_in_a_row_does_not_end_the_body() -> None:
    assert rows_of(cut(b'{"a":"\x00"}\nnext')) == {1: b'{"a":"\x00"}', 2: b"next"}


def test_the_complete_rows_of_a_body_that_broke_off_are_in_chunks() -> None:
    cutter = Cutter(maximum_row_bytes=LONGEST)
    assert list(cutter.feed(b"one\ntwo\nthr")) == []
    chunk = cutter.rows_so_far()
    assert chunk is not None
    assert chunk.rows == (b"one", b"two")
    assert cutter.line == 3
    assert cutter.rows_so_far() is None
