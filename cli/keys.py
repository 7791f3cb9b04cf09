"""`customer-intake keys`."""

from __future__ import annotations

from pathlib import Path

import click

from local_stack.secret_files import write_private_file
from schemas.sealing import generate_key_pair


@click.group()
def keys() -> None:
    """Key pairs that seal requests."""


@keys.command()
@click.option("--public-file", required=True, type=click.Path(dir_okay=False, path_type=Path), help="For the shim.")
@click.option("--private-file", required=True, type=click.Path(dir_okay=False, path_type=Path), help="For the workers.")
def generate(public_file: Path, private_file: Path) -> None:
    """Write a new key pair to two new files that you alone can read.

    To change keys: add the private line to the workers' file and restart them, then give the public file to the shims.
    """
    for path in (public_file, private_file):
        if path.exists():
            raise click.ClickException(f"{path} is there already, and a key is never written over")
    if public_file.absolute() == private_file.absolute():
        raise click.UsageError("the two files must be different")
    pair = generate_key_pair()
    try:
        # The private key is written first: without it nobody could open what the public key seals.
        write_private_file(private_file, pair.private_line + "\n")
        write_private_file(public_file, pair.public_line + "\n")
    except OSError as error:
        raise click.ClickException(f"cannot write {error.filename}: {error.strerror}") from None
    click.echo(f"key {pair.key_id}: {public_file} (public), {private_file} (private)")
