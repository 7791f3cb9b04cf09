"""What the commands say to a person: results on stdout, everything else here."""

from __future__ import annotations

import click


def tell(message: str) -> None:
    """One message on stderr, told apart from what a program reads on stdout."""
    click.echo(message, err=True)
