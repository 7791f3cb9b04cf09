"""Reads JSON lines: one object a line."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

from cli.importing.reading.json_values import JsonFaultError, parse_object
from cli.importing.reading.numbered_lines import numbered
from cli.importing.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

MAXIMUM_ROW_BYTES: Final = 4 * 1024 * 1024
"""Of one row in JSON: many times what the service takes. Parsed it can need a hundred times as much memory."""

TOO_LARGE: Final = "it is larger than 4 MiB"
"""What is told of a larger row."""


def json_lines(content: IO[bytes], *, not_text: str) -> Iterator[Record]:
    """Yield the objects of the lines that are not blank.

    Args:
        content: the text.
        not_text: what is told of a line that is not UTF-8.

    Raises:
        BrokenInputError: the content is damaged or ends too early.
        OSError: it cannot be read.
    """
    for number, line in numbered(content):
        if len(line) > MAXIMUM_ROW_BYTES:
            yield Record(number, {}, TOO_LARGE)
            continue
        try:
            yield Record(number, parse_object(line.decode("utf-8")))
        except UnicodeDecodeError:
            yield Record(number, {}, not_text)
        except JsonFaultError as error:
            yield Record(number, {}, str(error))
