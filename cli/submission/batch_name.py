"""The name of the batch that a file's rows belong to."""

from __future__ import annotations

import string
from typing import Final
from urllib.parse import quote

import click

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
