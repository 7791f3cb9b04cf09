"""Fixtures for the tests of the steps of batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas.ids import new_task_id
from schemas.protocol.steps.uploading import ChunkAccepted
from tests.support.batches import Batches

if TYPE_CHECKING:
    from tests.support.records import Scripts


@pytest.fixture
def batches(scripts: Scripts) -> Batches:
    """The steps of batches, on a store where counting has begun: see `scripts`."""
    return Batches(scripts.client)


@pytest.fixture
def batch_id(batches: Batches) -> str:
    return batches.open()


@pytest.fixture
def chunk_id(batches: Batches, batch_id: str) -> str:
    chunk_id = new_task_id()
    assert batches.accept(batch_id, chunk_id) == ChunkAccepted(known=False)
    return chunk_id
