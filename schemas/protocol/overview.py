"""What an overview of the service holds: counts, lanes, samples, processes. Values without I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from schemas.protocol.steps.pausing import Pause

RATE_SECONDS: Final = 60.0
"""A rate is that of so many seconds, or of the time for which there are samples."""

_LEAST_RATE_SECONDS: Final = 3.0
"""A shorter time says nothing of a rate."""


ROOM: Final = "room"
"""What a shim lacks that turns requests away, since as many run as may."""

SILENT_SECONDS: Final = 15.0
"""A process that has not announced itself for so long may be gone. `console/page/faults.js` has the same number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What became of signups, or of rows of batches, since counting began. The protocol's own steps count."""

    accepted: int
    finished: Mapping[str, int]
    """`created`, an error code or another outcome → how many have it. Rows of dead letters are not among them."""
    parked: int
    """How often one became a dead letter."""
    requeued: int
    """How often an operator sent one again."""
    dropped: int
    """How many dead letters an operator dropped."""
    open: int
    """How many are accepted now and have neither an outcome nor are dead letters."""
    dead: int
    """How many are dead letters now."""
    at_first: int
    """How many were open or dead letters when counting began."""

    @property
    def finished_in_all(self) -> int:
        """How many have an outcome."""
        return sum(self.finished.values())

    @property
    def unaccounted(self) -> int:
        """Accepted, less what has an outcome, is open, is a dead letter or was dropped: 0, or something is lost."""
        return self.at_first + self.accepted - self.finished_in_all - self.dropped - self.open - self.dead


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneView:
    """The tasks of one lane now."""

    open: int
    """Tasks without outcome that are queued, held or on their way."""
    queued: int
    """Messages in the queue."""
    behind: int
    """Tasks that wait for another one to end. Chunks alone do that."""
    oldest_seconds: float
    """Age of the oldest open task; 0 where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSample:
    """What was counted of signups, or of rows, up to some second."""

    accepted: int
    finished: int
    open: int
    busy_since_milliseconds: int | None
    """Since when each sample has found some open; None where none is open."""
    busy_from: int
    """How many were finished by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What was counted up to some second, since counting began."""

    place: str
    """Where the sample stands among all samples."""
    at_milliseconds: int
    """By Redis' clock, in Unix milliseconds."""
    signups: UnitSample
    rows: UnitSample


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What a process says of itself. Nothing secret."""

    kind: str
    """`worker`, `shim`, or another process of ours."""
    version: str
    """Of customer-intake."""
    host: str
    pid: int
    started_at_milliseconds: int
    """By the process' own clock."""
    holds: Mapping[str, int]
    """What it works on → how many: `tasks`, `chunks`; of a shim `calls` that wait and `uploads`; of a notifier `tries`;
    of a console `viewers`."""
    per_second: float
    """Signups and rows that it ended a second since it announced itself before. Of a shim those that it accepted, of a
    notifier events that it delivered, of a console 0."""
    taking: bool
    """Whether it takes tasks, or accepts requests; of a notifier, whether it is the one that sends."""
    away: Mapping[str, int] = field(default_factory=dict)
    """Each dependency that it cannot use → since when, in Unix milliseconds by its own clock. `ROOM` is one as well."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Of these, each that answers and refuses → its code and what to mend, in words of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process that has announced itself."""

    name: str
    """A random name, new with each start."""
    silent_seconds: float
    """How long ago it last announced itself."""
    details: Details

    @property
    def is_heard(self) -> bool:
        """Whether it has announced itself lately."""
        return self.silent_seconds < SILENT_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningBatch:
    """A batch that has not ended, by what an operator may see."""

    batch_id: str
    mode: str
    rows: int
    finished: int
    upload_ended: bool
    canceled: bool
    accepted_at: int
    last_at: int | None
    """When rows got their outcomes last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """How the service does, at one instant."""

    at_milliseconds: int
    """By Redis' clock, in Unix milliseconds."""
    counted_since_milliseconds: int | None
    """When counting began. None where it has not begun yet: then no count means anything, but `open` and `dead`."""
    signups: Counts
    rows: Counts
    chunks_unaccounted: int
    """As `Counts.unaccounted`, of the tasks that work on rows."""
    signup_lane: LaneView
    chunk_lane: LaneView
    held: int
    """Tasks that workers have a lease of."""
    dead_letters: int
    """Tasks of both lanes that wait for an operator."""
    oldest_dead_letter_seconds: float
    """0 where there is none."""
    events_kept: int
    """Events in the outbox."""
    oldest_event_seconds: float
    """0 where there is none."""
    unsettled_batches: int
    """Batches that run, or ended a moment ago."""
    batches: tuple[RunningBatch, ...]
    processes: tuple[Process, ...]
    """Ordered by kind and start. One that ended without a word is among them for `FORGOTTEN_SECONDS`."""
    newest: Sample | None
    minute_ago: Sample | None
    """The oldest sample of the last `RATE_SECONDS`."""
    pause: Pause

    @property
    def unaccounted(self) -> int | None:
        """How many signups, rows and tasks of rows are accounted for by nothing, whatever the sign.

        0, or something was lost or made of nothing. None where nothing was counted yet.
        """
        if self.counted_since_milliseconds is None:
            return None
        return abs(self.signups.unaccounted) + abs(self.rows.unaccounted) + abs(self.chunks_unaccounted)

    @property
    def signups_per_second(self) -> float | None:
        """How many signups were finished a second lately while there were open ones; None where that is not known."""
        return self._busy_rate(self.signups, lambda sample: sample.signups)

    @property
    def rows_per_second(self) -> float | None:
        """The same of rows."""
        return self._busy_rate(self.rows, lambda sample: sample.rows)

    def _busy_rate(self, counts: Counts, of: Callable[[Sample], UnitSample]) -> float | None:
        if self.newest is None or self.minute_ago is None:
            return None
        since = of(self.newest).busy_since_milliseconds
        if since is None:
            return None
        finished = of(self.newest).busy_from
        if self.minute_ago.at_milliseconds > since:
            since, finished = self.minute_ago.at_milliseconds, of(self.minute_ago).finished
        seconds = (self.at_milliseconds - since) / 1000
        # After the clock was set, the times of samples say nothing.
        if not _LEAST_RATE_SECONDS <= seconds <= 2 * RATE_SECONDS:
            return None
        return max(0, counts.finished_in_all - finished) / seconds
