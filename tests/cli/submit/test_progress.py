"""`customer-intake submit` tells how far it is: by a bar on a terminal, by lines elsewhere."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import termios
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.cli.submission import lines_of
from tests.contract.service import an_email
from tests.support.requests import a_request
from tests.support.tokens import token

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.service import Service


def test_on_a_terminal_a_bar_shows_how_much_is_done_and_goes_away(service: Service, batch: Path) -> None:
    batch.write_text(lines_of([a_request(email=an_email()) for _ in range(600)]))
    ours, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 120))
    with open(ours, "rb", buffering=0) as screen:  # noqa: PTH123 - a descriptor
        process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "submit", str(batch), "--url", service.shim.url, "--json"],
            env={**service.environment, "INTAKE_TOKEN": token(service.environment), "TERM": "xterm"},
            stdout=subprocess.PIPE,
            stderr=terminal,
            text=True,
        )
        os.close(terminal)
        shown = b""
        with suppress(OSError):  # how Linux tells the end of a terminal
            while piece := screen.read(65536):
                shown += piece
        stdout, _ = process.communicate(timeout=60)

    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert process.returncode == 0, text
    assert json.loads(stdout)["created"] == 600
    assert re.search(r"creating .*\d+ of 600 rows", text)
    assert text.rstrip().endswith("600 accepted, 600 created, 0 refused, 0 without an outcome")
