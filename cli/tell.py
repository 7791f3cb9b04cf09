"""Messages of the commands to a person. Results go to stdout, messages to stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from startup.known_settings import unknown_settings

if TYPE_CHECKING:
    from collections.abc import Iterable


def tell(message: str) -> None:
    """Print one message on stderr, so that stdout holds nothing but what a program may read."""
    click.echo(message, err=True)


def tell_unknown(variables: Iterable[str]) -> None:
    """Tell which variables begin with `INTAKE_` and are no setting."""
    for each in unknown_settings(variables):
        tell(f"{each} is no setting, and is ignored")
