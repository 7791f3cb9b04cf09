"""CI tests on every version of Python that is supported."""

from __future__ import annotations

import re
import tomllib
from typing import Any, Final

from tests.house.documents import ROOT

PYPROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())
SUPPORTED: Final = sorted(
    tuple(map(int, classifier.split(" :: ")[2].split(".")))
    for classifier in PYPROJECT["project"]["classifiers"]
    if classifier.startswith("Programming Language :: Python :: 3.")
)
"""The supported versions, the oldest first."""


def test_the_oldest_python_is_the_same_for_every_tool() -> None:
    oldest = ".".join(map(str, SUPPORTED[0]))
    assert PYPROJECT["project"]["requires-python"] == f">={oldest}"
    assert PYPROJECT["tool"]["mypy"]["python_version"] == oldest
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    makefile = (ROOT / "Makefile").read_text()
    assert re.findall(r"--python-version (\S+)", makefile) == [oldest]
    assert f"version_info < ({oldest.replace('.', ', ')})" in makefile


def test_the_image_has_the_python_that_all_tests_run_on() -> None:
    oldest = ".".join(map(str, SUPPORTED[0]))
    images = re.findall(r"^FROM python:(\d+\.\d+)\.", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert set(images) == {oldest}
