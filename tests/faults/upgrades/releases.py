"""The code of other releases, unpacked from this repository's history."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from local_stack.service_process import ROOT, WORKER

if TYPE_CHECKING:
    from pathlib import Path

_GIT_SECONDS: Final = 60
"""Far more than git takes for any of its commands here."""


@dataclass(frozen=True, slots=True)
class Release:
    """A release, or a commit that stands for one."""

    name: str
    commit: str
    has_batches: bool

    def unpack(self, folder: Path) -> Path:
        """Put the release's code into the folder, from which `python -m` runs it. Skips the test without history."""
        archive = folder.with_suffix(".tar")
        packing = _run("git", "-C", str(ROOT), "archive", f"--output={archive}", self.commit)
        if packing.returncode:
            pytest.skip(f"the code of {self.name} ({self.commit[:7]}) is not in this checkout: git fetch --unshallow")
        folder.mkdir()
        assert _run("tar", "-xf", str(archive), "-C", str(folder)).returncode == 0
        archive.unlink()
        # Without this a mistake in the paths would test this tree against itself.
        found = _run(sys.executable, "-c", f"import {WORKER}; print({WORKER}.__file__)", directory=folder)
        assert found.stdout.strip() == str(folder / WORKER / "__init__.py"), found.stdout + found.stderr
        return folder


BEFORE_BATCHES: Final = Release("0.1.0", "7d14a77ed3b79524596dd0d02af89a74fe75b06d", has_batches=False)
"""Stands for 0.1.0, which has no tag: the last commit before batches."""

WITH_BATCHES: Final = Release("0.2.0 in the making", "d464a3159588d883f9047ff4956d7c7c4e4d0861", has_batches=True)
"""The last commit before replicas' acknowledgements. It has batches, so chunks go from one release to the other."""


def _run(*command: str, directory: Path | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=_GIT_SECONDS, check=False)
    except FileNotFoundError:
        return subprocess.CompletedProcess(command, 127, "", f"{command[0]} is not installed")
