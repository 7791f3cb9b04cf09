"""Drafts by a preset, which knows the export of one product, and by the columns that a person maps as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli.importing.mapping.columns import listed
from cli.importing.mapping.fields import parse_field
from cli.importing.mapping.paths import MISSING, close_gaps, put, value_at
from cli.importing.reading.recognising.wrong_form import WrongForm
from cli.importing.records import Form

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cli.importing.presets.preset import Preset
    from cli.importing.reading.input_form import InputForm
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
        close_gaps(draft.customer, draft.columns)
        return draft


def not_an_export(
    preset: Preset,
    form: InputForm,
    columns: Sequence[str],
    *,
    first: Sequence[Mapping[str, Any]],
    needs: Iterable[str],
) -> WrongForm | None:
    """Why a file is not what the product exports; None where it may be.

    Args:
        preset: the product's.
        form: of the file.
        columns: of a table.
        first: the first objects of JSON.
        needs: the columns, or the paths in an object, without which it is no such export.
    """
    to_do = "Give the file as the product exports it, or leave --from out and map the columns: --map email=…."
    # Objects are the same in a list and one a line: some tools write the one, some the other.
    is_table = form.kind is Form.TABLE
    if not any((each is Form.TABLE) == is_table for each in preset.forms):
        wanted = " or ".join(sorted(each.value for each in preset.forms))
        return WrongForm(f"{form.described}. {preset.title} would be {wanted}", to_do)
    if is_table:
        missing = [column for column in needs if column not in columns]
        its = f". Its columns are {listed(columns)}"
    else:
        missing = [path for path in needs if first and all(value_at(each, path) is MISSING for each in first)]
        its = ""
    return WrongForm(f"not {preset.title}: it has no {listed(missing)}{its}", to_do) if missing else None
