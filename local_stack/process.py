"""One child process that can be stopped, killed, paused and started again, and whose output is kept in a file."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from local_stack import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ManagedProcess:
    """A process of its own session: Ctrl-C on the terminal reaches only the parent, which stops things in order.

    On Linux the kernel kills it when the thread that started it ends, so that a killed parent leaves nothing behind.
    The environment may hold secrets and is in no repr.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log_path: Path,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> None:
        self.name = name
        self.log_path = log_path
        self._command = tuple(command)
        self._environment = environment
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        """How long the log was when the process was last started."""

    def __repr__(self) -> str:
        return f"ManagedProcess({self.name!r}, pid={self.pid}, alive={self.alive})"

    def start(self) -> None:
        """Start it, unless it runs."""
        if self.alive:
            return
        descriptor = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._log_start = os.fstat(descriptor).st_size
            self._process = subprocess.Popen(
                [*_launcher(), *self._command],
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=subprocess.STDOUT,
                env=None if self._environment is None else dict(self._environment),
                cwd=self._directory,
                start_new_session=True,
                # What it writes (Redis' log of everything, for one) is its owner's alone.
                umask=0o077,
            )
        finally:
            os.close(descriptor)

    @property
    def pid(self) -> int | None:
        """The id of the process that was started last, whether it lives or not."""
        return self._process.pid if self._process is not None else None

    @property
    def alive(self) -> bool:
        """Whether it runs (or is paused)."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How it ended; negative: by that signal. None while it runs or was never started."""
        return self._process.poll() if self._process is not None else None

    def ask_to_stop(self) -> None:
        """SIGTERM, without waiting; a paused process is woken, or it would not hear."""
        self.resume()
        self.send(signal.SIGTERM)

    def terminate(self, timeout: float = 10.0) -> bool:
        """Ask it to stop and wait; killed after `timeout`. Returns whether it stopped by itself."""
        self.ask_to_stop()
        return self.wait(timeout)

    def wait(self, timeout: float) -> bool:
        """Wait until it has ended; killed after `timeout`. Returns whether it ended by itself."""
        if self._process is None:
            return True
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True

    def kill(self) -> None:
        """SIGKILL to it and whatever it started, and wait until it is gone."""
        if self._process is None or not self.alive:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def pause(self) -> None:
        """SIGSTOP: it is there and does not answer, as behind a broken network."""
        self.send(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self.send(signal.SIGCONT)

    def restart(self, timeout: float = 10.0) -> None:
        """Stop it and start it again."""
        self.terminate(timeout)
        self.start()

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of what it printed."""
        try:
            with self.log_path.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - 512 * lines))
                text = log.read().decode("utf-8", "replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def has_logged(self, text: str, *, within_bytes: int = -1) -> bool:
        """Whether its output since it was last started contains `text`.

        Args:
            text: what is looked for.
            within_bytes: how much of that output is read, from its beginning; a negative number means all.
        """
        try:
            with self.log_path.open("rb") as log:
                log.seek(self._log_start)
                return text.encode() in log.read(within_bytes)
        except OSError:
            return False

    def send(self, number: signal.Signals) -> None:
        """Any signal, where it lives."""
        if self._process is not None and self.alive:
            self._process.send_signal(number)


def _launcher() -> tuple[str, ...]:
    """What stands in front of a command so that it ends with this process; nothing where there is no such request."""
    if sys.platform != "linux":
        return ()
    # -I and -S: nothing of the environment's or of any package is run before the command.
    return (sys.executable, "-I", "-S", str(Path(die_with_parent.__file__)), str(os.getpid()))
