"""`customer-intake dead-letters`: tasks that the service could not finish, for the operator to deal with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from cli.operator_redis import operator_redis
from cli.options import data_dir_option
from cli.tell import tell
from console.service.dead_letters import DeadLetters, sealing_keys_in_use
from schemas.protocol.steps.ending import RecordChange

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from console.service.dead_letter import DeadLetter

json_option = click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object a line.")


@click.group("dead-letters")
def dead_letters() -> None:
    """Dead letters: tasks that failed and wait for an operator. Requests are sealed and never shown.

    The Redis is that of INTAKE_REDIS_URL (or INTAKE_REDIS_URL_FILE), else that of the local stack.
    """


@dead_letters.command("list")
@json_option
@data_dir_option
def list_(directory: Path, as_json: bool) -> None:
    """List all dead letters, the oldest first."""
    with operator_redis(directory) as client:
        count = 0
        for letter in DeadLetters(client).all():
            count += 1
            click.echo(json.dumps(letter.as_dict()) if as_json else _line(letter))
        if not as_json:
            tell(f"{count} dead letters")


@dead_letters.command()
@click.argument("task_id")
@json_option
@data_dir_option
def show(task_id: str, directory: Path, as_json: bool) -> None:
    """Show one dead letter, without its request."""
    with operator_redis(directory) as client:
        letter = DeadLetters(client).find(task_id)
    if letter is None:
        raise click.ClickException(f"{task_id} is no dead letter")
    if as_json:
        click.echo(json.dumps(letter.as_dict()))
        return
    for name, value in letter.as_dict().items():
        click.echo(f"{name:12} {value}")


@dead_letters.command()
@click.argument("task_ids", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All dead letters.")
@json_option
@data_dir_option
def requeue(task_ids: tuple[str, ...], directory: Path, every: bool, as_json: bool) -> None:
    """Put tasks back on the queue. Mend first what made them fail."""
    with operator_redis(directory) as client:
        letters = DeadLetters(client)
        if every == bool(task_ids):
            raise click.UsageError("name tasks, or give --all")
        results = letters.requeue_all() if every else ((task_id, letters.requeue(task_id)) for task_id in task_ids)
        _tell(results, done="requeued", as_json=as_json)


@dead_letters.command()
@click.argument("task_ids", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@data_dir_option
def drop(task_ids: tuple[str, ...], directory: Path, yes: bool, as_json: bool) -> None:
    """Forget tasks and their requests for good. This breaks the promise of their 202."""
    if not yes:
        click.confirm(f"Drop {len(task_ids)} accepted signups for good?", abort=True, err=True)
    with operator_redis(directory) as client:
        letters = DeadLetters(client)
        _tell(((task_id, letters.drop(task_id)) for task_id in task_ids), done="dropped", as_json=as_json)


@dead_letters.command("keys")
@json_option
@data_dir_option
def keys_in_use(directory: Path, as_json: bool) -> None:
    """List the sealing keys that open tasks and dead letters still need. Any other private key may be deleted."""
    with operator_redis(directory) as client:
        counts = sealing_keys_in_use(client)
    for key_id, tasks in sorted(counts.items()):
        click.echo(json.dumps({"key": key_id, "tasks": tasks}) if as_json else f"{key_id}  {tasks} tasks")
    if not as_json and not counts:
        tell("no open task or dead letter: only the newest key is needed")


def _tell(results: Iterable[tuple[str, RecordChange]], *, done: str, as_json: bool) -> None:
    failed = 0
    for task_id, change in results:
        failed += change is not RecordChange.WRITTEN
        word = done if change is RecordChange.WRITTEN else "no dead letter"
        click.echo(json.dumps({"id": task_id, "result": word}) if as_json else f"{task_id}  {word}")
    if failed:
        raise click.exceptions.Exit(1)


def _line(letter: DeadLetter) -> str:
    line = f"{letter.task_id}  {letter.parked_at:%Y-%m-%d %H:%M:%S}  {letter.reason}  starts={letter.starts}"
    rows = letter.dead_rows
    if rows is not None:
        line += f"  rows={rows.count} place={rows.first} batch={','.join(rows.batches)}"
    return f"{line}  {letter.detail}" if letter.detail else line
