"""`customer-intake token`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.local_tokens import DAY_SECONDS, DEFAULT_SCOPE, jwt_secret_path, sign_token
from cli.options import data_dir_option

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.option("--sub", required=True, help="The caller's name: results are read by the caller that submitted.")
@click.option("--scope", "scopes", multiple=True, default=(DEFAULT_SCOPE,), show_default=True, help="May be repeated.")
@click.option(
    "--expires-in", type=click.IntRange(min=1), default=DAY_SECONDS, show_default=True, help="Seconds until it expires."
)
@data_dir_option
def token(sub: str, scopes: tuple[str, ...], expires_in: int, directory: Path) -> None:
    """Print a bearer token for the local stack."""
    try:
        click.echo(sign_token(jwt_secret_path(directory), sub=sub, scopes=scopes, expires_in=expires_in))
    except OSError as error:
        raise click.ClickException(
            f"cannot read {jwt_secret_path(directory)} ({error.strerror}); `customer-intake up` makes it"
        ) from None
