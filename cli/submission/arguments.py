"""What the options of `submit` mean: where to submit, as whom, under which name, and where results go."""

from __future__ import annotations

import os
import string
import sys
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import click

from cli.local_tokens import DEFAULT_SCOPE, IMPORT_SCOPE, jwt_secret_path, sign_token
from cli.submission.intake_client import InvalidUrlError, Target
from cli.submission.results_out import ResultsFile, ResultsStream
from local_stack.state_file import read_state

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from cli.submission.input_file import InputFile
    from cli.submission.results_out import ResultsOut

TOKEN_VARIABLE: Final = "INTAKE_TOKEN"  # noqa: S105 # its name
"""The environment variable that may hold the bearer token."""

_LOCAL_CALLER: Final = "me"
"""The caller's name in the local stack. `up` and README.md use it too, and only the submitting caller reads results."""

_LOCAL_TOKEN_SECONDS: Final = 30 * 24 * 60 * 60
"""Longer than the longest batch takes. This token is sent to the local shim and nowhere else."""

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


def target_of(url: str | None, directory: Path) -> Target:
    """Where to submit: what --url gives, else the local stack of this data directory.

    Raises:
        UsageError: nothing runs there, or the URL cannot be used.
    """
    if url is None:
        state = read_state(directory)
        if state is None or not state.url:
            raise click.UsageError(f"nothing runs in {directory}: `customer-intake up` starts it, or give --url")
        url = state.url
    try:
        return Target.of(url)
    except InvalidUrlError as error:
        raise click.UsageError(f"--url: {error}") from None


def read_token(token_file: Path | None, directory: Path, *, local: bool) -> str:
    """The bearer token: from --token-file, else from the environment, else a new one for the local stack.

    Args:
        token_file: what --token-file gives.
        directory: the local stack's, whose secret signs a token.
        local: whether the target is the local stack.

    Raises:
        UsageError: there is no token, or it cannot be read, or it is no token.
    """
    try:
        if token_file is not None:
            token = token_file.read_text(encoding="ascii", errors="replace").strip()
        elif os.environ.get(TOKEN_VARIABLE):
            token = os.environ[TOKEN_VARIABLE].strip()
        elif local:
            token = sign_token(
                jwt_secret_path(directory),
                sub=_LOCAL_CALLER,
                scopes=(DEFAULT_SCOPE, IMPORT_SCOPE),
                expires_in=_LOCAL_TOKEN_SECONDS,
            )
        else:
            # A token that the local stack would accept is not sent anywhere else.
            raise click.UsageError(f"with --url a token is needed: --token-file or {TOKEN_VARIABLE}")
    except OSError as error:
        raise click.UsageError(f"cannot read the token or what signs it ({error.strerror})") from None
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise click.UsageError(f"what --token-file or {TOKEN_VARIABLE} holds is no token")
    return token


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
