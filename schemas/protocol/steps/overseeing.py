"""The steps of whoever shows how the service does: one look at all of it, the last hour, and which processes run."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, Final

from schemas.protocol.lua_files import load_script
from schemas.protocol.overall import HISTORY_KEY, PROCESSES_KEY, PROCESSES_SEEN_KEY
from schemas.protocol.overview import (
    RATE_SECONDS,
    Counts,
    Details,
    LaneView,
    Overview,
    Process,
    RunningBatch,
    Sample,
    UnitSample,
)
from schemas.protocol.reading import MOST, whole
from schemas.protocol.steps.pausing import pause_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from schemas.protocol.call import Call, Script

_READ_OVERVIEW: Final[Script] = load_script("read_overview")
"""The step that reads how the service does."""
_READ_HISTORY: Final[Script] = load_script("read_history")
"""The step that reads the samples of the last hour."""
_SAMPLE: Final[Script] = load_script("sample")
"""The step that keeps one sample a second."""
_ANNOUNCE: Final[Script] = load_script("announce")
"""The step by which a process tells that it runs."""
_LEAVE: Final[Script] = load_script("leave")
"""The step by which a process tells that it has ended."""

HISTORY_SECONDS: Final = 3600
"""For how long samples are kept, if there is one each second."""

SAMPLES_A_CALL: Final = 100
"""Samples that one call reads. Redis does nothing else while it runs, for half a millisecond."""

FORGOTTEN_SECONDS: Final = 600.0
"""A process that has been silent for so long is not told of any more."""

_MOST_DETAILS_BYTES: Final = 16 * 1024
"""Of what a process says of itself. Ours say some hundred bytes."""

_FINISHED: Final = "finished:"
"""How the names of counts begin that count by outcome, after the unit."""


def read_overview(*, batches: int = 0, processes: bool = False) -> Call[Overview]:
    """How the service does, at one instant. Changes nothing.

    Args:
        batches: how many running batches are told of at most. Up to nine times as many that have ended are passed over.
        processes: whether the processes are told of.
    """
    return _READ_OVERVIEW.call(
        _overview,
        keys={},
        arguments={"most_batches": batches, "span": int(1000 * RATE_SECONDS), "with_processes": int(processes)},
    )


def read_history(*, after: str = "") -> Call[tuple[Sample, ...]]:
    """Up to `SAMPLES_A_CALL` samples in their order. Changes nothing.

    `after` is the place of the last one that the caller has, and empty for the very first. Where the reply has fewer
    than `SAMPLES_A_CALL`, there are no more.
    """
    return _READ_HISTORY.call(
        lambda reply: tuple([_sample(each) for each in reply]),
        keys={"history": HISTORY_KEY},
        arguments={"after": after or "-", "most": int(SAMPLES_A_CALL)},
    )


def sample(*, most: int = HISTORY_SECONDS) -> Call[bool]:
    """Keep what was counted up to now, once a second; the reply says whether this call did.

    Whichever process comes first in a second does it for all. Counting begins with the first sample. About `most`
    samples are kept.
    """
    return _SAMPLE.call(bool, keys={}, arguments={"most": most})


def announce(name: str, details: Details) -> Call[int]:
    """Tell that a process runs, and what it does. The reply is how many others were forgotten.

    Args:
        name: a random name of the process.
        details: what it says of itself.
    """
    return _ANNOUNCE.call(
        int,
        keys={"processes": PROCESSES_KEY, "processes_seen": PROCESSES_SEEN_KEY},
        arguments={
            "name": name,
            "details": json.dumps(asdict(details), separators=(",", ":")),
            "forgotten_milliseconds": int(1000 * FORGOTTEN_SECONDS),
        },
    )


def leave(name: str) -> Call[bool]:
    """Tell that a process has ended."""
    return _LEAVE.call(
        bool, keys={"processes": PROCESSES_KEY, "processes_seen": PROCESSES_SEEN_KEY}, arguments={"name": name}
    )


_DETAILS: Final = frozenset(each.name for each in fields(Details))
"""The names of what a process says of itself."""


def _overview(reply: Any) -> Overview:
    now, counted, signups, chunks, open_rows, held, dead, oldest_dead = reply[:8]
    events, oldest_event, unsettled, running, processes, seen, newest, minute_ago, pause = reply[8:]
    counts = {name.decode("utf-8", "replace"): whole(value) for name, value in _pairs(counted)}
    dead_chunks, dead_rows = counts.get("chunks:dead", 0), counts.get("rows:dead", 0)
    began = "since" in counts
    return Overview(
        at_milliseconds=now,
        counted_since_milliseconds=counts.get("since"),
        signups=_counts("signups:", counts, open_=signups[0], dead=dead - dead_chunks),
        rows=_counts("rows:", counts, open_=open_rows, dead=dead_rows),
        chunks_unaccounted=(
            counts.get("chunks:at_first", 0) + counts.get("chunks:open", 0) - chunks[0] - chunks[2] if began else 0
        ),
        signup_lane=_lane(signups, now),
        chunk_lane=_lane(chunks, now),
        held=held,
        dead_letters=dead,
        oldest_dead_letter_seconds=_age(oldest_dead, now),
        events_kept=events,
        oldest_event_seconds=_age(oldest_event, now),
        unsettled_batches=unsettled,
        batches=tuple([_running_batch(each) for each in running]),
        processes=_processes(processes, seen, now),
        newest=_sample(newest) if newest else None,
        minute_ago=_sample(minute_ago) if minute_ago else None,
        pause=pause_of(pause),
    )


def _counts(unit: str, counts: Mapping[str, int], *, open_: int, dead: int) -> Counts:
    begins = unit + _FINISHED
    return Counts(
        accepted=counts.get(f"{unit}accepted", 0),
        finished={name.removeprefix(begins): count for name, count in counts.items() if name.startswith(begins)},
        parked=counts.get(f"{unit}parked", 0),
        requeued=counts.get(f"{unit}requeued", 0),
        dropped=counts.get(f"{unit}dropped", 0),
        open=open_,
        dead=dead,
        at_first=counts.get(f"{unit}at_first", 0),
    )


def _lane(reply: Any, now: int) -> LaneView:
    open_, queued, behind, oldest = reply
    return LaneView(open=open_, queued=queued, behind=behind, oldest_seconds=_age(oldest, now))


def _age(since: int | None, now: int) -> float:
    return 0.0 if since is None else max(0, now - since) / 1000


def _running_batch(reply: Any) -> RunningBatch:
    mode, rows, finished, upload_ended, canceled, accepted_at, last_at, batch_id = reply
    return RunningBatch(
        batch_id=batch_id.decode("utf-8", "replace"),
        mode=mode.decode("utf-8", "replace"),
        rows=whole(rows),
        finished=whole(finished),
        upload_ended=upload_ended == b"1",
        canceled=canceled == b"1",
        accepted_at=whole(accepted_at),
        last_at=None if last_at is None else whole(last_at),
    )


def _processes(told: Any, seen: Any, now: int) -> tuple[Process, ...]:
    details = dict(_pairs(told))
    found = [
        Process(name=name.decode("utf-8", "replace"), silent_seconds=_age(whole(at), now), details=read)
        for name, at in _pairs(seen)
        if name in details and (read := _details(details[name])) is not None
    ]
    return tuple(sorted(found, key=lambda each: (each.details.kind, each.details.started_at_milliseconds, each.name)))


def _details(told: bytes) -> Details | None:
    """What a process says of itself. None where it is not in the form of this release: it must not hide all others."""
    if len(told) > _MOST_DETAILS_BYTES:
        return None
    try:
        said = json.loads(told)
        # A process of a newer release may say more.
        details = Details(**{name: value for name, value in said.items() if name in _DETAILS})
        counts = [*details.holds.values(), *details.away.values(), details.pid, details.started_at_milliseconds]
        texts = (details.kind, details.version, details.host, *details.refused.values())
        is_read = all(map(_is_count, counts)) and all(isinstance(each, str) for each in texts)
        return details if is_read and math.isfinite(details.per_second) else None
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and abs(value) < MOST


def _sample(reply: Any) -> Sample:
    place, told = reply
    fields = {name.decode("utf-8", "replace"): whole(value) for name, value in _pairs(told)}
    return Sample(
        place=place.decode(),
        # Its place begins with its time, unless the clock was set back.
        at_milliseconds=fields.get("at") or whole(place.partition(b"-")[0]),
        signups=_unit_sample("signups_", fields),
        rows=_unit_sample("rows_", fields),
    )


def _unit_sample(unit: str, fields: Mapping[str, int]) -> UnitSample:
    return UnitSample(
        accepted=fields.get(f"{unit}accepted", 0),
        finished=fields.get(f"{unit}finished", 0),
        open=fields.get(f"{unit}open", 0),
        busy_since_milliseconds=fields.get(f"{unit}busy_since"),
        busy_from=fields.get(f"{unit}busy_from", 0),
    )


def _pairs(flat: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(flat[::2], flat[1::2], strict=True)
