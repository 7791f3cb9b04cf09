"""FastAPI in front of Celery's `.delay()` with a prefork pool."""

from __future__ import annotations

import os
from typing import Any, Final

from celery import Celery
from fastapi import FastAPI

from bench.peers.work import create_customer

_URL: Final = os.environ["PEER_REDIS_URL"]
"""The URL of Redis."""

celery_app = Celery("peer", broker=_URL, backend=_URL)
app = FastAPI()


@celery_app.task(name="create")  # type: ignore[untyped-decorator] # celery publishes no types
def create(document: dict[str, Any]) -> dict[str, Any]:
    """The task."""
    return create_customer(document)


@app.post("/customers", status_code=202)
def post(document: dict[str, Any]) -> dict[str, str]:
    """The endpoint; a plain function, since `.delay()` blocks."""
    return {"id": str(create.delay(document).id)}
