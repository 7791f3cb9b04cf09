"""Reads files whole, for the tests of reading."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING, Any

from cli.importing.options import ImportOptions
from cli.importing.reading.errors import BrokenInputError
from cli.importing.reading.input_file import InputFile
from cli.importing.reading.readers import records
from cli.importing.reading.recognise import recognise

if TYPE_CHECKING:
    from pathlib import Path

    from _typeshed import WriteableBuffer

    from cli.importing.reading.input_form import InputForm
    from cli.importing.records import Record


def form_of_file(path: Path, content: bytes, **options: Any) -> InputForm:
    """What a file with this content is recognised as."""
    path.write_bytes(content)
    with InputFile(path) as source:
        return recognise(source, ImportOptions(**options))


def read(path: Path, content: bytes, **options: Any) -> list[Record]:
    """All records of a file with this content, which is not broken."""
    got, error = read_until_broken(path, content, **options)
    assert error is None, error.message
    return got


def read_until_broken(path: Path, content: bytes, **options: Any) -> tuple[list[Record], BrokenInputError | None]:
    """The records that come before the error, and the error."""
    path.write_bytes(content)
    with InputFile(path) as source:
        return all_records(recognise(source, ImportOptions(**options)), source.content())


def all_records(form: InputForm, content: IO[bytes]) -> tuple[list[Record], BrokenInputError | None]:
    """The records that come before the error, and the error."""
    got: list[Record] = []
    try:
        for each in records(form, content):
            got.append(each)  # noqa: PERF402 # extend would lose them
    except BrokenInputError as error:
        return got, error
    return got, None


class Trickle(io.RawIOBase):
    """Bytes that come in pieces of given sizes, again and again."""

    def __init__(self, content: bytes, sizes: list[int]) -> None:
        self._content = content
        self._sizes = sizes
        self._place = self._reads = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        into = memoryview(buffer).cast("B")
        size = min(len(into), self._sizes[self._reads % len(self._sizes)])
        piece = self._content[self._place : self._place + size]
        into[: len(piece)] = piece
        self._place += len(piece)
        self._reads += 1
        return len(piece)
