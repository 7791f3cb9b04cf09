"""`customer-intake submit`."""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from cli.import_options import import_options, import_options_of
from cli.importing.plan import make_plan
from cli.importing.preview import preview
from cli.importing.reading.errors import WrongInputError
from cli.importing.reading.input_file import InputFile
from cli.options import data_dir_option
from cli.submission.batch_name import batch_name
from cli.submission.ending import GOES_ON, INCOMPLETE, INTERRUPTED, REFUSED, run_to_end, tell_end
from cli.submission.intake_client import IntakeClient
from cli.submission.outputs import failed_before, open_failed, open_results
from cli.submission.progress import Told
from cli.submission.row_results import RowResults
from cli.submission.segments import WholeFile, stretches
from cli.submission.submission import Submission
from cli.submission.summary import as_json
from cli.target import read_token, target_of, token_file_option, url_option
from cli.tell import tell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cli.importing.plan import ImportPlan
    from cli.submission.segments import Segment


_PATH: Final = click.Path(allow_dash=True, path_type=Path)
"""The type of an input: a file, or - for stdin."""
_WRITABLE: Final = click.Path(dir_okay=False, writable=True, path_type=Path)
"""The type of a file that is written."""
_READABLE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
"""The type of a file that is read."""


@click.command()
@click.argument("file", type=_PATH, required=False)
@click.option("--lines", "lines_path", type=_PATH, hidden=True, help="The same as FILE.")
@click.option("--preview", "preview_rows", type=click.IntRange(1), metavar="N", help="Only show how N rows are read.")
@import_options
@click.option(
    "--batch",
    help="Names what the rows belong to: the same row under the same name is the same signup.  [default: the file's"
    " name]",
)
@click.option("--validate", is_flag=True, help="Only tell what would come of each row; nothing is stored.")
@click.option("--ordered", is_flag=True, help="Of rows with one email the first wins in the whole file; slower.")
@click.option(
    "--on-duplicate",
    type=click.Choice(["report", "ignore"]),
    default="report",
    show_default=True,
    help="Whether a row whose email another customer has counts as refused.",
)
@click.option("--results", "results_path", type=_WRITABLE, help="Where the results go, instead of stdout.")
@click.option(
    "--failed",
    "failed_path",
    type=_WRITABLE,
    help="Where refused rows go, in the form of FILE, each with its reason and without passwords.",
)
@click.option(
    "--passwords-from",
    "original_path",
    type=_READABLE,
    help="FILE is one of --failed: its passwords and hashes come from this file, which it was made of.",
)
@click.option("--json", "as_document", is_flag=True, help="Write one JSON object with all counts to stdout at the end.")
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
    preview_rows: int | None,
    batch: str | None,
    validate: bool,
    ordered: bool,
    on_duplicate: str,
    results_path: Path | None,
    failed_path: Path | None,
    original_path: Path | None,
    as_document: bool,
    no_wait: bool,
    url: str | None,
    token_file: Path | None,
    concurrency: int | None,
    give_up_after: float,
    directory: Path,
    **of_import: Any,
) -> None:
    """Submit FILE: JSON lines, a JSON list, CSV or another table, plain or gzip. - is stdin.

    The form is recognised, and a file of another form is refused before anything is sent. The file is sent in one
    call. One JSON line a row is written as results come, each with the row's line number. The same command may be run
    again, after any failure and after rows of the file were corrected: rows that are in are told as repeated, and
    nothing is made twice. docs/importing.md shows a whole migration.

    \b
    Exit codes:
      0    every row is in (with --validate: is valid; with --no-wait: is
           accepted)
      1    some rows are refused, or have no outcome yet
      2    nothing could be done: the file, an option or the token is wrong,
           or not one row is a signup
      130  interrupted
    """  # noqa: D301 # click reads the sign itself
    del concurrency
    _listen_for_interrupts()
    path = lines_path or file
    if path is None or (lines_path and file):
        raise click.UsageError("give one FILE, or - for stdin")
    options = import_options_of(**of_import)
    with ExitStack() as files:
        try:
            source = files.enter_context(InputFile(path))
            plan = make_plan(
                source,
                options,
                secrets_from=None if original_path is None else files.enter_context(InputFile(original_path)),
            )
            if preview_rows is not None:
                _show(plan, source, preview_rows)
            if batch is None and not source.is_regular:
                raise click.UsageError("--batch is needed where the rows come from a pipe")
            name = batch_name(path.name if batch is None else batch, given=batch is not None)
        except WrongInputError as error:
            _end(str(error), REFUSED)
        except KeyboardInterrupt:
            _end("interrupted, and nothing was sent", INTERRUPTED)
        target = target_of(url, directory)
        token = read_token(token_file, directory, local=url is None)
        results = RowResults(
            open_results(files, results_path, source, silent=as_document),
            failed_before=failed_before(failed_path, plan),
            failed=open_failed(files, failed_path, plan),
            told_by=plan.form.counts_by,
            ignore_duplicates=on_duplicate == "ignore",
        )
        query = {"name": name} | ({"mode": "validate"} if validate else {}) | ({"ordered": "true"} if ordered else {})
        on_stdout = results_path is None and not as_document
        told = files.enter_context(closing(Told(results, source, beside_lines=on_stdout and sys.stdout.isatty())))
        run = Submission(
            IntakeClient(target, token),
            results,
            query=query,
            wait=not no_wait,
            read_along=not plan.is_plain or failed_path is not None,
            give_up_after_seconds=give_up_after,
            on_progress=told.tell_if_due,
        )
        told.run = run
        segments: Iterable[Segment]
        segments = [WholeFile(source, plan)] if source.is_regular else stretches(plan.rows(source.content()))
        message, code = run_to_end(run, segments, results)
        told.close()
        if not message and source.changed():
            message, code = f"the file was changed while it was read. {GOES_ON}", INCOMPLETE
        code = tell_end(results, message, code, results_path=results_path, failed_path=failed_path)
        if as_document:
            click.echo(as_json(results, name=name, code=code, message=message))
    sys.exit(code)


def _show(plan: ImportPlan, source: InputFile, rows: int) -> NoReturn:
    """Show how the first rows are read, and end."""
    tell(f"this is {plan.described}. Nothing is sent.")
    for line in preview(plan, source.content(), rows):
        click.echo(line)
    sys.exit(0)


def _end(message: str, code: int) -> NoReturn:
    tell(message)
    sys.exit(code)


def _listen_for_interrupts() -> None:
    """Have Ctrl-C interrupt. A shell that starts a command in the background makes it ignore SIGINT otherwise."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
