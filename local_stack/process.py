"""A child process that can be stopped, killed, paused and started again. Its output goes to a file."""

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
    """A child process in a session of its own.

    Ctrl-C on the terminal therefore reaches only the parent, which stops its children in order. On Linux the kernel
    kills the child when the thread that started it ends, so that a killed parent leaves nothing behind. The environment
    may hold secrets and is not in the repr.
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
        """Start the process, unless it runs."""
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
                # Files that it makes, such as Redis' append-only file, are readable by their owner alone.
                umask=0o077,
            )
        finally:
            os.close(descriptor)

    @property
    def pid(self) -> int | None:
        """The id of the process that was started last, whether it still runs or not; None before the first start."""
        return self._process.pid if self._process is not None else None

    @property
    def alive(self) -> bool:
        """Whether it runs (or is paused)."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The exit code, or minus the number of the signal that ended it. None while it runs and before a start."""
        return self._process.poll() if self._process is not None else None

    def ask_to_stop(self) -> None:
        """Send SIGTERM without waiting. A paused process is resumed first, so that it can handle the signal."""
        self.resume()
        self.send(signal.SIGTERM)

    def terminate(self, timeout: float = 10.0) -> bool:
        """Ask the process to stop, and kill it after `timeout` seconds. Returns whether it stopped by itself."""
        self.ask_to_stop()
        return self.wait(timeout)

    def wait(self, timeout: float) -> bool:
        """Wait until the process has ended, and kill it after `timeout` seconds. Returns whether it ended by itself."""
        if self._process is None:
            return True
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True

    def kill(self) -> None:
        """Send SIGKILL to the process and to whatever it started, and wait until it has ended."""
        if self._process is None or not self.alive:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def pause(self) -> None:
        """Send SIGSTOP. The process then exists and does not answer, as behind a broken network."""
        self.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Send SIGCONT: let a paused process go on."""
        self.send(signal.SIGCONT)

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of its output since it was last started; "" where there is none."""
        try:
            with self.log_path.open("rb") as log:
                log.seek(max(self._log_start, log.seek(0, os.SEEK_END) - 512 * lines))
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
        """Send a signal, if the process runs."""
        if self._process is not None and self.alive:
            self._process.send_signal(number)


def _launcher() -> tuple[str, ...]:
    """What to put before a command so that the kernel ends it with this process. Empty where only Linux could do so."""
    if sys.platform != "linux":
        return ()
    # With -I and -S Python runs no code of the environment or of packages before the command.
    return (sys.executable, "-I", "-S", str(Path(die_with_parent.__file__)), str(os.getpid()))
