"""Runs of `customer-intake submit`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.support.requests import CANARY, as_body
from tests.support.tokens import token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.contract.service import Service

SECONDS: Final = 60
"""More than any run here takes."""


@dataclass(frozen=True)
class Ended:
    """What a run left."""

    code: int
    stdout: str
    stderr: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Its results by line number."""
        return sorted((json.loads(line) for line in self.stdout.splitlines()), key=lambda row: int(row["line"]))


def start(
    environment: Mapping[str, str], *arguments: str, program: Sequence[str] = ("-m", "cli.main"), **secrets: str
) -> subprocess.Popen[str]:
    """Start it for this environment's shim, or for the local stack of a data directory."""
    where = [] if "--data-dir" in arguments else ["--url", f"http://127.0.0.1:{environment['INTAKE_PORT']}"]
    return subprocess.Popen(
        [sys.executable, *program, "submit", *where, *arguments],
        env={**environment, "INTAKE_TOKEN": token(environment), **secrets},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str], stdin: str | None = None) -> Ended:
    """Wait for its end. Whatever happened, no password is in what it said."""
    with process:
        try:
            stdout, stderr = process.communicate(stdin, timeout=SECONDS)
        finally:
            process.kill()
    assert CANARY not in stdout + stderr
    return Ended(process.returncode, stdout, stderr)


def submit(service: Service, *arguments: str, stdin: str | None = None, **secrets: str) -> Ended:
    """A whole run for this service."""
    return end(start(service.environment, *arguments, **secrets), stdin)


def end_of_bytes(environment: Mapping[str, str], *arguments: str, stdin: bytes) -> Ended:
    """A run whose stdin is no text, and fits into a pipe."""
    process = start(environment, *arguments)
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        os.write(process.stdin.fileno(), stdin)
    return end(process)


def lines_of(documents: Sequence[Any]) -> str:
    """A file's content."""
    return "".join(as_body(document).decode() + "\n" for document in documents)


def feed(process: subprocess.Popen[str], text: str) -> None:
    """Write to its stdin, which stays open."""
    assert process.stdin is not None
    process.stdin.write(text)
    process.stdin.flush()
