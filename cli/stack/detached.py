"""Starting `up` in the background and waiting until it is ready."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Final

import click

from cli.stack.running import holding
from local_stack.secret_files import make_private_directory
from local_stack.state_file import read_state

if TYPE_CHECKING:
    from pathlib import Path

_POLL_SECONDS: Final = 0.1
"""How often the state file is looked at."""


def start_detached(directory: Path, *, port: int, console_port: int, workers: int) -> None:
    """Start `up` in the background and return when the service is ready.

    Where `up` ends before that, this process ends with its exit code, after repeating its messages.

    Raises:
        AlreadyRunningError: another `up` holds the directory.
    """
    with holding(directory):
        pass  # checked here too, so that the error is told by this process
    logs = directory / "logs"
    make_private_directory(logs)
    log = logs / "up.log"
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "cli.main", "up", "--in-background"),
                *("--port", str(port), "--console-port", str(console_port)),
                *("--workers", str(workers), "--data-dir", str(directory)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # In a session of its own it outlives this terminal.
            start_new_session=True,
        )
    try:
        _wait_until_ready(directory, process, log)
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise click.Abort from None
    # It is meant to outlive this process. With a return code set, subprocess does not warn of that.
    process.returncode = 0


def _wait_until_ready(directory: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    """Repeat the messages of `up` until it is ready. It ends by itself where a part is not ready in time."""
    pause = threading.Event()
    with log.open(encoding="utf-8", errors="replace") as said:
        while True:
            state = read_state(directory)
            ended = process.poll() is not None
            click.echo(said.read(), err=True, nl=False)
            if state is not None and state.ready and state.supervisor.pid == process.pid:
                return
            if ended:
                sys.exit(process.returncode or 1)
            pause.wait(_POLL_SECONDS)
