"""`customer-intake initial-password`."""

from __future__ import annotations

from pathlib import Path

import click

from cli.importing.mapping.initial_passwords import initial_password, read_or_make_key


@click.command("initial-password")
@click.argument("key_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("email")
def show_initial_password(key_file: Path, email: str) -> None:
    """Print the password that --initial-passwords KEY_FILE gave to the customer with this EMAIL.

    Whoever has the file can make the passwords of all these customers. Remove it once they have set their own.
    """
    try:
        key = read_or_make_key(key_file)
    except OSError as error:
        raise click.UsageError(f"cannot read KEY_FILE ({error.strerror})") from None
    except ValueError as error:
        raise click.UsageError(f"KEY_FILE: {error}") from None
    click.echo(initial_password(key, email))
