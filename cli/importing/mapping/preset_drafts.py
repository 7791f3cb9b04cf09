"""Drafts by a preset, which knows the export of one product, and by the columns that a person maps besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.importing.mapping.fields import parse_field
from cli.importing.mapping.paths import MISSING, put, value_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cli.importing.presets.preset import Preset
    from cli.importing.records import Draft, Record


class PresetDrafts:
    """Makes the drafts of a preset. A mapped column that is not empty counts more than what the preset makes."""

    def __init__(self, preset: Preset, mapping: Mapping[str, str]) -> None:
        """Take field's path → column, or path of names in a JSON object."""
        self._preset = preset
        self._mapped = [(path, field, mapping[path]) for path in mapping if (field := parse_field(path)) is not None]

    def __call__(self, records: Iterable[Record]) -> Iterator[Draft]:
        """Yield the drafts. A draft may stand for several records."""
        drafts = self._preset.drafts(records)
        return map(self._with_mapped, drafts) if self._mapped else drafts

    def _with_mapped(self, draft: Draft) -> Draft:
        for path, field, source in self._mapped:
            value = value_at(draft.records[0].values, source)
            if value is MISSING or (isinstance(value, str) and not value.strip()):
                continue
            put(draft.customer, field, value)
            draft.columns[path] = source
        return draft
