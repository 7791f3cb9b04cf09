"""An overview as the page gets it, as plain JSON: counts, ids and codes, nothing personal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from console.service.texts import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from console.service.history import Point
    from schemas.protocol.overview import Counts, LaneView, Overview, Process, RunningBatch, UnitSample


_OLD_MILLISECONDS: Final = 10_000
"""There is a sample a second, as long as a worker or a shim runs and Redis takes writes."""


def shown(overview: Overview, *, points: Sequence[Point]) -> dict[str, Any]:
    """The overview as a JSON object, with the points of the chart that are new since the one before."""
    return {
        "at": overview.at_milliseconds,
        "since": overview.counted_since_milliseconds,
        "unaccounted": overview.unaccounted,
        "signups": _counts(overview.signups),
        "rows": _counts(overview.rows),
        "lanes": {"signups": _lane(overview.signup_lane), "chunks": _lane(overview.chunk_lane)},
        "accepted_per_second": _lately(overview, lambda each: each.accepted),
        "finished_per_second": _lately(overview, lambda each: each.finished),
        "seconds_left": _seconds_left(overview),
        "dead": {"count": overview.dead_letters, "oldest_seconds": overview.oldest_dead_letter_seconds},
        "batches": [_batch(each) for each in sorted(overview.batches, key=_age)],
        "processes": [_process(each) for each in overview.processes],
        "paused": {
            "what": overview.pause.what.value,
            "by": readable(overview.pause.by),
            "at": overview.pause.at_milliseconds,
        },
        "points": points,
    }


def _counts(counts: Counts) -> dict[str, Any]:
    return {
        "at_first": counts.at_first,
        "accepted": counts.accepted,
        "finished": _by_name(counts.finished),
        "parked": counts.parked,
        "requeued": counts.requeued,
        "dropped": counts.dropped,
        "open": counts.open,
        "dead": counts.dead,
    }


def _by_name(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts by names that can be shown. Two names that look alike are one, so that no count is missing."""
    shown: Counter[str] = Counter()
    for name, count in counts.items():
        shown[readable(name)] += count
    return dict(shown)


def _lane(lane: LaneView) -> dict[str, Any]:
    return {
        "open": lane.open,
        "queued": lane.queued,
        "behind": lane.behind,
        "oldest_seconds": round(lane.oldest_seconds, 1),
    }


def _age(batch: RunningBatch) -> tuple[int, str]:
    """By what batches stand on the page. Redis has them by when they are due for a look, which changes all the time."""
    return batch.accepted_at, batch.batch_id


def _batch(batch: RunningBatch) -> dict[str, Any]:
    return {
        "id": readable(batch.batch_id),
        "mode": readable(batch.mode),
        "rows": batch.rows,
        "finished": batch.finished,
        "upload_ended": batch.upload_ended,
        "canceled": batch.canceled,
        "accepted_at": batch.accepted_at,
        "last_at": batch.last_at,
    }


def _process(process: Process) -> dict[str, Any]:
    details = process.details
    return {
        "name": readable(process.name),
        "kind": readable(details.kind),
        "version": readable(details.version),
        "host": readable(details.host),
        "pid": details.pid,
        "started_at": details.started_at_milliseconds,
        "silent_seconds": round(process.silent_seconds, 1),
        "holds": _by_name(details.holds),
        "per_second": round(details.per_second, 1),
        "taking": details.taking,
        # What it finds away → since when, in Unix milliseconds.
        "away": dict(details.away),
        # Which of it answers and refuses → why.
        "refused": {name: readable(why) for name, why in details.refused.items()},
    }


def _lately(overview: Overview, of: Callable[[UnitSample], int]) -> float | None:
    """How many signups and rows there were of this a second, in the last minute."""
    newest, oldest = overview.newest, overview.minute_ago
    if newest is None or oldest is None or newest.at_milliseconds <= oldest.at_milliseconds:
        return None
    if overview.at_milliseconds - newest.at_milliseconds > _OLD_MILLISECONDS:
        return None  # no process can keep samples: what was counted until then says nothing of now
    more = of(newest.signups) + of(newest.rows) - of(oldest.signups) - of(oldest.rows)
    return round(1000 * max(0, more) / (newest.at_milliseconds - oldest.at_milliseconds), 1)


def _seconds_left(overview: Overview) -> float | None:
    """The time until nothing waits, at the rates of the last minute. Signups and rows share the workers."""
    waiting = overview.signups.open + overview.rows.open
    if waiting == 0:
        return 0.0
    rate = (overview.signups_per_second or 0.0) + (overview.rows_per_second or 0.0)
    return round(waiting / rate, 1) if rate > 0 else None
