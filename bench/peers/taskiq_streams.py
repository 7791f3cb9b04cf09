"""FastAPI in front of taskiq on Redis streams."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from bench.peers.work import create_customer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_URL: Final = os.environ["PEER_REDIS_URL"]
"""The URL of Redis."""

_results: RedisAsyncResultBackend[Any] = RedisAsyncResultBackend(redis_url=_URL)
broker = RedisStreamBroker(url=_URL).with_result_backend(_results)


@asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[None]:
    await broker.startup()
    yield
    await broker.shutdown()


app = FastAPI(lifespan=_lifespan)


@broker.task(task_name="create")
async def create(document: dict[str, Any]) -> dict[str, Any]:
    """The task; the work blocks, so it gets a thread."""
    return await asyncio.to_thread(create_customer, document)


@app.post("/customers", status_code=202)
async def post(document: dict[str, Any]) -> dict[str, str]:
    """The endpoint."""
    task = await create.kiq(document)
    return {"id": task.task_id}
