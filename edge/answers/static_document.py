"""A file that is served as it is: compressed once, and sent in pieces, or as 304 if the client has it."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from edge.answers.codings import takes_gzip

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

MEDIA_TYPES: Final = {"html": b"text/html; charset=utf-8", "css": b"text/css; charset=utf-8", "js": b"text/javascript"}
"""The content types of a page's files, by the ending of their names."""

_PIECE_BYTES: Final = 16 * 1024
"""How many bytes the server gets at once. It waits for a slow client, so it keeps a few pieces and not a whole file."""


class _Variant(NamedTuple):
    """A document in one encoding, with the headers of that encoding."""

    content: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    etag: bytes


class StaticDocument:
    """A document, plain and compressed. It is an ASGI application that sends what the client can read.

    It is compressed when the first client asks for that: to compress every file would take a tenth of a process' start.
    """

    def __init__(self, content: bytes, media_type: bytes, *, policy: bytes) -> None:
        """The document with this content. `policy` is its Content-Security-Policy."""
        tag = hashlib.sha256(content).hexdigest()[:24].encode()
        self._headers = (
            (b"content-type", media_type),
            (b"content-security-policy", policy),
            (b"cache-control", b"no-cache"),
            (b"vary", b"accept-encoding"),
        )
        plain = b'"%b"' % tag
        self._gzip_etag = b'"%b-gzip"' % tag
        self._plain = _Variant(content, (*self._headers, (b"etag", plain)), plain)
        self._gzipped: _Variant | None = None

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the document, or 304 if the client's `If-None-Match` says that it has this version."""
        headers = dict(scope["headers"])
        accepted = headers.get(b"accept-encoding", b"").decode("latin-1")
        variant = await self._compressed() if takes_gzip(accepted) else self._plain
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

    async def _compressed(self) -> _Variant:
        if self._gzipped is None:
            # In a thread: meanwhile the process serves others. Clients that come at the same time have it done twice.
            content = await asyncio.to_thread(gzip.compress, self._plain.content, 6, mtime=0)
            headers = (*self._headers, (b"etag", self._gzip_etag), (b"content-encoding", b"gzip"))
            self._gzipped = _Variant(content, headers, self._gzip_etag)
        return self._gzipped
