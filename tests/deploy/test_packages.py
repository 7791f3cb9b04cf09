"""Processes under test find only the packages that a deployment has, and not those that only developers install."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

PROBE = """
import importlib.util, json, sitecustomize
import api_shim.app, cli.submit, notifier.app, worker.app
packages = sitecustomize.DEVELOPERS_PACKAGES
hidden = [*packages, *sitecustomize.TRACING]
print(json.dumps([packages, [name for name in hidden if importlib.util.find_spec(name)]]))
"""


def test_a_process_that_a_test_starts_works_without_the_packages_of_developers() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, check=True, timeout=60, cwd=ROOT)
    packages, found = json.loads(done.stdout)

    assert found == []
    for lock in ("service.txt", "run.txt"):
        pinned = (ROOT / "requirements" / lock).read_text()
        assert not [name for name in packages.values() if f"\n{name}==" in pinned]
