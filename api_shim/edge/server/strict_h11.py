"""h11's patterns made strict and linear.

h11 0.16 reads `a:`, many spaces and a NUL in time that grows with the square of the spaces: 16,000 of them hold the
process for 1.2 s, and what one read of a socket takes for minutes. The same goes for the extension of a chunk. It also
takes lines that end in a bare LF and lines that are folded, which a proxy in front may read otherwise. What follows
takes the place of three of h11's own patterns, and looks at the lines before h11 cuts them: h11 stays the only parser.
`tests/api_shim/edge/test_strict_h11.py` feeds it with what each is about; h11 is pinned below its next minor version.
"""

from __future__ import annotations

import re
from typing import Final

import h11
from h11 import _readers
from h11._receivebuffer import ReceiveBuffer

# As in h11, but no repetition gives back what it has taken.
_HEADER_FIELD: Final = re.compile(
    rb"(?P<field_name>[-!#$%&'*+.^_`|~0-9a-zA-Z]++):[ \t]*+"
    rb"(?P<field_value>(?:[^\x00\s]++(?:[ \t]++[^\x00\s]++)*+)?+)[ \t]*+"
)
"""In place of h11's: linear in the header's length."""
# Without white space around the size, and without a line break of any kind in an extension.
_CHUNK_HEADER: Final = re.compile(rb"(?P<chunk_size>[0-9A-Fa-f]{1,16}+)(?:;[^\x00\r\n]*+)?+\r\n")
"""In place of h11's: the line before a chunk must end with CRLF."""
_NOTHING: Final = re.compile(rb"(?!)")
"""Matches nothing."""
_BLANK_LINE: Final = re.compile(rb"\r\n\r\n")
"""Where a head ends."""
_BARE_LINE_FEED: Final = re.compile(rb"(?<!\r)\n")
"""A line end without CR, which a proxy in front may read otherwise."""
_most_bytes = h11._connection.DEFAULT_MAX_INCOMPLETE_EVENT_SIZE  # noqa: SLF001
_lenient_lines: Final = ReceiveBuffer.maybe_extract_lines


def _strict_lines(buffer: ReceiveBuffer) -> list[bytearray] | None:
    """The lines up to the first empty one, as h11 cuts them.

    Raises:
        h11.LocalProtocolError: they are too many, or one ends in a bare LF. h11 tells it as the client's fault.
    """
    data, start = buffer._data, buffer._multiple_lines_search  # noqa: SLF001 - the place where h11 goes on to look
    if data[:2] != b"\r\n":
        end = _BLANK_LINE.search(data, start)
        length = len(data) if end is None else end.end()
        if length > _most_bytes:
            raise h11.LocalProtocolError("the head is too large")
        if _BARE_LINE_FEED.search(data, start, length) is not None:
            raise h11.LocalProtocolError("a line ends in a bare LF")
    return _lenient_lines(buffer)


def make_h11_strict(*, maximum_head_bytes: int) -> None:
    """Put these in place of h11's own, for the whole process.

    Args:
        maximum_head_bytes: of a head, or of what follows the last chunk. h11's own bound looks only at what is
            unfinished, and one read may bring a whole head of 250 KB.
    """
    global _most_bytes  # noqa: PLW0603 - as h11's own patterns are: one for the process
    _most_bytes = maximum_head_bytes
    _readers.header_field_re = _HEADER_FIELD
    _readers.chunk_header_re = _CHUNK_HEADER
    _readers.obs_fold_re = _NOTHING  # so that a folded line is one that has no name
    ReceiveBuffer.maybe_extract_lines = _strict_lines  # type: ignore[assignment,method-assign]
