"""Makes the patterns of h11 take linear time.

Some heads take h11 0.16 a time that grows with the square of their length. One is `a:`, many spaces and a NUL: 16,000
spaces block the process for seconds, and as many as one read of a socket brings block it for minutes. Extensions of
chunks have the same fault. `tests/startup/test_linear_h11.py` sends an example of each. h11 is pinned below its next
minor version.
"""

from __future__ import annotations

import re
from typing import Final

from h11 import _readers

# The same as in h11, but no repetition gives a character back.
HEADER_FIELD: Final = re.compile(
    rb"(?P<field_name>[-!#$%&'*+.^_`|~0-9a-zA-Z]++):[ \t]*+"
    rb"(?P<field_value>(?:[^\x00\s]++(?:[ \t]++[^\x00\s]++)*+)?+)[ \t]*+"
)
"""Replaces h11's pattern of a header. It takes a time linear in the header's length."""
_CHUNK_HEADER: Final = re.compile(rb"(?P<chunk_size>[0-9A-Fa-f]{1,20}+)(?:;[^\x00\r\n]*+|[ \t]*+)\r\n")
"""Replaces h11's pattern of the line before a chunk."""


def make_h11_linear() -> None:
    """Replace h11's patterns for the whole process. They accept what h11's own accept."""
    _readers.header_field_re = HEADER_FIELD
    _readers.chunk_header_re = _CHUNK_HEADER
