"""Serves `/openapi.json` and `/docs`."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from api_shim.settings import DEFAULT_PREFIX
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

_PACKAGE: Final = files("api_shim.interface")
"""Where the files are."""


def openapi_document(*, prefix: str) -> dict[str, Any]:
    """The OpenAPI document of this package, with the paths of the methods below this prefix."""
    document: dict[str, Any] = json.loads(_PACKAGE.joinpath("openapi.json").read_bytes())
    document["paths"] = {
        f"{prefix}{path.removeprefix(DEFAULT_PREFIX)}" if path.startswith(f"{DEFAULT_PREFIX}/") else path: operations
        for path, operations in document["paths"].items()
    }
    return document


class Documents:
    """The OpenAPI document and the docs page."""

    def __init__(self, *, prefix: str) -> None:
        """`prefix` is before the paths of the methods. The files are read from this package."""
        openapi = json.dumps(openapi_document(prefix=prefix)).encode()
        self._openapi = StaticDocument(openapi, b"application/json", policy=_POLICY)
        self._files = {
            entry.name: StaticDocument(entry.read_bytes(), media_type, policy=_POLICY)
            for entry in _PACKAGE.joinpath("docs_page").iterdir()
            if (media_type := MEDIA_TYPES.get(entry.name.rpartition(".")[2])) is not None
        }

    async def openapi(self, _request: Request) -> StaticDocument:
        """The OpenAPI document."""
        return self._openapi

    async def page(self, request: Request) -> StaticDocument | Answer:
        """The docs page, or the file of it that the path names, or 404."""
        return self._files.get(request.path_params.get("name", "index.html")) or responses.not_found()
