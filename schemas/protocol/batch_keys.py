"""The names of what is kept in Redis for batches: keys, and the fields of a batch and of a chunk's record.

A batch is a hash, and a sorted set that lists its chunks in the order of lines. A chunk is a task: its record has
fields of `schemas.protocol.keys.Field`, as every task's, and those of `ChunkField`. Several batches may list one chunk.
A part is a range of a chunk's rows that is a task of its own. What becomes of its rows stands in the chunk's record.

`lua/includes/batch_names.lua` makes the same names.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

BATCHES_KEY: Final = "intake:batches"
"""Sorted set: id of each batch that is not settled → when somebody must look after it, in Unix milliseconds."""

OPEN_ROWS_KEY: Final = "intake:rows:open"
"""How many rows of all batches are accepted and have no outcome."""

WAITING_CHUNKS_KEY: Final = "intake:chunks:waiting"
"""Sorted set: id of each task that waits for another one to end → when it was accepted, in Unix milliseconds."""


def batch_key(batch_id: str) -> str:
    """The key of the batch."""
    return f"intake:batch:{batch_id}"


def chunks_key(batch_id: str) -> str:
    """The key of the sorted set that lists the batch's chunks, each by the number of its first line.

    A member is `HOW CHUNK LINES`. HOW is `o` where this batch was the first to list the chunk, and `k` where the chunk
    was known. LINES are the numbers of the rows' lines (`schemas.batch.line_numbers`).
    """
    return f"intake:batch:{batch_id}:chunks"


def claims_key(batch_id: str, bucket: int) -> str:
    """The key of a hash of emails of a validated batch: keyed hash of an email → what tells the first row with it."""
    return f"intake:batch:{batch_id}:emails:{bucket}"


def batches_key(caller: str) -> str:
    """The key of the sorted set of the caller's batches: id → when it was begun, in Unix milliseconds."""
    return f"intake:batches:of:{caller}"


def open_batches_key(caller: str) -> str:
    """The key of the set of the caller's batches that have not ended."""
    return f"intake:batches:open:{caller}"


class BatchField(StrEnum):
    """Fields of a batch. Times are Unix milliseconds by Redis' clock. Further fields are `outcome:NAME`: row counts."""

    CALLER = "caller"
    """The subject of the token that the batch came with."""
    NAME = "name"
    """What the rows belong to, as the client says."""
    MODE = "mode"
    """One of `schemas.batch.content.Mode`."""
    ORDERED = "ordered"
    """1 where a chunk starts when the one before it has ended."""
    ROWS = "rows"
    """How many rows were accepted."""
    FINISHED = "finished"
    """How many of them have an outcome."""
    UPLOAD_ENDED = "upload_ended"
    """1 once no more rows come."""
    COMPLETE = "complete"
    """1 where the upload ended as it should."""
    CANCELED = "canceled"
    """1 where the caller canceled the batch."""
    ACCEPTED_AT = "accepted_at"
    """When the batch was begun."""
    LAST_AT = "last_at"
    """When rows got their outcomes last."""
    FINISHED_AT = "finished_at"
    """When the upload had ended and the last row had its outcome."""
    EXPIRES_AT = "expires_at"
    """Until when the batch and its rows can be read; known once the batch has ended."""
    TAIL = "tail"
    """The id of the chunk that was listed last."""
    CANCEL_PLACE = "cancel_place"
    """How many chunks the cancellation has looked at."""
    TRACEPARENT = "traceparent"
    """As `schemas.protocol.keys.Field.TRACEPARENT`."""
    SETTLE_PLACE = "settle_place"
    """How many chunks SETTLE_BATCHES has looked at."""


class ChunkField(StrEnum):
    """Fields of a chunk's record, beside those of every task. Further ones are `count:OUTCOME` and `results:FIRST:END`.

    The latter hold what became of the rows from place FIRST up to, and without, END: packed results
    (`schemas.batch.row_results`), `C` where they were canceled, `P` where they are a dead letter, `W` where an operator
    has sent a dead letter again. A narrower range stands above a wider one.
    """

    ROWS = "rows"
    """How many rows the chunk or the part has. No record of a single signup has this field."""
    BATCHES = "batches"
    """The batches that list the chunk, as `oID kID …`: see `chunks_key`."""
    LINES = "lines"
    """The numbers of the rows' lines in the batch that was the first to list the chunk. Releases up to 0.2 lack it."""
    LISTED = "listed"
    """How often batches that are not settled list the chunk."""
    OPEN_PARTS = "open_parts"
    """How many tasks work on ranges of the chunk: the chunk itself, or its parts."""
    PARKED_PARTS = "parked_parts"
    """How many of its tasks are dead letters. As long as there is one, the sealed rows are kept."""
    FAILED = "failed"
    """How many rows have an outcome that may be another one when they are sent again."""
    GENERATION = "generation"
    """Of the newest chunk with the same rows. The record of the first one has it."""
    ORDERED = "ordered"
    """1 where the parts must end one after another."""
    FOLLOWERS = "followers"
    """The ids of tasks that wait for this one to end."""
    MESSAGE = "message"
    """The Celery message of a task that waits for another one to end."""
    EXPIRES_AT = "expires_at"
    """When the record is to expire, where a dead letter keeps it from that."""
    ROOT = "root"
    """Of a part: the id of its chunk."""
    FIRST = "first"
    """Of a part: the place of its first row in the chunk."""
    LAST = "last"
    """Of a part: the place after its last row."""


CANCELED: Final = b"C"
"""In place of results: the rows were canceled."""
PARKED: Final = b"P"
"""In place of results: the rows are a dead letter."""
WAITING: Final = b"W"
"""In place of results: an operator has sent the rows' dead letter again."""
