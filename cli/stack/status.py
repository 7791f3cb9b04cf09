"""`customer-intake status`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from cli.options import data_dir_option
from cli.stack.running import living
from local_stack.stack import answers_ready
from local_stack.state_file import StackState, read_state

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@data_dir_option
def status(as_json: bool, directory: Path) -> None:
    """Tell what runs. The exit code is 0 where everything is ready, 1 otherwise."""
    state = read_state(directory)
    report = _report(state)
    if as_json:
        click.echo(json.dumps(report))
    elif state is None:
        click.echo(f"nothing runs in {directory}")
    else:
        click.echo(f"{report['state']}  {state.url}")
        for name, each in {"up": report["supervisor"], **report["components"]}.items():
            port = state.ports.get(name)
            where = f"  port {port}" if port else ""
            click.echo(f"  {name:<10} {'runs' if each['running'] else 'ended':<6} process {each['pid']}{where}")
    sys.exit(0 if report["state"] == "ready" else 1)


def _report(state: StackState | None) -> dict[str, Any]:
    """The report for programs. No secret is in it."""
    if state is None:
        return {"state": "stopped"}
    alive = living(state)
    everything = state.supervisor.alive and len(alive) == len(state.components)
    ready = everything and state.ready and answers_ready(state.ports["shim"])
    return {
        "state": "ready" if ready else "not ready" if state.supervisor.alive else "stale",
        "url": state.url,
        "supervisor": {"pid": state.supervisor.pid, "running": state.supervisor.alive},
        "components": {
            name: {"pid": each.pid, "running": name in alive, "port": state.ports.get(name)}
            for name, each in state.components.items()
        },
        "mongodb_uri": state.mongodb_uri,
    }
