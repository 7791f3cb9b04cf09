"""Files, folders and targets that the documents name exist."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Final

import pytest

from tests.house.documents import DOCUMENTS, ROOT, anchors, named_paths

if TYPE_CHECKING:
    from pathlib import Path

ARCHITECTURE: Final = ROOT / "docs" / "architecture.md"

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


@each_document
def test_every_relative_link_leads_to_a_file_and_its_anchor(document: Path) -> None:
    text = document.read_text()
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_every_path_that_is_named_exists(name: str) -> None:
    assert [path for path in named_paths(ROOT / name) if not (ROOT / path).exists()] == []


@each_document
def test_every_make_target_that_is_named_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", document.read_text(), re.MULTILINE)) <= targets


def test_the_map_names_every_folder_of_code() -> None:
    table = _section("The map of folders")
    named = set(re.findall(r"^\| `([\w/]+)/` \|", table, re.MULTILINE))
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    folders = {
        str(path.parent.relative_to(ROOT)) for package in packages for path in (ROOT / package).rglob("__init__.py")
    }
    assert folders <= named


def test_the_readme_has_a_line_for_every_top_folder() -> None:
    readme = (ROOT / "README.md").read_text()
    tops = {
        path.split("/")[0] for path in re.findall(r"^\| `([\w/]+)/` \|", _section("The map of folders"), re.MULTILINE)
    }
    assert {top for top in tops if f"| `{top}/` |" not in readme} == set()


def test_the_layers_in_the_document_are_those_of_the_import_contracts() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    held = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    assert _section("Layers").split("```")[1].strip().splitlines() == held


def _section(heading: str) -> str:
    text: str = ARCHITECTURE.read_text()
    return text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
