"""`customer-intake submit`."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NoReturn

import click

from cli.options import data_dir_option
from cli.submission.answers import RefusedError
from cli.submission.arguments import TOKEN_VARIABLE, batch_name, open_results, read_token, target_of
from cli.submission.batch import Batch, NothingTakenError, StalledError
from cli.submission.input_file import InputFile, WrongInputError
from cli.submission.intake_client import IntakeConnection
from cli.submission.row_results import KEY_REUSED, RowResults
from cli.tell import tell

if TYPE_CHECKING:
    from collections.abc import Callable

_ON_TERMINAL_SECONDS: Final = 0.5
"""How often progress is told on a terminal, where it rewrites one line."""
_ELSEWHERE_SECONDS: Final = 30.0
"""How often progress is told elsewhere, where each telling adds a line."""
_INCOMPLETE: Final = 1
"""Exit code: some rows are no signups or have no outcome."""
_REFUSED: Final = 2
"""Exit code: the input or an option is wrong."""
_INTERRUPTED: Final = 130
"""Exit code: Ctrl-C, as shells have it (128 + SIGINT)."""


@click.command()
@click.option(
    "--lines",
    "lines_path",
    type=click.Path(allow_dash=True, path_type=Path),
    required=True,
    help="The signups, one JSON object a line, UTF-8; - is stdin.",
)
@click.option(
    "--results",
    "results_path",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Where the results go, instead of stdout; what the file held is lost once a row is taken.",
)
@click.option(
    "--batch",
    help="Names the rows together with their line numbers.  [default: the file's name and content]",
)
@click.option("--no-wait", is_flag=True, help="Only have the rows accepted.")
@click.option("--url", help="Where the service is.  [default: the local stack]")
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"Holds the bearer token.  [default: {TOKEN_VARIABLE}, else one for the local stack]",
)
@click.option("--concurrency", type=click.IntRange(2, 1024), default=32, show_default=True, help="Connections.")
@click.option(
    "--give-up-after",
    type=click.FloatRange(min=0),
    default=300,
    show_default=True,
    help="Seconds in which nothing at all moves.",
)
@data_dir_option
def submit(
    *,
    lines_path: Path,
    results_path: Path | None,
    batch: str | None,
    no_wait: bool,
    url: str | None,
    token_file: Path | None,
    concurrency: int,
    give_up_after: float,
    directory: Path,
) -> None:
    """Submit a file of signups.

    One JSON line a row is written as results come, each with the row's line number. The same command may be run again:
    within a day the same batch and line make nothing twice.

    \b
    Exit codes:
      0    every row is a customer, or was refused as one: duplicate_key,
           validation_error and the like (with --no-wait: every row is accepted)
      1    some rows are no signups (no JSON, too large, another line's key)
           or have no outcome yet
      2    the file, the batch's name, the token or an option is wrong
      130  interrupted
    """  # noqa: D301 # click reads the sign itself
    _listen_for_interrupts()
    target = target_of(url, directory)
    token = read_token(token_file, directory, local=url is None)
    with ExitStack() as files:
        try:
            source = files.enter_context(InputFile(lines_path))
            if batch is None and not source.is_regular:
                raise click.UsageError("--batch is needed where the lines come from a pipe")
            lines = source.lines()
            name = batch_name(lines_path.name if batch is None else batch, source, given=batch is not None)
        except WrongInputError as error:
            _end(str(error), _REFUSED)
        except KeyboardInterrupt:
            _end("interrupted, and nothing was sent", _INTERRUPTED)
        results = RowResults(open_results(files, results_path, source))
        run = Batch(
            lambda: IntakeConnection(target, token),
            results,
            name=name,
            concurrency=concurrency,
            wait=not no_wait,
            give_up_after_seconds=give_up_after,
        )
        code = _run(run, lines, results)
    sys.exit(code)


def _run(run: Batch, lines: IO[bytes], results: RowResults) -> int:
    on_terminal = sys.stderr.isatty()
    goes_on = "The same command goes on where this one ended."
    message, code = "", 0
    try:
        run.run(
            lines,
            tell_progress=_progress(run, results, on_terminal=on_terminal),
            every_seconds=_ON_TERMINAL_SECONDS if on_terminal else _ELSEWHERE_SECONDS,
        )
    except KeyboardInterrupt:
        message, code = f"interrupted after line {run.last_line:,}. {goes_on}", _INTERRUPTED
    except StalledError as error:
        message, code = f"gave up after line {run.last_line:,}: {error}. {goes_on}", _INCOMPLETE
    except RefusedError as error:
        message, code = f"{error}{f'. {goes_on}' if results.accepted else ''}", _REFUSED
    except NothingTakenError:
        message, code = f"stopped after {results.requests_refused:,} rows, which were all refused", _INCOMPLETE
    except BrokenPipeError:
        raise  # click ends silently where the reader of stdout has gone
    except OSError as error:
        message, code = f"cannot read the lines or write the results: {error.strerror}", _INCOMPLETE
    if on_terminal:
        click.echo("\r\x1b[K", nl=False, err=True)
    if message:
        tell(message)
    for line in results.errors():
        tell(line)
    tell(results.summary())
    return _judge(run, results, code)


def _judge(run: Batch, results: RowResults, code: int) -> int:
    """The exit code. Also tells what to do where no row was taken, or where the batch needs another name."""
    if not code and not run.last_line:
        tell("there was no row in it")
        return _REFUSED
    if results.refused[KEY_REUSED]:
        tell(f"the batch name {run.name} was used for other lines: choose another --batch")
    elif results.nothing_taken:
        tell("not one row is a signup: is this the right file?")
    if results.nothing_taken and not results.without_outcome and code in {0, _INCOMPLETE}:
        tell("nothing was submitted")
        return _REFUSED
    return code or (_INCOMPLETE if results.without_outcome or results.requests_refused else 0)


def _progress(run: Batch, results: RowResults, *, on_terminal: bool) -> Callable[[], None]:
    started_at = time.monotonic()

    def tell_progress() -> None:
        rate = results.written / (time.monotonic() - started_at)
        trouble = f" (trying again: {run.trouble})" if run.trouble else ""
        text = f"{results.written:,} done, {rate:,.0f}/s, {run.on_the_way:,} on the way{trouble}: {results.summary()}"
        if on_terminal:
            click.echo(
                f"\r\x1b[K{text[: (os.get_terminal_size(sys.stderr.fileno()).columns or 80) - 1]}", nl=False, err=True
            )
        else:
            tell(text)

    return tell_progress


def _end(message: str, code: int) -> NoReturn:
    tell(message)
    sys.exit(code)


def _listen_for_interrupts() -> None:
    """Have Ctrl-C interrupt. A shell that starts a command in the background makes it ignore SIGINT otherwise."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
