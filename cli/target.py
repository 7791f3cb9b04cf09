"""Options of the commands that call the service: where it is, and with which token it is called."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import click

from cli.local_tokens import DEFAULT_SCOPE, IMPORT_SCOPE, jwt_secret_path, sign_token
from cli.submission.intake_client import InvalidUrlError, Target
from local_stack.state_file import read_state

_TOKEN_VARIABLE: Final = "INTAKE_TOKEN"  # noqa: S105 # its name
"""The environment variable that may hold the bearer token."""

_LOCAL_CALLER: Final = "me"
"""The caller's name in the local stack. `up` and README.md use it too, and only the submitting caller reads results."""

_LOCAL_TOKEN_SECONDS: Final = 30 * 24 * 60 * 60
"""Longer than the longest batch takes. This token is sent to the local shim and nowhere else."""

url_option = click.option("--url", help="Where the service is.  [default: the local stack]")

token_file_option = click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"Holds the bearer token.  [default: {_TOKEN_VARIABLE}, else one for the local stack]",
)


def target_of(url: str | None, directory: Path) -> Target:
    """Where the service is: what --url gives, else the local stack of this data directory.

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
        elif os.environ.get(_TOKEN_VARIABLE):
            token = os.environ[_TOKEN_VARIABLE].strip()
        elif local:
            token = sign_token(
                jwt_secret_path(directory),
                sub=_LOCAL_CALLER,
                scopes=(DEFAULT_SCOPE, IMPORT_SCOPE),
                expires_in=_LOCAL_TOKEN_SECONDS,
            )
        else:
            # A token that the local stack would accept is not sent anywhere else.
            raise click.UsageError(f"with --url a token is needed: --token-file or {_TOKEN_VARIABLE}")
    except OSError as error:
        raise click.UsageError(f"cannot read the token or what signs it ({error.strerror})") from None
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise click.UsageError(f"what --token-file or {_TOKEN_VARIABLE} holds is no token")
    return token
