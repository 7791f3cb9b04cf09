"""The rows of a run that were read and have no result yet. Their number is bounded, however long the file."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Row:
    """One line of the file."""

    line: int
    """The line's number, from 1."""
    body: bytes = field(repr=False)
    read_at: float
    """When the line was read, by the monotonic clock."""
    task_id: str | None = None


class RowWindow:
    """Hands rows on: from the thread that reads the file to threads that post, then to threads that read outcomes.

    Every call that waits ends as soon as the window is stopped.
    """

    def __init__(self, *, rows: int, unsent: int) -> None:
        """Make an empty window.

        Args:
            rows: how many it holds at the most.
            unsent: how many of them may be not accepted yet. Only these keep their line in memory.
        """
        self._maximum_rows = rows
        self._maximum_unsent = unsent
        lock = threading.Lock()
        self._room = threading.Condition(lock)
        self._posts = threading.Condition(lock)
        self._reads = threading.Condition(lock)
        self._over = threading.Condition(lock)
        self._rows: set[Row] = set()
        self._to_post: deque[Row] = deque()
        self._to_read: deque[Row] = deque()
        self._unsent: set[Row] = set()
        self._complete = False
        self.stopped = threading.Event()

    def add(self, row: Row) -> bool:
        """Wait for room and take a row in. Returns False, and takes nothing, once the window is stopped."""
        with self._room:
            while not self.stopped.is_set() and (
                len(self._rows) >= self._maximum_rows or len(self._unsent) >= self._maximum_unsent
            ):
                self._room.wait()
            if self.stopped.is_set():
                return False
            self._rows.add(row)
            self._unsent.add(row)
            self._to_post.append(row)
            self._posts.notify()
            return True

    def complete(self) -> None:
        """Say that no further row will be added."""
        with self._room:
            self._complete = True
            self._end_if_over()

    def next_to_post(self) -> Row | None:
        """Wait for a row that is to be posted; returns None when no further one will come."""
        return self._next(self._to_post, self._posts)

    def next_to_read(self) -> Row | None:
        """Wait for a row whose outcome is to be read, the oldest first; returns None when no further one will come."""
        return self._next(self._to_read, self._reads)

    def accepted(self, row: Row) -> None:
        """The row was posted and accepted: drop its line, and queue it for reading its outcome."""
        with self._room:
            row.body = b""
            self._unsent.discard(row)
            self._to_read.append(row)
            self._reads.notify()
            self._room.notify()

    def read_later(self, row: Row) -> None:
        """The row has no outcome yet: queue it again, behind the others."""
        with self._room:
            self._to_read.append(row)
            self._reads.notify()

    def finish(self, row: Row) -> bool:
        """Remove a row that has its result. Returns False where `clear` has handed it over already."""
        with self._room:
            if row not in self._rows:
                return False
            self._rows.remove(row)
            self._unsent.discard(row)
            self._room.notify()
            self._end_if_over()
            return True

    def stop(self) -> None:
        """End every wait. The rows stay in the window until `clear`."""
        with self._room:
            self.stopped.set()
            self._wake_all()

    def clear(self) -> list[Row]:
        """Remove all rows that are left and return them in the order of their lines."""
        with self._room:
            left = sorted(self._rows, key=lambda row: row.line)
            self._rows.clear()
            return left

    def wait_until_over(self, seconds: float) -> bool:
        """Wait until all rows are done or the window is stopped. Returns False where neither happens in `seconds`."""
        with self._over:
            return self._over.wait_for(lambda: self._is_over() or self.stopped.is_set(), seconds)

    def __len__(self) -> int:
        """How many rows are in the window."""
        with self._room:
            return len(self._rows)

    def _next(self, queue: deque[Row], queued: threading.Condition) -> Row | None:
        with queued:
            while not queue and not self._is_over() and not self.stopped.is_set():
                queued.wait()
            return None if self.stopped.is_set() or not queue else queue.popleft()

    def _is_over(self) -> bool:
        return self._complete and not self._rows

    def _end_if_over(self) -> None:
        if self._is_over():
            self._wake_all()

    def _wake_all(self) -> None:
        for condition in (self._room, self._posts, self._reads, self._over):
            condition.notify_all()
