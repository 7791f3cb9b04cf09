"""`customer-intake submit` holds a few rows at a time, however many the file has."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS: Final = 3_000_000
MOST_MIB: Final = 100
REFUSED_EACH: Final = 1_000
TELLS_ITS_MEMORY: Final = """
import atexit, pathlib, sys
atexit.register(lambda: print(pathlib.Path("/proc/self/status").read_text(), file=sys.stderr))
from cli.main import main
main()
"""
"""Its own peak, from the system. That of a child, as a parent is told it, includes the parent before the exec."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


class _Sink(BaseHTTPRequestHandler):
    """Takes any body, and tells a result for each of its lines that is not blank. It remembers line numbers alone."""

    protocol_version = "HTTP/1.1"
    runs: Final[list[tuple[int, int]]] = []
    """First and last number of lines that follow each other."""

    def do_POST(self) -> None:
        line, rows, rest = 1, 0, b""
        while size := int(self.rfile.readline(), 16):
            *lines, rest = (rest + self.rfile.read(size)).split(b"\n")
            self.rfile.readline()
            for each in lines:
                if each:
                    rows += 1
                    self._remember(line)
                line += 1
        self.rfile.readline()
        self._answer(202, {"ok": True, "batch": {"id": "x" * 22, "name": "n", "status": "RUNNING", "rows": rows}})

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        for first, last in self.runs:
            for number in range(first, last + 1):
                self.wfile.write(b'{"row":%d,"ok":true,"valid":true}\n' % number)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _remember(self, line: int) -> None:
        if self.runs and self.runs[-1][1] == line - 1:
            self.runs[-1] = (self.runs[-1][0], line)
        else:
            self.runs.append((line, line))

    def _answer(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def sink() -> Iterator[str]:
    """The URL of a service that stores nothing: what is measured is the client alone."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Sink) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_three_million_lines_of_csv_take_less_than_100_mib(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    with path.open("w") as lines:
        lines.write("email,password,firstName,lastName,tags,addresses.0.phone\n")
        for number in range(ROWS):
            # Some rows are refused by the client: they are told too, and written.
            phone = "none" if number % REFUSED_EACH == 0 else ""
            lines.write(f'{number}@example.com,a password,Jane,Doe,"a,b",{phone}\n')

    options = ["--results", str(tmp_path / "results.jsonl"), "--failed", str(tmp_path / "failed.csv")]
    with sink() as url:
        ended = subprocess.run(
            [sys.executable, "-c", TELLS_ITS_MEMORY, "submit", str(path), "--url", url, *options],
            env={**os.environ, "INTAKE_TOKEN": "a.b.c"},
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert ended.returncode == 1, ended.stderr
    assert f"{ROWS // REFUSED_EACH:,} of them not sent" in ended.stderr
    with (tmp_path / "results.jsonl").open() as results:
        assert sum(1 for _ in results) == ROWS
    peak = re.search(r"VmHWM:\s+(\d+) kB", ended.stderr)
    assert peak is not None
    assert int(peak[1]) / 1024 < MOST_MIB
