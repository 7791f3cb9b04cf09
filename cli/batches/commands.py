"""`customer-intake batches`: the batches of a caller, their rows, and an end to them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import click

from cli.batches.asking import Selection, batches_of_caller, cancel_batch, find_batch, rows_of
from cli.batches.tables import LIST_HEADER, ROWS_HEADER, batch_line, batch_lines, failed_rows, row_line
from cli.options import data_dir_option
from cli.submission.intake_client import IntakeClient
from cli.target import read_token, target_of, token_file_option, url_option
from cli.tell import tell

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LARGEST_LIMIT: Final = 1_000_000
"""The most rows that --limit may ask for. Without it there is no limit."""

_json_option = click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object a line.")


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of each command here."""
    return _json_option(url_option(token_file_option(data_dir_option(command))))


@click.group("batches")
def batches() -> None:
    """Batches: files of signups that `submit` or customer.create.batch has sent.

    BATCH is the id of a batch, or its name. A name means the newest batch that has it. You see the batches of your
    token's caller and no others.

    \b
    Exit codes:
      0    done
      1    some rows were shown, and then the rest could not be read
      2    nothing was done: there is no such batch, the service does not
           answer, or the token or an option is wrong
    """  # noqa: D301 # click reads the sign itself


@batches.command("list")
@_options
def list_(*, as_json: bool, url: str | None, token_file: Path | None, directory: Path) -> None:
    """List your batches, the newest first."""
    found = batches_of_caller(_client(url, token_file, directory))
    if as_json:
        for each in found:
            click.echo(json.dumps(each))
        return
    if found:
        click.echo(LIST_HEADER)
    for each in found:
        click.echo(batch_line(each))
    tell("1 batch" if len(found) == 1 else f"{len(found):,} batches")


@batches.command()
@click.argument("batch")
@_options
def show(*, batch: str, as_json: bool, url: str | None, token_file: Path | None, directory: Path) -> None:
    """Show the counts of a batch.

    They are how many rows have which outcome, how fast it goes, and how long the rest takes.
    """
    found = find_batch(_client(url, token_file, directory), batch)
    if as_json:
        click.echo(json.dumps(found))
        return
    for line in batch_lines(found):
        click.echo(line)
    if failed_rows(found):
        tell(f"The rows that failed, and why: customer-intake batches rows {found['id']} --only failed")


@batches.command()
@click.argument("batch")
@click.option("--only", type=click.Choice(["failed"]), help="Leave out the rows that succeeded.")
@click.option("--after", type=click.IntRange(min=0), default=0, help="Begin after this line.")
@click.option("--limit", type=click.IntRange(1, _LARGEST_LIMIT), help="Show at most so many rows.  [default: all]")
@click.option("--follow", is_flag=True, help="Wait for rows that have no outcome yet, until the batch has ended.")
@_options
def rows(
    *,
    batch: str,
    only: str | None,
    after: int,
    limit: int | None,
    follow: bool,
    as_json: bool,
    url: str | None,
    token_file: Path | None,
    directory: Path,
) -> None:
    """Show the rows of a batch.

    Each row has its outcome, and they come in the order of lines. Without --follow the rows end before the first one
    that has no outcome yet. With --json a row is the line of JSON that the service has for it, with the whole customer.
    """
    client = _client(url, token_file, directory)
    found = find_batch(client, batch)
    selection = Selection(after=after, limit=limit, only_failed=only is not None, follow=follow)
    shown = 0
    for row in rows_of(client, found["id"], selection):
        if as_json:
            click.echo(json.dumps(row))
        else:
            if not shown:
                click.echo(ROWS_HEADER)
            click.echo(row_line(row))
        shown += 1
    if not as_json:
        tell("1 row" if shown == 1 else f"{shown:,} rows")


@batches.command()
@click.argument("batch")
@_options
def cancel(*, batch: str, as_json: bool, url: str | None, token_file: Path | None, directory: Path) -> None:
    """Cancel a batch.

    Rows that nobody has started on become no customers: their outcome is `canceled`. Other rows keep their outcomes, or
    get them. Send the file once more to have the canceled rows made after all.
    """
    client = _client(url, token_file, directory)
    found = cancel_batch(client, find_batch(client, batch))
    if as_json:
        click.echo(json.dumps(found))
    elif found["status"] == "CANCELED":
        canceled, open_rows = found["outcomes"].get("canceled", 0), found["rows"] - found["finished"]
        working = f", {open_rows:,} are being worked on" if open_rows else ""
        click.echo(f"{found['id']} is canceled: {canceled:,} of {found['rows']:,} rows were not begun{working}")
    else:
        click.echo(f"{found['id']} had ended before: nothing was canceled")


def _client(url: str | None, token_file: Path | None, directory: Path) -> IntakeClient:
    return IntakeClient(target_of(url, directory), read_token(token_file, directory, local=url is None))
