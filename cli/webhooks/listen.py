"""`customer-intake webhooks listen`: a receiver that verifies what comes and prints it, for trying webhooks out."""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from cli.tell import tell
from cli.webhooks.receiver import serve
from notifier.endpoints.endpoints import read_endpoints
from notifier.endpoints.endpoints_file import SECRET_PREFIX, EndpointsFileError

if TYPE_CHECKING:
    from notifier.endpoints.endpoint import Endpoint

_NAME: Final = "listen"
"""The endpoint's name in a file that this command writes."""
_SECRET_BYTES: Final = 32
"""Length of a secret that this command makes."""
_DEFAULT_PORT: Final = 8787
"""Where it listens unless told otherwise."""


@click.command()
@click.option(
    "--file",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file of endpoints. Where there is none, it is written, with one endpoint and a new secret.  "
    "[default: INTAKE_WEBHOOKS_FILE]",
)
@click.option("--endpoint", "name", default=_NAME, show_default=True, help="Whose secrets verify what comes.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=_DEFAULT_PORT, show_default=True, help="0: any free port."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address on which it listens.")
@click.option(
    "--answer", type=click.IntRange(200, 599), default=204, show_default=True, help="The status it answers with."
)
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object a line.")
def listen(*, file: Path | None, name: str, port: int, host: str, answer: int, as_json: bool) -> None:
    """Receive webhooks, verify their signatures and print them, until Ctrl-C."""
    if file is None and os.environ.get("INTAKE_WEBHOOKS_FILE"):
        file = Path(os.environ["INTAKE_WEBHOOKS_FILE"])
    if file is None:
        raise click.UsageError("name a file of endpoints with --file, or set INTAKE_WEBHOOKS_FILE")

    def ready(bound: int) -> list[bytes]:
        if not file.exists():
            _write(file, port=bound)
            tell(f"wrote {file} with the endpoint {_NAME}")
        tell(f"listening on http://{host}:{bound}/, Ctrl-C ends it")
        return [secret.get_secret_value() for secret in _endpoint(file, name).secrets]

    try:
        serve(host, port, ready=ready, answer=answer, on_received=_print_json if as_json else _print)
    except OSError as error:
        raise click.ClickException(f"cannot listen there: {error.strerror}") from None
    except KeyboardInterrupt:
        pass


def _endpoint(file: Path, name: str) -> Endpoint:
    try:
        endpoints = read_endpoints(file, allow_http=True)
    except EndpointsFileError as error:
        raise click.ClickException(f"{file}: {'; '.join(error.faults)}") from None
    for each in endpoints:
        if each.name == name:
            return each
    raise click.UsageError(f"{file} has no endpoint {name}: name one with --endpoint")


def _write(file: Path, *, port: int) -> None:
    secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    text = f'[[endpoint]]\nname = "{_NAME}"\nurl = "http://127.0.0.1:{port}/"\nsecrets = ["{secret}"]\n'
    try:
        # It holds a secret, so nobody else may read it.
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        raise click.ClickException(f"cannot write {file}: {error.strerror}") from None


def _print(received: dict[str, Any]) -> None:
    if received["fault"]:
        click.echo(f"refused: {received['fault']}")
        return
    event = received["event"]
    again = "  (again)" if received["again"] else ""
    delay = f"{received['milliseconds']:.0f} ms after it happened"
    click.echo(f"{received['id']}  {event.get('type')}  {json.dumps(event.get('data'))}  verified, {delay}{again}")


def _print_json(received: dict[str, Any]) -> None:
    click.echo(json.dumps(received))
