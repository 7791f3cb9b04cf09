"""Streams of asyncio whose sockets are closed when a block ends.

`close` alone leaves that to a later turn of the event loop. A loop that ends before leaves the socket to the garbage
collector, whose warning then fails whichever test runs by then.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def closed_after(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """Close this stream when the block ends, and wait until its socket is closed."""
    try:
        yield
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def connected_to(server: asyncio.Server) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to this server, closed when the block ends."""
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    async with closed_after(writer):
        yield reader, writer
