"""`customer-intake down`."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Final

import click

from cli.options import data_dir_option
from cli.stack.running import AlreadyRunningError, clean_up, holding, wait_for_end
from cli.tell import tell
from local_stack.stack import SHIM_STOP_SECONDS, WORKER_STOP_SECONDS
from local_stack.state_file import read_state

if TYPE_CHECKING:
    from pathlib import Path

_SERVERS_SECONDS: Final = 40.0
"""How long Redis and MongoDB may take to stop."""


@click.command()
@data_dir_option
def down(directory: Path) -> None:
    """Stop what `up` started, in order. Data and secrets stay."""
    state = read_state(directory)
    if state is None:
        click.echo(f"nothing runs in {directory}")
        return
    if state.supervisor.alive:
        os.kill(state.supervisor.pid, signal.SIGTERM)
        if not wait_for_end([state.supervisor], SHIM_STOP_SECONDS + WORKER_STOP_SECONDS + _SERVERS_SECONDS):
            tell(f"process {state.supervisor.pid} does not stop; see {directory / 'logs'}")
            sys.exit(1)
    try:
        with holding(directory):
            clean_up(directory)
    except AlreadyRunningError as error:
        tell(f"{error} again")
        sys.exit(1)
    click.echo("stopped")
