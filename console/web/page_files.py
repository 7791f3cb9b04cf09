"""Serves the page: its files are package data, and it loads nothing from anywhere else."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from edge.answers import responses
from edge.answers.static_document import MEDIA_TYPES, StaticDocument

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from starlette.requests import Request

    from edge.answers.answer import Answer

_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    b"frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
    b"require-trusted-types-for 'script'; trusted-types 'none'"
)
"""No inline script or style, no other host, no frame around the page, and no script can make HTML of a text."""

_INDEX: Final = "index.html"
"""The file that `/` stands for."""


class PageFiles:
    """The files of the page."""

    def __init__(self) -> None:
        self._files = dict(_documents(files("console").joinpath("page"), ""))

    async def file(self, request: Request) -> StaticDocument | Answer:
        """The file that the path names, or 404."""
        return self._files.get(request.path_params.get("path") or _INDEX) or responses.not_found()


def _documents(folder: Traversable, prefix: str) -> list[tuple[str, StaticDocument]]:
    found = []
    for entry in folder.iterdir():
        name = prefix + entry.name
        if entry.is_dir():
            found += _documents(entry, f"{name}/")
        elif (media_type := MEDIA_TYPES.get(entry.name.rpartition(".")[2])) is not None:
            found.append((name, StaticDocument.of(entry.read_bytes(), media_type, policy=_POLICY)))
    return found
