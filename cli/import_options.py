"""The options of `submit` that say how the rows of a file are to be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from cli.importing.mapping.initial_passwords import read_or_make_key
from cli.importing.options import ImportOptions
from cli.importing.presets.registry import PRESETS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
"""The type of a file that must be there."""

_OPTIONS: Final = (
    click.option("--from", "preset", type=click.Choice(sorted(PRESETS)), help="FILE is the export of this product."),
    click.option(
        "--parameter",
        "parameters",
        multiple=True,
        metavar="NAME=VALUE",
        help="What an export depends on; see the docs.",
    ),
    click.option(
        "--map", "mapped", multiple=True, metavar="FIELD=COLUMN", help="A field's column, or its path in JSON."
    ),
    click.option("--map-file", type=_FILE, help='The same as a JSON object: {"email": "E-Mail", …}.'),
    click.option(
        "--default", "defaults", multiple=True, metavar="FIELD=TEXT", help="What a field gets where a row has none."
    ),
    click.option("--ignore", "ignored", multiple=True, metavar="COLUMN", help="A column that is left out."),
    click.option("--ignore-others", is_flag=True, help="Leave out every column that means nothing here."),
    click.option("--list", "list_name", default="", metavar="NAME", help="Which list of a JSON object has the rows."),
    click.option("--encoding", default="", help="Of the text.  [default: UTF-8, or UTF-16 where that is recognised]"),
    click.option("--delimiter", default="", help="The sign between columns; tab for a tab.  [default: recognised]"),
    click.option("--tags-separator", default=",", show_default=True, help="The sign between tags in a cell."),
    click.option("--drop-bad-phones", is_flag=True, help="Leave a phone out that cannot be an integer."),
    click.option("--drop-nulls", is_flag=True, help="Leave out fields that are null."),
    click.option("--country-names", is_flag=True, help="Turn exact names of countries into their codes."),
    click.option(
        "--initial-passwords",
        "key_file",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Give a password to each row without one, made from its email and the secret in this file. The file is"
        " made where there is none.",
    ),
)
"""Each option, in the order of the help."""

_TAB: Final = {"tab": "\t", "\\t": "\t"}
"""How a tab is written on a command line."""


def import_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def import_options_of(
    *,
    preset: str | None,
    parameters: tuple[str, ...],
    mapped: tuple[str, ...],
    map_file: Path | None,
    defaults: tuple[str, ...],
    ignored: tuple[str, ...],
    ignore_others: bool,
    list_name: str,
    encoding: str,
    delimiter: str,
    tags_separator: str,
    drop_bad_phones: bool,
    drop_nulls: bool,
    country_names: bool,
    key_file: Path | None,
) -> ImportOptions:
    """What the options say.

    Raises:
        UsageError: an option has no form that is understood, or its file cannot be read.
    """
    return ImportOptions(
        preset=preset or "",
        parameters=_pairs("--parameter", parameters),
        encoding=encoding,
        delimiter=_TAB.get(delimiter, delimiter),
        list_name=list_name,
        mapping=({} if map_file is None else _mapping_in(map_file)) | _pairs("--map", mapped),
        ignored_columns=frozenset(ignored),
        ignore_other_columns=ignore_others,
        defaults=_pairs("--default", defaults),
        tags_separator=_TAB.get(tags_separator, tags_separator),
        drop_bad_phones=drop_bad_phones,
        country_names=country_names,
        drop_nulls=drop_nulls,
        initial_password_key=b"" if key_file is None else _key_in(key_file),
    )


def _pairs(option: str, texts: Iterable[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise click.UsageError(f"{option} is written FIELD=…, for example {option} lastName=…")
        pairs[name.strip()] = value
    return pairs


def _mapping_in(path: Path) -> dict[str, str]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise click.UsageError(f"cannot read --map-file ({error.strerror})") from None
    except ValueError:
        raise click.UsageError('--map-file is no JSON object: {"email": "E-Mail", …}') from None
    if not isinstance(document, dict) or not all(isinstance(value, str) for value in document.values()):
        raise click.UsageError('--map-file is no JSON object of texts: {"email": "E-Mail", …}')
    return document


def _key_in(path: Path) -> bytes:
    try:
        return read_or_make_key(path)
    except OSError as error:
        raise click.UsageError(f"cannot read or make the file of --initial-passwords ({error.strerror})") from None
    except ValueError as error:
        raise click.UsageError(f"--initial-passwords: {error}") from None
