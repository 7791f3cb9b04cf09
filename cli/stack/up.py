"""`customer-intake up`: the whole service on this machine."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final

import click

from cli.example_call import example_curl
from cli.local_tokens import console_link, jwt_secret_path, sign_token
from cli.options import data_dir_option
from cli.stack.detached import start_detached
from cli.stack.running import AlreadyRunningError, clean_up, holding
from cli.tell import tell, tell_unknown
from local_stack.binaries import MissingServerError
from local_stack.readiness import NotReadyError, StopRequestedError
from local_stack.stack import LocalStack, PortTakenError
from local_stack.state_file import read_state
from local_stack.supervision import GaveUpError, supervise

if TYPE_CHECKING:
    from pathlib import Path

    from local_stack.state_file import StackState

DEFAULT_PORT: Final = 3005
"""Where the shim listens unless told otherwise."""

_MAXIMUM_PORT: Final = 65535
"""The highest TCP port."""

_EXAMPLE_CALLER: Final = "me"
"""The caller in the printed curl; `submit` uses it too."""

_FAILED: Final = 1
"""Exit code: a part did not start, or ended again and again."""

_REFUSED: Final = 2
"""Exit code: the port or the data directory is in use."""


@click.command()
@click.option("--detach", is_flag=True, help="Go on in the background: see `status` and `down`.")
@click.option(
    "--port",
    type=click.IntRange(0, _MAXIMUM_PORT),
    default=DEFAULT_PORT,
    show_default=True,
    help="Where the shim listens; 0: any free port.",
)
@click.option(
    "--console-port",
    type=click.IntRange(-1, _MAXIMUM_PORT),
    help="Where the operators' page listens: by default on the port after --port; 0: any free port, -1: no page.",
)
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Worker processes.")
@data_dir_option
@click.option("--in-background", is_flag=True, hidden=True, help="Used by --detach: prints no token.")
def up(  # noqa: PLR0917 - click gives them by name
    detach: bool, port: int, console_port: int | None, workers: int, directory: Path, in_background: bool
) -> None:
    """Start Redis, MongoDB, workers and the shim, and watch over them until Ctrl-C."""
    # Files that this process and its children make from here on are readable by their owner alone.
    os.umask(0o077)
    console_port = _console_port(port) if console_port is None else console_port
    if not detach:
        tell_unknown(os.environ)
    try:
        if detach:
            start_detached(directory, port=port, console_port=console_port, workers=workers)
            _tell_how_to_use(directory)
            click.echo("`customer-intake down` stops everything.")
            return
        with holding(directory):
            code = _run(directory, port=port, console_port=console_port, workers=workers, in_background=in_background)
    except AlreadyRunningError as error:
        tell(f"{error} in {directory}; `customer-intake status` tells more, `customer-intake down` stops it")
        code = _REFUSED
    except PortTakenError as error:
        tell(f"{error}; choose others with --port and --console-port (make run ARGS='--port 8080'), or --port 0")
        code = _REFUSED
    except (MissingServerError, NotReadyError, GaveUpError) as error:
        tell(str(error))
        code = _FAILED
    sys.exit(code)


def _run(directory: Path, *, port: int, console_port: int, workers: int, in_background: bool) -> int:
    stopping = _stop_on_signals()
    for name in clean_up(directory):
        tell(f"ended {name}, left over from an earlier run")
    stack = LocalStack(
        directory,
        port=port,
        console_port=None if console_port < 0 else console_port,
        workers=workers,
        stopping=stopping,
        tell=tell,
    )
    try:
        stack.start(lambda name: tell(f"starting {name} ..."))
        if not in_background:
            _tell_how_to_use(directory)
            click.echo("Ctrl-C stops everything.")
        supervise(
            stack.processes,
            stopping=stopping,
            tell=tell,
            restarted=lambda: stack.record(ready=True),
        )
    except StopRequestedError:
        pass
    finally:
        tell("stopping ...")
        for name in stack.stop():
            tell(f"{name} did not stop in time and was killed")
    tell("stopped")
    return 0


def _stop_on_signals() -> threading.Event:
    """Have Ctrl-C, SIGTERM and SIGHUP ask for an orderly stop. A second signal does not break the stop off."""
    stopping = threading.Event()

    def ask(_number: int, _frame: object) -> None:
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask)
    return stopping


def _tell_how_to_use(directory: Path) -> None:
    state = read_state(directory)
    if state is None:
        return
    token = sign_token(jwt_secret_path(directory), sub=_EXAMPLE_CALLER)
    click.echo(
        f"\n  service    {state.url}/services/customer/v1/customer.create\n"
        f"{_console_line(directory, state)}"
        f"  interface  {state.url}/docs\n"
        f"  metrics    {state.url}/metrics\n"
        f"  logs       {directory / 'logs'}\n\n"
        "Try it (the token is good for a day):\n\n"
        f"{example_curl(state.url, token)}\n"
    )


def _console_port(port: int) -> int:
    """Where the console listens unless told otherwise; -1 where there is no port after the last one."""
    return 0 if port == 0 else port + 1 if port < _MAXIMUM_PORT else -1


def _console_line(directory: Path, state: StackState) -> str:
    if (port := state.ports.get("console")) is None:
        return ""
    return f"  console    {console_link(jwt_secret_path(directory), port)}  (works once, for an hour)\n"
