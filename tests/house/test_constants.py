"""Constants are final, have a docstring, and are used."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

import pytest

from tests.house.documents import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGES: Final[list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "root_packages"
]
FILES: Final = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

_NAME: Final = re.compile(r"_?[A-Z][A-Z0-9_]*")
_GENERATED: Final = ("cli/planning/measured_costs.py",)
"""A bench writes this file, with a comment for each constant."""


def _constants(path: Path) -> Iterator[tuple[str, ast.stmt, ast.stmt | None]]:
    """Yield the name, the statement and the statement after it, for each constant of a module."""
    body = ast.parse(path.read_text()).body
    for statement, following in zip_longest(body, body[1:]):
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        for target in targets:
            if isinstance(target, ast.Name) and _NAME.fullmatch(target.id):
                yield target.id, statement, following


def _is_docstring(statement: ast.stmt | None) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_every_constant_is_final(package: str) -> None:
    changeable = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in FILES
        if path.is_relative_to(ROOT / package)
        for name, statement, _ in _constants(path)
        if not isinstance(statement, ast.AnnAssign) or "Final" not in ast.unparse(statement.annotation)
    ]
    assert changeable == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_constant_has_a_docstring(package: str) -> None:
    mute = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in FILES
        if path.is_relative_to(ROOT / package) and str(path.relative_to(ROOT)) not in _GENERATED
        for name, _, following in _constants(path)
        if not _is_docstring(following)
    ]
    assert mute == []


def test_every_constant_is_used() -> None:
    words = Counter(word for path in FILES for word in re.findall(r"\b_?[A-Z][A-Z0-9_]*\b", path.read_text()))
    dead = [
        f"{path.relative_to(ROOT)}: {name}" for path in FILES for name, _, _ in _constants(path) if words[name] == 1
    ]
    assert dead == []
