"""Which package may import which: the processes stand side by side above what they share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_processes_know_nothing_of_each_other_and_schemas_knows_none() -> None:
    done = subprocess.run(
        # The tool is a developer's package. With -E it is found, although tests hide such packages from the service.
        [sys.executable, "-E", "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " kept, 0 broken" in done.stdout


@pytest.mark.parametrize(
    "module", ["redis", "pymongo", "socket", "asyncio", "requests", "httpx", "starlette", "uvicorn"]
)
def test_schemas_does_no_input_or_output(module: str) -> None:
    importing = [
        path.name
        for path in (ROOT / "schemas").rglob("*.py")
        if f"import {module}" in (text := path.read_text()) or f"from {module}" in text
    ]
    assert importing == []
