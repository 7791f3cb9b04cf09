"""`customer-intake webhooks`: who is sent events, and what became of them."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import time
from typing import TYPE_CHECKING, Final, TypeVar

import click

from cli.operator_redis import names_redis, operator_redis
from cli.options import data_dir_option
from cli.tell import tell
from cli.webhooks.listen import listen
from cli.webhooks.tables import ENDPOINTS_HEADER, endpoint_dict, endpoint_line
from console.service.endpoints import known_endpoints
from local_stack.environments import TO_THIS_MACHINE
from local_stack.state_file import read_state
from notifier.endpoints.endpoints import read_endpoints
from notifier.endpoints.endpoints_file import EndpointsFileError
from notifier.sending.sender import Sender
from notifier.sending.tls import tls_of_endpoints
from notifier.settings import read_sending_settings, read_webhooks_file
from schemas.events import event_payload
from schemas.protocol.steps import delivering
from schemas.protocol.steps.delivering import OffReason
from startup.broker.calls import send
from startup.environment import EnvironmentReader, SettingsError
from startup.linear_h11 import make_h11_linear

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from notifier.endpoints.endpoint import Endpoint
    from notifier.sending.answers import Answer
    from notifier.settings import SendingSettings
    from schemas.protocol.call import Call

Reply = TypeVar("Reply")

_TEST_TYPE: Final = "webhook.test"
"""The type of the event that `test` sends. No other event has it."""

_json_option = click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object a line.")


@click.group("webhooks")
def webhooks() -> None:
    """Webhooks: events that are sent to the endpoints of INTAKE_WEBHOOKS_FILE.

    The Redis is that of INTAKE_REDIS_URL (or INTAKE_REDIS_URL_FILE), else that of the local stack.
    """


webhooks.add_command(listen)


@webhooks.command("list")
@_json_option
@data_dir_option
def list_(directory: Path, as_json: bool) -> None:
    """List the endpoints: whether events are sent to them, and what they lack.

    Endpoints of the file come first, where INTAKE_WEBHOOKS_FILE is set. Others have been in it before.
    """
    in_file = _names_in_file(directory)
    with operator_redis(directory) as client:
        known = [name for name in known_endpoints(client) if name not in (in_file or ())]
        names = [*(in_file or ()), *known]
        states = {name: _run(client, delivering.read_endpoint(name)) for name in names}
    if not as_json and names:
        click.echo(ENDPOINTS_HEADER)
    for name, state in states.items():
        is_in_file = None if in_file is None else name in in_file
        click.echo(
            json.dumps(endpoint_dict(name, state, is_in_file=is_in_file))
            if as_json
            else endpoint_line(name, state, is_in_file=is_in_file)
        )
    if not as_json:
        tell("1 endpoint" if len(names) == 1 else f"{len(names)} endpoints")


@webhooks.command()
@click.argument("endpoint")
@data_dir_option
def test(endpoint: str, directory: Path) -> None:
    """Send one signed event of the type webhook.test to ENDPOINT, from here and at once."""
    sending, endpoints = _settings(directory)
    found = next((each for each in endpoints if each.name == endpoint), None)
    if found is None:
        raise click.UsageError(f"the file has no endpoint of that name; it has: {', '.join(e.name for e in endpoints)}")
    began = time.monotonic()
    answer = asyncio.run(_sent(found, sending))
    milliseconds = 1000 * (time.monotonic() - began)
    click.echo(f"{answer.outcome}{f' ({answer.detail})' if answer.detail else ''}  {milliseconds:.0f} ms")
    if not answer.is_delivered:
        raise click.exceptions.Exit(1)


@webhooks.command()
@click.argument("endpoint")
@data_dir_option
def retry(endpoint: str, directory: Path) -> None:
    """Try all that waits for ENDPOINT now, instead of when its pauses are over."""
    with operator_redis(directory) as client:
        count = _existing(endpoint, _run(client, delivering.retry_events(endpoint)))
    tell("1 event is tried now" if count == 1 else f"{count} events are tried now")


@webhooks.command()
@click.argument("endpoint")
@data_dir_option
def enable(endpoint: str, directory: Path) -> None:
    """Send events to ENDPOINT again. It gets what it lacks first."""
    with operator_redis(directory) as client:
        changed = _existing(endpoint, _run(client, delivering.switch_endpoint(endpoint, off_reason=None)))
    tell(f"{endpoint} is on" if changed else f"{endpoint} was on already")


@webhooks.command()
@click.argument("endpoint")
@data_dir_option
def disable(endpoint: str, directory: Path) -> None:
    """Send no events to ENDPOINT until it is enabled. They are kept for it."""
    with operator_redis(directory) as client:
        off = delivering.switch_endpoint(endpoint, off_reason=OffReason.OPERATOR)
        changed = _existing(endpoint, _run(client, off))
    tell(f"{endpoint} is off" if changed else f"{endpoint} was off already")


@webhooks.command()
@click.argument("endpoint")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_dir_option
def forget(endpoint: str, directory: Path, yes: bool) -> None:
    """Forget what ENDPOINT lacks, for good. First take it out of the file, or it is known again at once."""
    if not yes:
        click.confirm(f"Forget all events that {endpoint} has not been sent?", abort=True, err=True)
    with operator_redis(directory) as client:
        forgotten = _run(client, delivering.forget_endpoint(endpoint))
        _existing(endpoint, forgotten or None)
    tell(f"{endpoint} is forgotten")


def _run(client: redis.Redis, call: Call[Reply]) -> Reply:
    (reply,) = send(client, [call])
    if isinstance(reply, Exception):
        raise reply
    return call.read(reply)


def _existing(endpoint: str, reply: Reply | None) -> Reply:
    if reply is None:
        raise click.ClickException(f"nothing is known of an endpoint {endpoint}: the notifier has not seen it")
    return reply


def _names_in_file(directory: Path) -> list[str] | None:
    if not os.environ.get("INTAKE_WEBHOOKS_FILE"):
        return None
    return [each.name for each in _settings(directory)[1]]


def _settings(directory: Path) -> tuple[SendingSettings, tuple[Endpoint, ...]]:
    """The settings of the notifier: those of the environment, and for a local stack what its own notifier has."""
    is_local = not names_redis() and read_state(directory) is not None
    reader = EnvironmentReader({**(TO_THIS_MACHINE if is_local else {}), **os.environ})
    file, sending = read_webhooks_file(reader), read_sending_settings(reader)
    try:
        reader.check()
        return sending, read_endpoints(file, allow_http=sending.allow_http)
    except SettingsError as error:
        raise click.ClickException("; ".join(error.faults)) from None
    except EndpointsFileError as error:
        raise click.ClickException("INTAKE_WEBHOOKS_FILE: " + "; ".join(error.faults)) from None


async def _sent(endpoint: Endpoint, sending: SendingSettings) -> Answer:
    make_h11_linear()
    payload = event_payload(_TEST_TYPE, at_milliseconds=int(1000 * time.time()), data=b"{}")
    try:
        tls = tls_of_endpoints(sending.ca_file)
    except SettingsError as error:
        raise click.ClickException("; ".join(error.faults)) from None
    async with Sender(
        endpoint,
        timeout_seconds=sending.timeout_seconds,
        connections=1,
        allowed=sending.allowed,
        tls=tls,
    ) as sender:
        return await sender.send(f"evt_test_{secrets.token_hex(8)}", payload)
