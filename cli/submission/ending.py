"""How a run of `submit` ends: why, with which exit code, and what a person is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cli.importing.reading.errors import BrokenContentError, BrokenInputError, WrongInputError
from cli.submission.answers import RefusedError
from cli.submission.result_files import unfinished_of
from cli.submission.segments import UnreadableFileError
from cli.submission.submission import StalledError, UnreadableError
from cli.submission.summary import in_one_line
from cli.tell import tell

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cli.submission.row_results import RowResults
    from cli.submission.segments import Segment
    from cli.submission.submission import Submission

INCOMPLETE: Final = 1
"""Exit code: some rows are refused or have no outcome."""
REFUSED: Final = 2
"""Exit code: nothing could be done, since the input, an option or the token is wrong."""
INTERRUPTED: Final = 130
"""Exit code: Ctrl-C, as shells have it (128 + SIGINT)."""

GOES_ON: Final = "The same command goes on where this one ended."
"""What to do after most ends."""


def run_to_end(run: Submission, segments: Iterable[Segment], results: RowResults) -> tuple[str, int]:
    """Run it to its end. Returns why it ended early, if it did, and the exit code."""
    message, code = "", 0
    try:
        message = _run_segments(run, segments, results)
        if message:
            code = INCOMPLETE if results.accepted else REFUSED
        if results.rows:
            results.finish()
    except KeyboardInterrupt:
        message, code = f"interrupted after {_after(run, results)}. {GOES_ON}", INTERRUPTED
    except StalledError as error:
        message, code = f"gave up after {_after(run, results)}: {error}. {GOES_ON}", INCOMPLETE
    except (RefusedError, WrongInputError) as error:
        message, code = f"{error}{f'. {GOES_ON}' if results.accepted else ''}", REFUSED
    except BrokenPipeError:
        raise  # click ends silently where the reader of stdout has gone
    except (OSError, UnreadableFileError) as error:
        message, code = f"cannot read the rows or write the results: {error.strerror}", INCOMPLETE
    return message, code


def _run_segments(run: Submission, segments: Iterable[Segment], results: RowResults) -> str:
    """Run it as far as the input goes. Returns why it goes no further, or "" at its end."""
    try:
        run.run(segments)
    except UnreadableError as error:
        return f"the service cannot take the rest: {error}"
    except (BrokenContentError, BrokenInputError) as error:
        where = f"{results.told_by} {error.number:,}: " if isinstance(error, BrokenInputError) else ""
        return f"the rest cannot be read: {where}{error}"
    return ""


def _after(run: Submission, results: RowResults) -> str:
    return f"{results.told_by} {run.last_number:,}"


def tell_end(
    results: RowResults, message: str, code: int, *, results_path: Path | None, failed_path: Path | None
) -> int:
    """Tell what came of the run, and return the exit code."""
    if message:
        tell(message)
        for path in (results_path, failed_path):
            if path is not None and (unfinished := unfinished_of(path)) is not None:
                tell(f"what this run wrote is in {unfinished}{f', and {path} is as it was' if path.exists() else ''}")
    for line in (*results.error_kinds.lines(), *results.warning_kinds.lines()):
        tell(line)
    tell(in_one_line(results))
    if code or not results.rows or results.nothing_taken:
        if not code and not results.rows:
            tell("there was no row in it")
        elif not code:
            tell("not one row is a signup: is this the right file?")
        return code or REFUSED
    is_read = results.written > 0 or results.not_sent > 0
    return INCOMPLETE if is_read and (results.without_outcome or results.refused.total()) else 0
