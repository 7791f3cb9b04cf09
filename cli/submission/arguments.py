"""What options of `submit` mean: the name of the batch, and where results go."""

from __future__ import annotations

import string
import sys
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import click

from cli.submission.results_out import ResultsFile, ResultsStream

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from cli.importing.reading.input_file import InputFile
    from cli.submission.results_out import ResultsOut

_MAXIMUM_NAME_CHARACTERS: Final = 200
"""Of a batch's name."""


def batch_name(name: str, *, given: bool) -> str:
    """The name of the batch: what --batch gives, else the file's name.

    Raises:
        UsageError: the given name is empty or too long.
    """
    # A name has visible ASCII only. What is that already stays, so that it is the name that other clients give.
    name = quote(name, safe=string.punctuation)
    if given and not 0 < len(name) <= _MAXIMUM_NAME_CHARACTERS:
        raise click.UsageError(f"--batch must have 1 to {_MAXIMUM_NAME_CHARACTERS} characters")
    return name[:_MAXIMUM_NAME_CHARACTERS]


def open_results(files: ExitStack, path: Path | None, source: InputFile) -> ResultsOut:
    """Where results go: what --results gives, else stdout. A file is closed with `files`.

    Raises:
        UsageError: the file cannot be opened, or the lines come from it.
    """
    if path is None:
        return ResultsStream(sys.stdout)
    if source.is_same(path):
        raise click.UsageError("--results must not be the file of the lines")
    try:
        out = ResultsFile(path)
    except OSError as error:
        raise click.UsageError(f"cannot open --results ({error.strerror})") from None
    files.callback(out.close)
    return out
