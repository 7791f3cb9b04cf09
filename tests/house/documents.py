"""The project's documents, and the paths and anchors in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
"""The top folder of the project."""

DOCUMENTS: Final = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
"""Every document for people."""

_PATH: Final = re.compile(r"`([A-Za-z_.][\w./-]*/[\w./-]*|[\w.-]+\.(?:md|toml|yml)|Makefile|Dockerfile)`")


def named_paths(document: Path) -> Iterator[str]:
    """Yield the paths in backticks that begin with a top folder of the project, or name a file in it."""
    top = {path.name for path in ROOT.iterdir()}
    for path in _PATH.findall(document.read_text()):
        if path.split("/")[0] in top:
            yield path


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
