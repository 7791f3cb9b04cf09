"""What is sent of a file that breaks off."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from cli.importing.options import ImportOptions
from cli.importing.plan import make_plan
from cli.importing.reading.input_file import InputFile
from cli.submission.segments import WholeFile

if TYPE_CHECKING:
    from pathlib import Path


def test_all_whole_lines_before_a_break_are_sent(tmp_path: Path) -> None:
    path = tmp_path / "signups.jsonl.gz"
    lines = b"".join(b'{"email": "%d@example.com"}\n' % number for number in range(10_000))
    path.write_bytes(gzip.compress(lines)[:-200])

    with InputFile(path) as source:
        segment = WholeFile(source, make_plan(source, ImportOptions()))
        body = b"".join(segment.pieces())
        rows = list(segment.rows())

    assert lines.startswith(body)
    assert body.endswith(b"\n")
    assert body.count(b"\n") == len(rows) > 9_000
    assert segment.broken is not None
