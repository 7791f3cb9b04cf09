"""What a preset is: how the export of one product becomes drafts of customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from cli.importing.records import Draft, Form, Record


class UnknownParameterError(ValueError):
    """A parameter that the product does not have. The text tells a person which it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """The documented export of one product."""

    name: str
    """What `--from` calls it: its key in `PRESETS`."""
    title: str
    """What a person calls the export: "Shopify's customer export"."""
    forms: frozenset[Form]
    """The forms in which the product exports."""
    needs: tuple[str, ...]
    """Columns, or names of a JSON object, that every such export has. A file without one is refused as a whole."""
    drafts: Callable[[Iterable[Record]], Iterator[Draft]]
    """Makes drafts of records, in their order. A record with a fault becomes a draft with that fault."""
    secrets: frozenset[str] = frozenset()
    """Columns, or dotted paths in a JSON object, that hold a password, a hash or a salt. They are never written."""
    tuned: Callable[[Mapping[str, str]], Callable[[Iterable[Record]], Iterator[Draft]]] | None = None
    """Makes `drafts` for a product whose exports depend on parameters that they do not hold. None where there are none.

    Raises:
        UnknownParameterError: it is no parameter of the product, or has no such value. The text tells a person.
    """
    list_name: str = ""
    """The list that holds the customers, where the export is a JSON object."""
