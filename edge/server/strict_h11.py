"""Makes h11 strict, and makes its patterns take linear time.

h11 0.16 has two faults. First, some heads take it a time that grows with the square of their length; see
`startup/linear_h11.py`. Second, it accepts lines that end in a bare LF, and folded lines. A proxy in front may
read those differently.

This module replaces three of h11's patterns, and checks the lines of a head before h11 splits them. h11 stays the only
parser. `tests/edge/test_strict_h11.py` sends it an example of each fault. h11 is pinned below its next minor
version.
"""

from __future__ import annotations

import re
from typing import Final

import h11
from h11 import _readers
from h11._receivebuffer import ReceiveBuffer

from startup.linear_h11 import HEADER_FIELD

# Allows no white space around the size, and no kind of line break in an extension.
_CHUNK_HEADER: Final = re.compile(rb"(?P<chunk_size>[0-9A-Fa-f]{1,16}+)(?:;[^\x00\r\n]*+)?+\r\n")
"""Replaces h11's pattern of the line before a chunk. That line must end with CRLF."""
_NOTHING: Final = re.compile(rb"(?!)")
"""A pattern that never matches."""
_BLANK_LINE: Final = re.compile(rb"\r\n\r\n")
"""The end of a head."""
_BARE_LINE_FEED: Final = re.compile(rb"(?<!\r)\n")
"""The end of a line without CR. A proxy in front may read it differently."""
_most_bytes = h11._connection.DEFAULT_MAX_INCOMPLETE_EVENT_SIZE  # noqa: SLF001
"""How many bytes a head may have. `make_h11_strict` sets it."""
_lenient_lines: Final = ReceiveBuffer.maybe_extract_lines
"""h11's own function, which `_strict_lines` calls once a head has passed."""


def _strict_lines(buffer: ReceiveBuffer) -> list[bytearray] | None:
    """Return the lines up to the first empty one, as h11 splits them, or None if that one has not come yet.

    Raises:
        h11.LocalProtocolError: the lines are too long together, or one of them ends in a bare LF. h11 reports it as a
            fault of the client.
    """
    data, start = buffer._data, buffer._multiple_lines_search  # noqa: SLF001 - `start` is where h11 stopped searching
    if data[:2] != b"\r\n":
        end = _BLANK_LINE.search(data, start)
        length = len(data) if end is None else end.end()
        if length > _most_bytes:
            raise h11.LocalProtocolError("the head is too large")
        if _BARE_LINE_FEED.search(data, start, length) is not None:
            raise h11.LocalProtocolError("a line ends in a bare LF")
    return _lenient_lines(buffer)


def make_h11_strict(*, maximum_head_bytes: int) -> None:
    """Replace h11's own patterns and its splitting of lines, for the whole process.

    Args:
        maximum_head_bytes: the most bytes of a head, and of the trailers after the last chunk. h11's own bound counts
            incomplete heads only, and one read of a socket can bring a complete head of 250 KB.
    """
    global _most_bytes  # noqa: PLW0603 - global like h11's patterns
    _most_bytes = maximum_head_bytes
    _readers.header_field_re = HEADER_FIELD
    _readers.chunk_header_re = _CHUNK_HEADER
    _readers.obs_fold_re = _NOTHING  # a folded line is then a header without a name, which h11 refuses
    ReceiveBuffer.maybe_extract_lines = _strict_lines  # type: ignore[assignment,method-assign]
