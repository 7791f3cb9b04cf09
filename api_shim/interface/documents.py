"""Serves `/openapi.json` and `/docs`, each file compressed once and sent in pieces, or as 304 if the client has it."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from api_shim.edge.answers import responses

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from api_shim.edge.answers.answer import Answer

_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    b"connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""The page loads nothing from another host, and no other page may show it in a frame."""

_MEDIA_TYPES: Final = {"html": b"text/html; charset=utf-8", "css": b"text/css; charset=utf-8", "js": b"text/javascript"}
"""The content types of the docs page's files, by the ending of their names."""

_PIECE_BYTES: Final = 16 * 1024
"""How many bytes the server gets at once. It waits for a slow client, so it keeps a few pieces and not a whole file."""


@dataclass(frozen=True, slots=True)
class _Variant:
    """A document in one encoding, with the headers of that encoding."""

    content: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    etag: bytes


@dataclass(frozen=True, slots=True)
class _Document:
    """A document, plain and compressed. It is an ASGI application that sends what the client can read."""

    plain: _Variant
    gzipped: _Variant

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the document, or 304 if the client's `If-None-Match` says that it has this version."""
        headers = dict(scope["headers"])
        variant = self.gzipped if _takes_gzip(headers.get(b"accept-encoding", b"")) else self.plain
        known = [tag.strip().removeprefix(b"W/") for tag in headers.get(b"if-none-match", b"").split(b",")]
        if variant.etag in known or known == [b"*"]:
            await send({"type": "http.response.start", "status": 304, "headers": list(variant.headers)})
            await send({"type": "http.response.body", "body": b""})
            return
        length = (b"content-length", b"%d" % len(variant.content))
        await send({"type": "http.response.start", "status": 200, "headers": [*variant.headers, length]})
        content = b"" if scope["method"] == "HEAD" else variant.content
        for start in range(0, len(content), _PIECE_BYTES):
            piece = content[start : start + _PIECE_BYTES]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


class Documents:
    """The OpenAPI document and the docs page."""

    def __init__(self, openapi: bytes) -> None:
        """`openapi` is the document as JSON. The page's files are read from this package."""
        self._openapi = _document(openapi, b"application/json")
        self._files = {
            entry.name: _document(entry.read_bytes(), media_type)
            for entry in files("api_shim.interface").joinpath("docs_page").iterdir()
            if (media_type := _MEDIA_TYPES.get(entry.name.rpartition(".")[2])) is not None
        }

    async def openapi(self, _request: Request) -> _Document:
        """The OpenAPI document."""
        return self._openapi

    async def page(self, request: Request) -> _Document | Answer:
        """The docs page, or the file of it that the path names, or 404."""
        return self._files.get(request.path_params.get("name", "index.html")) or responses.not_found()


def _document(content: bytes, media_type: bytes) -> _Document:
    tag = hashlib.sha256(content).hexdigest()[:24].encode()
    headers = (
        (b"content-type", media_type),
        (b"content-security-policy", _POLICY),
        (b"cache-control", b"no-cache"),
        (b"vary", b"accept-encoding"),
    )
    plain, gzipped = b'"%b"' % tag, b'"%b-gzip"' % tag
    return _Document(
        _Variant(content, (*headers, (b"etag", plain)), plain),
        _Variant(
            gzip.compress(content, 6, mtime=0),
            (*headers, (b"etag", gzipped), (b"content-encoding", b"gzip")),
            gzipped,
        ),
    )


def _takes_gzip(accepted: bytes) -> bool:
    for coding in accepted.lower().split(b","):
        name, _, weight = coding.partition(b";")
        if name.strip() == b"gzip":
            return weight.replace(b" ", b"") not in {b"q=0", b"q=0.0", b"q=0.00", b"q=0.000"}
    return False
