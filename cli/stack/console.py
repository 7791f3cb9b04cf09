"""`customer-intake console`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.local_tokens import console_link, jwt_secret_path
from cli.options import data_dir_option
from local_stack.state_file import read_state

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@data_dir_option
def console(directory: Path) -> None:
    """Print a link that opens the operators' page of the local stack once."""
    state = read_state(directory)
    if state is None or "console" not in state.ports:
        raise click.ClickException(f"no console runs in {directory}; `customer-intake up` starts one")
    click.echo(console_link(jwt_secret_path(directory), state.ports["console"]))
