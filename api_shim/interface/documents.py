"""Serves `/openapi.json` and `/docs`."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from edge.answers import responses
from edge.answers.static_document import MEDIA_TYPES, StaticDocument

if TYPE_CHECKING:
    from starlette.requests import Request

    from edge.answers.answer import Answer

_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    b"connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""The page loads nothing from another host, and no other page may show it in a frame."""


class Documents:
    """The OpenAPI document and the docs page."""

    def __init__(self, openapi: bytes) -> None:
        """`openapi` is the document as JSON. The page's files are read from this package."""
        self._openapi = StaticDocument.of(openapi, b"application/json", policy=_POLICY)
        self._files = {
            entry.name: StaticDocument.of(entry.read_bytes(), media_type, policy=_POLICY)
            for entry in files("api_shim.interface").joinpath("docs_page").iterdir()
            if (media_type := MEDIA_TYPES.get(entry.name.rpartition(".")[2])) is not None
        }

    async def openapi(self, _request: Request) -> StaticDocument:
        """The OpenAPI document."""
        return self._openapi

    async def page(self, request: Request) -> StaticDocument | Answer:
        """The docs page, or the file of it that the path names, or 404."""
        return self._files.get(request.path_params.get("name", "index.html")) or responses.not_found()
