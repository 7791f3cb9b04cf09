"""The rows that are on the way: as many as there is room for, however long the file."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Row:
    """One line of the file."""

    line: int
    """Its number, from 1."""
    body: bytes = field(repr=False)
    read_at: float
    """By the monotonic clock."""
    task_id: str | None = None


class RowWindow:
    """Hands rows from the thread that reads the file to those that post, and from these to those that read outcomes.

    Every call that waits ends as soon as the window is stopped.
    """

    def __init__(self, *, rows: int, unsent: int) -> None:
        """At most `rows` on the way, of which at most `unsent` have not been accepted: these still hold their lines."""
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
        """Wait for room and take a row in; False once the window is stopped."""
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
        """No row follows."""
        with self._room:
            self._complete = True
            self._end_if_over()

    def next_to_post(self) -> Row | None:
        """Wait for a row that is to be posted; None when there will be none."""
        return self._next(self._to_post, self._posts)

    def next_to_read(self) -> Row | None:
        """Wait for a row whose outcome is to be read, the oldest first; None when there will be none."""
        return self._next(self._to_read, self._reads)

    def accepted(self, row: Row) -> None:
        """It was posted, and its outcome is to be read."""
        with self._room:
            row.body = b""
            self._unsent.discard(row)
            self._to_read.append(row)
            self._reads.notify()
            self._room.notify()

    def read_later(self, row: Row) -> None:
        """It has no outcome yet: others first."""
        with self._room:
            self._to_read.append(row)
            self._reads.notify()

    def finish(self, row: Row) -> bool:
        """It leaves; whether it was there still, and not handed over by `clear`."""
        with self._room:
            if row not in self._rows:
                return False
            self._rows.remove(row)
            self._unsent.discard(row)
            self._room.notify()
            self._end_if_over()
            return True

    def stop(self) -> None:
        """End every wait; rows stay where they are until `clear`."""
        with self._room:
            self.stopped.set()
            self._wake_all()

    def clear(self) -> list[Row]:
        """Hand over the rows that are still here, in the order of their lines."""
        with self._room:
            left = sorted(self._rows, key=lambda row: row.line)
            self._rows.clear()
            return left

    def wait_until_over(self, seconds: float) -> bool:
        """Wait until every row has left and none follows, or the window is stopped; False where that takes longer."""
        with self._over:
            return self._over.wait_for(lambda: self._is_over() or self.stopped.is_set(), seconds)

    def __len__(self) -> int:
        """How many rows are on the way."""
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
