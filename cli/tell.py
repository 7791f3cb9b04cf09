"""Messages of the commands to a person. Results go to stdout, messages to stderr."""

from __future__ import annotations

import click


def tell(message: str) -> None:
    """Print one message on stderr, so that stdout holds nothing but what a program may read."""
    click.echo(message, err=True)
