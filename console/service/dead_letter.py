"""A dead letter as an operator may see it: what is known of it, but its request."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from console.service.texts import readable
from schemas.ids import is_task_id
from schemas.protocol.batch_keys import ChunkField
from schemas.protocol.keys import Field, State
from schemas.protocol.reading import whole
from schemas.sealing import UnsealError, sealed_with

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHOWN_FIELDS: Final = (
    Field.STATE,
    Field.REASON,
    Field.DETAIL,
    Field.ACCEPTED_AT,
    Field.FINISHED_AT,
    Field.SENDS,
    Field.STARTS,
    Field.CALLER,
    Field.SEALED,
    ChunkField.ROWS,
    ChunkField.FIRST,
    ChunkField.ROOT,
    ChunkField.BATCHES,
)
"""Fields of a record that a `DeadLetter` is made of, in the order in which `dead_letter_of` takes them apart."""

FIELDS_WITHOUT_REQUEST: Final = tuple(each for each in SHOWN_FIELDS if each is not Field.SEALED)
"""The same but the sealed request, which of a batch's rows has a hundred kilobytes."""

CHUNK_FIELDS: Final = (Field.SEALED, ChunkField.BATCHES)
"""Fields of a chunk's record that are needed for a dead letter which is a part of that chunk."""


@dataclass(frozen=True, slots=True)
class DeadRows:
    """Which rows of batches a dead letter holds. Single signups have none."""

    chunk_id: str
    first: int
    """The place of the first one in its chunk, from 0."""
    count: int
    batches: tuple[str, ...]
    """The ids of the batches that list the chunk."""
    lines: Mapping[str, str] = field(default_factory=dict)
    """Id of a batch → the numbers of the rows' lines in it, as runs. Empty where nobody has looked for them."""

    def as_dict(self) -> dict[str, Any]:
        """The rows as fields of a JSON object."""
        fields: dict[str, Any] = {
            "batches": list(self.batches),
            "chunk": self.chunk_id,
            "place": self.first,
            "rows": self.count,
        }
        return {**fields, "lines": dict(self.lines)} if self.lines else fields


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter, as an operator may see it."""

    task_id: str
    reason: str
    detail: str
    """What else is known of the reason: an error by name, an index. Empty where nothing is."""
    accepted_at: datetime
    parked_at: datetime
    sends: int
    starts: int
    caller: str
    sealing_key: str
    """Id of the key that opens its request."""
    dead_rows: DeadRows | None

    def as_dict(self) -> dict[str, Any]:
        """The dead letter as a JSON object."""
        return {
            "id": self.task_id,
            "reason": self.reason,
            "detail": self.detail,
            "accepted_at": self.accepted_at.isoformat(),
            "parked_at": self.parked_at.isoformat(),
            "sends": self.sends,
            "starts": self.starts,
            "caller": self.caller,
            "sealing_key": self.sealing_key,
            **(self.dead_rows.as_dict() if self.dead_rows else {}),
        }


def root_of(values: Sequence[bytes | None]) -> str | None:
    """The id of the chunk of which the record with these `SHOWN_FIELDS` is a part. None if it is no part."""
    root = values[SHOWN_FIELDS.index(ChunkField.ROOT)]
    return None if root is None else root.decode("utf-8", "replace")


def without_request(values: Sequence[Any]) -> list[Any]:
    """Values of `FIELDS_WITHOUT_REQUEST` in the places of `SHOWN_FIELDS`. The id of the sealing key is not known."""
    place = SHOWN_FIELDS.index(Field.SEALED)
    return [*values[:place], None, *values[place:]]


def dead_letter_of(task_id: str, values: Sequence[Any], of_chunk: Sequence[Any] = (None, None)) -> DeadLetter | None:
    """The dead letter whose record has these values. None if the task is no dead letter.

    Args:
        task_id: the task.
        values: `SHOWN_FIELDS` of its record.
        of_chunk: `CHUNK_FIELDS` of the record of the chunk that it is a part of, if it is one.
    """
    state, reason, detail, accepted_at, parked_at, sends, starts, caller, sealed, rows, first, root, batches = values
    if state != State.FAILURE.encode():
        return None
    dead_rows = None
    if rows is not None:
        chunk_id = task_id if root is None else readable(root)
        listed = (batches or of_chunk[1] or b"").decode("utf-8", "replace").split()
        dead_rows = DeadRows(
            chunk_id, whole(first), whole(rows), tuple(each[1:] for each in listed if is_task_id(each[1:]))
        )
    return DeadLetter(
        task_id,
        readable(reason),
        readable(detail),
        _time(accepted_at),
        _time(parked_at),
        whole(sends),
        whole(starts),
        (caller or b"").decode("utf-8", "replace"),
        sealing_key_of(sealed or of_chunk[0] or b""),
        dead_rows,
    )


def sealing_key_of(sealed: bytes) -> str:
    """The id of the key that opens this envelope."""
    try:
        return sealed_with(sealed)
    except UnsealError:
        return "unknown"


def _time(milliseconds: bytes | None) -> datetime:
    try:
        return datetime.fromtimestamp(whole(milliseconds) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
