"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

DEFAULT_DIRECTORY: Final = ".local"
"""The local stack's data directory, seen from where the command is run."""

data_dir_option = click.option(
    "--data-dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_DIRECTORY,
    show_default=True,
    help="Where the local stack keeps its data and secrets.",
)
