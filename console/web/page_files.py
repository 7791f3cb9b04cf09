"""Serves the page: its files are package data, and it loads nothing from anywhere else."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from edge.answers import responses
from edge.answers.answer import Answer
from edge.answers.static_document import MEDIA_TYPES, StaticDocument

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from starlette.requests import Request

_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    b"frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
    b"require-trusted-types-for 'script'; trusted-types 'none'"
)
"""No inline script or style, no other host, no frame around the page, and no script can make HTML of a text."""

_INDEX: Final = "index.html"
"""The file that `/` stands for."""

_MISSING: Final = "missing.html"
"""What a browser shows where there is nothing."""

_CALLS: Final = "api/"
"""What the paths of calls begin with. Scripts make them, and get JSON."""


class PageFiles:
    """The files of the page."""

    def __init__(self) -> None:
        page = files("console").joinpath("page")
        self._files = dict(_documents(page, ""))
        missing = page.joinpath(_MISSING).read_bytes()
        headers = [
            (b"content-type", MEDIA_TYPES["html"]),
            (b"content-security-policy", _POLICY),
            (b"cache-control", b"no-store"),
            (b"content-length", b"%d" % len(missing)),
        ]
        self._missing = Answer(404, missing, headers)

    async def file(self, request: Request) -> StaticDocument | Answer:
        """The file that the path names. Else 404: to a person as a page, to a program as JSON."""
        path = request.path_params.get("path") or _INDEX
        found = self._files.get(path)
        if found is not None:
            return found
        is_person = "text/html" in request.headers.get("accept", "") and not path.startswith(_CALLS)
        return self._missing if is_person else responses.not_found()


def _documents(folder: Traversable, prefix: str) -> list[tuple[str, StaticDocument]]:
    found = []
    for entry in folder.iterdir():
        name = prefix + entry.name
        if entry.is_dir():
            found += _documents(entry, f"{name}/")
        elif (media_type := MEDIA_TYPES.get(entry.name.rpartition(".")[2])) is not None:
            found.append((name, StaticDocument(entry.read_bytes(), media_type, policy=_POLICY)))
    return found
