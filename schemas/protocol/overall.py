"""The names of what is kept in Redis of the service as a whole: counts, samples of them, and the processes that run.

The counts are moved by the steps themselves, in the same script as what they count. So at every instant, what was
accepted is what has an outcome, is open, is a dead letter or was dropped. Counting began with release 0.3: a process of
an earlier one moves nothing here (see `docs/upgrading.md`).

The fields of `COUNTS_KEY`, with `UNIT` for `signups` or `rows`:

- `since`: when counting began, in Unix milliseconds. SAMPLE writes it, with `UNIT:at_first` and `chunks:at_first`.
- `UNIT:accepted`, `UNIT:parked`, `UNIT:requeued`, `UNIT:dropped`, and `UNIT:finished:OUTCOME`: how many.
- `rows:dead`: rows of dead letters now.
- `chunks:open`: tasks of rows that were begun, less those that left the indexes.
- `chunks:dead`: dead letters now that are tasks of rows.

`UNIT:at_first` is what was open or a dead letter when counting began. It makes the balance right from then on. SAMPLE
looks then which dead letters are tasks of rows. Where there are more than 10,000 it takes those for signups of which no
step has counted that they are not.
"""

from __future__ import annotations

from typing import Final

COUNTS_KEY: Final = "intake:counts"
"""Hash: name of a count → its value. `lua/includes/count_overall.lua` has the same name."""

HISTORY_KEY: Final = "intake:history"
"""Stream: one entry for each second of the last hour in which a process ran. Its fields are those of
`schemas.protocol.steps.overseeing.Sample`."""

PROCESSES_KEY: Final = "intake:processes"
"""Hash: random name of a process that runs → what it says of itself, as JSON."""

PROCESSES_SEEN_KEY: Final = "intake:processes:seen"
"""Sorted set: the same names → when the process last said so, in Unix milliseconds."""
