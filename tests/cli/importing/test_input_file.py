"""The bytes of an input: packed, cut off, damaged, growing, or slow to come."""

from __future__ import annotations

import gzip
import os
import threading
from typing import IO, TYPE_CHECKING, Final

import pytest

from cli.importing.options import ImportOptions
from cli.importing.reading.errors import BrokenContentError
from cli.importing.reading.input_file import InputFile
from cli.importing.reading.readers import records
from cli.importing.reading.recognise import recognise
from tests.cli.importing.records import all_records, read, read_until_broken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LINES: Final = b"".join(b'{"email": "%d@example.com"}\n' % number for number in range(10_000))
PACKED: Final = gzip.compress(LINES)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "export"


@pytest.mark.parametrize("end", [1, 7, 8, 9, len(PACKED) // 2, len(PACKED) - 200])
def test_a_gzip_that_is_cut_off_gives_its_whole_lines_and_then_an_error(path: Path, end: int) -> None:
    got, error = read_until_broken(path, PACKED[:-end])

    assert error is not None
    assert error.message == "the file ends inside its gzip: it is cut off"
    assert error.number == len(got) + 1
    assert [each.values["email"] for each in got] == [f"{number}@example.com" for number in range(len(got))]
    assert len(got) == 10_000 or end > 8


def test_what_follows_a_gzip_is_told_behind_its_lines(path: Path) -> None:
    got, error = read_until_broken(path, PACKED + b"junk")

    assert len(got) == 10_000
    assert error is not None
    assert (error.number, error.message) == (10_001, "its gzip is damaged, or something else follows it")


@pytest.mark.parametrize("place", [len(PACKED) // 2, len(PACKED) - 6], ids=["in the middle", "in the checksum"])
def test_a_gzip_that_is_damaged_is_told(path: Path, place: int) -> None:
    damaged = PACKED[:place] + bytes([PACKED[place] ^ 255]) + PACKED[place + 1 :]

    got, error = read_until_broken(path, damaged)

    assert error is not None
    assert error.message == "its gzip is damaged, or something else follows it"
    assert len(got) > 100


def test_a_gzip_may_have_several_members_and_zeros_behind_them(path: Path) -> None:
    members = b"".join(gzip.compress(LINES[start : start + 9999]) for start in range(0, len(LINES), 9999))

    assert len(read(path, members + gzip.compress(b"") + bytes(1000))) == 10_000


def test_a_small_gzip_of_a_lot_is_unpacked_in_steps(path: Path) -> None:
    got = read(path, gzip.compress(b'{"email": "a"}\n' + b" " * (50 << 20) + b'\n{"email": "b"}\n'))

    assert [each.number for each in got] == [1, 3]


def test_a_file_that_grows_is_read_as_far_as_it_went(path: Path) -> None:
    path.write_bytes(LINES)
    with InputFile(path) as source:
        form = recognise(source, ImportOptions())
        with path.open("ab") as writer:
            writer.write(b'{"email": "later"}\n')

        for _ in range(2):
            got, error = all_records(form, source.content())

            assert (len(got), error) == (10_000, None)
        assert source.changed()


def test_a_last_line_that_was_half_written_is_no_row(path: Path) -> None:
    path.write_bytes(b"email,name\n" + (b"a," + b"b" * 60 + b"\n") * 20_000 + b"c,Jo")
    with InputFile(path) as source:
        form = recognise(source, ImportOptions())
        with path.open("ab") as writer:
            writer.write(b"hn\n")

        for _ in range(2):
            got, error = all_records(form, source.content())

            assert len(got) == 20_000
            assert error is not None
            assert error.number == 20_002
            assert error.message == "the file was still being written: its last line was not complete"


def test_a_last_line_stays_a_row_for_the_second_reader_where_it_was_one_for_the_first(path: Path) -> None:
    path.write_bytes(b"email,name\na,b\nc,Jo")
    with InputFile(path) as source:
        form = recognise(source, ImportOptions())
        first, _ = all_records(form, source.content())
        with path.open("ab") as writer:
            writer.write(b"hn\n")
        second, _ = all_records(form, source.content())

        assert first == second
        assert len(first) == 2


def test_a_file_that_becomes_shorter_is_told(path: Path) -> None:
    path.write_bytes(LINES)
    with InputFile(path) as source:
        form = recognise(source, ImportOptions())
        os.truncate(path, 1000)

        got, error = all_records(form, source.content())

        assert error is not None
        assert error.message == "the file became shorter while it was read"
        assert len(got) == LINES[:1000].count(b"\n")
        assert source.changed()


def test_a_file_that_nobody_writes_to_has_not_changed(path: Path) -> None:
    path.write_bytes(LINES)
    with InputFile(path) as source:
        all_records(recognise(source, ImportOptions()), source.content())

        assert not source.changed()


def test_contents_of_a_file_are_read_side_by_side(path: Path) -> None:
    path.write_bytes(PACKED)
    with InputFile(path) as source:
        form = recognise(source, ImportOptions())
        first, second = records(form, source.content()), records(form, source.content())

        assert all(one == other for one, other in zip(first, second, strict=True))


def test_a_damaged_content_raises_where_its_bytes_end(path: Path) -> None:
    path.write_bytes(PACKED[:-20])
    with InputFile(path) as source:
        recognise(source, ImportOptions())

        with pytest.raises(BrokenContentError, match="cut off"):
            source.content().read()


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[tuple[Path, Callable[[], IO[bytes]]]]:
    """A named pipe, and what opens its other end. Whoever opens an end waits for the other."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writers: list[IO[bytes]] = []

    def write_end() -> IO[bytes]:
        writers.append(path.open("wb", buffering=0))
        return writers[0]

    yield path, write_end
    for each in writers:
        each.close()


SLOW: Final[dict[str, list[bytes]]] = {
    "lines": [b'{"email": "a"}\n', b'{"email": "b"}\n', b'{"email": "c"}'],
    "a table": [b"email,name\n", b"a,x\n", b'"b",y\r\n', b"c,z"],
    "UTF-16": ["email,name\n".encode("utf-16"), *(f"{row},x\n".encode("utf-16-le") for row in "abc")],
    "Windows-1252": [b"email,name\n", b"a,\xe9\n", b"b,\xe9\n", b"c,\xe9"],
    "Excel's own first line": [b"sep=;\n", b"email;name\n", b"a;x\n", b"b;x\n", b"c;x"],
    "a list": [b'[\n{"email": "a"}', b',\n{"email": "b"}', b',\n{"email": "c"}', b"]"],
    "gzip": [gzip.compress(b'{"email": "%s"}\n' % row) for row in (b"a", b"b", b"c")],
}


@pytest.mark.parametrize("kind", SLOW)
def test_records_come_as_soon_as_their_bytes_do(pipe: tuple[Path, Callable[[], IO[bytes]]], kind: str) -> None:
    """The writer writes a piece when it is asked for, as one that waits for results does."""
    path, write_end = pipe
    pieces = iter(SLOW[kind])
    wanted = threading.Semaphore(0)

    def write_on_demand() -> None:
        with write_end() as writer:
            # The pieces in front of the first row.
            for piece in pieces:
                writer.write(piece)
                if b"a" in piece.replace(b"\0", b"").replace(b"email", b"").replace(b"name", b"") or kind == "gzip":
                    break
            for piece in pieces:
                wanted.acquire()
                writer.write(piece)

    writing = threading.Thread(target=write_on_demand, daemon=True)
    writing.start()
    encoding = "windows-1252" if kind == "Windows-1252" else ""
    got = []
    with InputFile(path) as source:
        for record in records(recognise(source, ImportOptions(encoding=encoding)), source.content()):
            got.append(record.values["email"])
            wanted.release()
        writing.join()

    assert got == ["a", "b", "c"]
