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

from cli.importing.options import ImportOptions
from cli.importing.reading.errors import WrongInputError
from cli.importing.reading.input_file import InputFile
from cli.importing.reading.recognise import recognise
from cli.importing.reading.recognising.wrong_form import ONE_A_LINE, WrongForm
from cli.importing.records import Form
from cli.options import data_dir_option
from cli.submission.answers import RefusedError
from cli.submission.arguments import batch_name, open_results
from cli.submission.intake_client import IntakeClient
from cli.submission.row_results import RowResults
from cli.submission.segments import UnreadableFileError, WholeFile, stretches
from cli.submission.submission import StalledError, Submission, UnreadableError
from cli.target import read_token, target_of, token_file_option, url_option
from cli.tell import tell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cli.submission.segments import Segment

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

_PATH: Final = click.Path(allow_dash=True, path_type=Path)
"""The type of an input: a file, or - for stdin."""


@click.command()
@click.argument("file", type=_PATH, required=False)
@click.option("--lines", "lines_path", type=_PATH, help="The same as FILE.")
@click.option(
    "--results",
    "results_path",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Where the results go, instead of stdout; what the file held is lost once there is a result.",
)
@click.option(
    "--batch",
    help="Names what the rows belong to: the same row under the same name is the same signup.  [default: the file's"
    " name]",
)
@click.option("--validate", is_flag=True, help="Only tell what would come of each row; nothing is stored.")
@click.option("--ordered", is_flag=True, help="Of rows with one email the first wins in the whole file; slower.")
@click.option("--no-wait", is_flag=True, help="Only have the rows accepted; the result is the batch's id.")
@url_option
@token_file_option
@click.option("--concurrency", type=click.IntRange(2, 1024), hidden=True, help="Has no effect any more.")
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
    file: Path | None,
    lines_path: Path | None,
    results_path: Path | None,
    batch: str | None,
    validate: bool,
    ordered: bool,
    no_wait: bool,
    url: str | None,
    token_file: Path | None,
    concurrency: int | None,
    give_up_after: float,
    directory: Path,
) -> None:
    """Submit FILE, which has a signup a line: a JSON object in UTF-8. - is stdin.

    The file is sent in one call. One JSON line a row is written as results come, each with the row's line number. The
    same command may be run again, after any failure and after rows of the file were corrected: rows that are in are
    told as repeated, and nothing is made twice.

    \b
    Exit codes:
      0    every row is a customer, or was refused as one: duplicate_key,
           validation_error and the like (with --no-wait: every row is accepted)
      1    some rows are no signups (no JSON, too long) or have no outcome yet
      2    the file, the batch's name, the token or an option is wrong
      130  interrupted
    """  # noqa: D301 # click reads the sign itself
    del concurrency
    _listen_for_interrupts()
    path = lines_path or file
    if path is None or (lines_path and file):
        raise click.UsageError("give one FILE, or - for stdin")
    target = target_of(url, directory)
    token = read_token(token_file, directory, local=url is None)
    with ExitStack() as files:
        try:
            source = files.enter_context(InputFile(path))
            if batch is None and not source.is_regular:
                raise click.UsageError("--batch is needed where the lines come from a pipe")
            lines = _lines(source)
            name = batch_name(path.name if batch is None else batch, given=batch is not None)
        except WrongInputError as error:
            _end(str(error), _REFUSED)
        except KeyboardInterrupt:
            _end("interrupted, and nothing was sent", _INTERRUPTED)
        results = RowResults(open_results(files, results_path, source))
        query = {"name": name} | ({"mode": "validate"} if validate else {}) | ({"ordered": "true"} if ordered else {})
        progress = _Progress(results)
        run = Submission(
            IntakeClient(target, token),
            results,
            query=query,
            wait=not no_wait,
            give_up_after_seconds=give_up_after,
            on_progress=progress.tell_if_due,
        )
        progress.run = run
        code = _run(run, [WholeFile(source)] if source.is_regular else stretches(lines), results)
    sys.exit(code)


def _lines(source: InputFile) -> IO[bytes]:
    form = recognise(source, ImportOptions())
    if form.kind is not Form.JSON_LINES or form.compressed or form.encoding != "utf-8":
        raise source.refused(WrongForm(form.described, f"{ONE_A_LINE}, in UTF-8."))
    return source.content()


def _run(run: Submission, segments: Iterable[Segment], results: RowResults) -> int:
    goes_on = "The same command goes on where this one ended."
    message, code = "", 0
    try:
        run.run(segments)
    except KeyboardInterrupt:
        message, code = f"interrupted after line {run.last_line:,}. {goes_on}", _INTERRUPTED
    except StalledError as error:
        message, code = f"gave up after line {run.last_line:,}: {error}. {goes_on}", _INCOMPLETE
    except UnreadableError as error:
        message, code = f"the service cannot take the rest: {error}", _INCOMPLETE if results.accepted else _REFUSED
    except RefusedError as error:
        message, code = f"{error}{f'. {goes_on}' if results.accepted else ''}", _REFUSED
    except BrokenPipeError:
        raise  # click ends silently where the reader of stdout has gone
    except (OSError, UnreadableFileError) as error:
        message, code = f"cannot read the lines or write the results: {error.strerror}", _INCOMPLETE
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", nl=False, err=True)
    if message:
        tell(message)
    for line in results.errors():
        tell(line)
    tell(results.summary())
    return _judge(results, code)


def _judge(results: RowResults, code: int) -> int:
    """The exit code. Also tells where the input has no row, or not one row is a signup."""
    if not code and not results.accepted:
        tell("there was no row in it")
        return _REFUSED
    if not code and results.nothing_taken:
        tell("not one row is a signup: is this the right file?")
        return _REFUSED
    is_read = results.written > 0
    return code or (_INCOMPLETE if is_read and (results.without_outcome or results.no_signups) else 0)


class _Progress:
    """Tells how far a run is, now and then."""

    def __init__(self, results: RowResults) -> None:
        self._results = results
        self._on_terminal = sys.stderr.isatty()
        self._started_at = self._told_at = time.monotonic()
        self._told_trouble = ""
        self.run: Submission | None = None

    def tell_if_due(self) -> None:
        """Tell it unless that was done just now. New trouble is told at once."""
        now = time.monotonic()
        every_seconds = _ON_TERMINAL_SECONDS if self._on_terminal else _ELSEWHERE_SECONDS
        if self.run is None or (now - self._told_at < every_seconds and self.run.trouble in {"", self._told_trouble}):
            return
        self._told_at, self._told_trouble = now, self.run.trouble
        written = self._results.written
        sending = f", {self.run.sent_bytes / 1_000_000:,.1f} MB sent" if self.run.sent_bytes else ""
        trouble = f" (trying again: {self.run.trouble})" if self.run.trouble else ""
        rate = written / (now - self._started_at)
        text = f"{written:,} done, {rate:,.0f}/s{sending}{trouble}: {self._results.summary()}"
        if self._on_terminal:
            columns = os.get_terminal_size(sys.stderr.fileno()).columns or 80
            click.echo(f"\r\x1b[K{text[: columns - 1]}", nl=False, err=True)
        else:
            tell(text)


def _end(message: str, code: int) -> NoReturn:
    tell(message)
    sys.exit(code)


def _listen_for_interrupts() -> None:
    """Have Ctrl-C interrupt. A shell that starts a command in the background makes it ignore SIGINT otherwise."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
