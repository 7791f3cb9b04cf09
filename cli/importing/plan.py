"""Plans an import: what a file is, and how its records become rows. Refuses a wrong file before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain
from typing import IO, TYPE_CHECKING

from cli.importing.first_look import first_objects, recognised
from cli.importing.head import Head, without_secrets
from cli.importing.mapping.columns import (
    UnknownFieldError,
    WrongColumnsError,
    mapped_fields,
    table_columns,
    unknown_names,
)
from cli.importing.mapping.fields import LINE, SECRET_FIELDS
from cli.importing.mapping.finishing import Finishing
from cli.importing.mapping.object_drafts import ObjectDrafts
from cli.importing.mapping.original_secrets import OriginalSecrets
from cli.importing.mapping.preset_drafts import PresetDrafts, not_an_export
from cli.importing.mapping.secret_columns import secret_sources, shown_sources, sounding_secret
from cli.importing.mapping.table_drafts import TableDrafts
from cli.importing.options import ImportOptions
from cli.importing.presets.preset import UnknownParameterError
from cli.importing.presets.registry import PRESETS
from cli.importing.reading.errors import WrongInputError
from cli.importing.reading.numbered_lines import numbered
from cli.importing.reading.readers import records
from cli.importing.reading.recognising.wrong_form import WrongForm
from cli.importing.records import Form, ImportRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from cli.importing.presets.preset import Preset
    from cli.importing.reading.input_file import InputFile
    from cli.importing.reading.input_form import InputForm
    from cli.importing.records import Draft, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    """How the rows of one file are read."""

    form: InputForm
    title: str
    """What the file is, for a person."""
    is_plain: bool
    """Whether the file's own lines are sent as they are: JSON lines without any option."""
    is_failed_file: bool
    """Whether `submit` wrote the file: its rows have the numbers that they had in the original."""
    secret_columns: frozenset[str]
    """Columns, or dotted paths in a JSON object, that hold a password or a hash, or may hold one."""
    shown_columns: frozenset[str]
    """Columns, or dotted paths, that hold other fields of the contract: no secrets, whatever they are called."""
    options: ImportOptions
    _source: InputFile = field(repr=False)
    _drafts: Callable[[Iterable[Record]], Iterator[Draft]] = field(repr=False)
    _finishing: Finishing = field(repr=False)
    _secrets: OriginalSecrets | None = field(repr=False)

    @property
    def described(self) -> str:
        """What the file is, as the words that follow "this is"."""
        return self.title

    def rows(self, content: IO[bytes]) -> Iterator[ImportRow]:
        """Yield the rows, those with faults too, each as soon as it was read. The same content gives the same rows.

        Args:
            content: the source's, from the start.

        Raises:
            BrokenInputError: the rest cannot be read. The rows before were yielded.
            WrongInputError: not one of the first rows of a stream can be sent. None was yielded.
            OSError: the file cannot be read.
        """
        if self.is_plain:
            return (ImportRow(number, line) for number, line in numbered(content))
        rows = self._read(content)
        return rows if self._source.is_regular else self._head().checked(rows)

    def with_secrets_from(self, original: InputFile) -> ImportPlan:
        """The plan of the same failed file, with passwords and hashes of the file in which its rows stood first.

        Raises:
            WrongInputError: see make_plan.
        """
        return make_plan(self._source, self.options, secrets_from=original)

    def check(self) -> None:
        """Judge the first rows. A stream is judged when it is read.

        Raises:
            WrongInputError: no row can be sent.
        """
        if not self.is_plain and self._source.is_regular:
            with self._source.content() as content:
                self._head().check(self._read(content))

    def _read(self, content: IO[bytes]) -> Iterator[ImportRow]:
        read = records(self.form, content)
        return self._finishing.rows(self._drafts(read if self._secrets is None else self._secrets.filled(read)))

    def _head(self) -> Head:
        return Head(self._source, self.form, title=self.title, is_failed_file=self.is_failed_file)


def make_plan(source: InputFile, options: ImportOptions, *, secrets_from: InputFile | None = None) -> ImportPlan:
    """Recognise a file and decide how its rows are read.

    Args:
        source: the file.
        options: what a person says about it.
        secrets_from: the file that has the passwords and hashes of a failed file.

    Raises:
        WrongInputError: the file is refused as a whole: it has no form that is read, its columns do not tell how, no
            row can be sent, or it is a failed file and nothing tells its passwords. The text tells a person.
    """
    preset = _preset(options)
    form = recognised(source, options, preset)
    secret_form = None
    if secrets_from is not None:
        if not secrets_from.is_regular:
            to_do = "--passwords-from needs the file itself."
            raise secrets_from.refused(WrongForm("no file that can be read twice", to_do))
        secret_form = recognised(secrets_from, options, preset)
    try:
        return _plan(source, form, options, preset=preset, original=secrets_from, original_form=secret_form)
    except WrongColumnsError as error:
        raise source.refused(error.form) from None
    except UnknownFieldError as error:
        raise WrongInputError(str(error)) from None


def _preset(options: ImportOptions) -> Preset | None:
    preset = PRESETS[options.preset] if options.preset else None
    if not options.parameters:
        return preset
    if preset is None or preset.tuned is None:
        tunable = ", ".join(sorted(name for name, each in PRESETS.items() if each.tuned is not None))
        raise WrongInputError(f"--parameter goes with --from {tunable} only. Nothing was sent.")
    try:
        return replace(preset, drafts=preset.tuned(options.parameters))
    except UnknownParameterError as error:
        raise WrongInputError(f"--parameter: {error}. Nothing was sent.") from None


def _plan(
    source: InputFile,
    form: InputForm,
    options: ImportOptions,
    *,
    preset: Preset | None,
    original: InputFile | None,
    original_form: InputForm | None,
) -> ImportPlan:
    first = first_objects(source, form)
    is_failed_file = LINE in form.columns or any(LINE in each for each in first)
    if original is not None and not is_failed_file:
        what = f"{form.described} without a {LINE}, which rows in a file of refused rows have"
        raise source.refused(WrongForm(what, "--passwords-from goes with such a file only."))
    columns = form.columns
    sources = mapped_fields(options.mapping)
    secrets = secret_sources(sources) | (SECRET_FIELDS if preset is None else preset.secrets)
    if original_form is not None:
        # The failed file lacks these columns. They come back behind the others.
        lacking = (secrets | sounding_secret(original_form.columns)) - set(columns)
        columns += tuple(each for each in original_form.columns if each in lacking)
    title = form.described if preset is None else f"{preset.title} ({form.described})"
    if is_failed_file and original is None and _would_lose_secrets(form, options, sources, preset):
        raise source.refused(without_secrets(title))
    finishing = Finishing(options)
    drafts: Callable[[Iterable[Record]], Iterator[Draft]]
    if preset is not None:
        # Of a failed file that lacks its secrets the head tells more.
        needs = [name for name in preset.needs if not (is_failed_file and name in preset.secrets)]
        if (wrong := not_an_export(preset, form, columns, first=first, needs=needs)) is not None:
            raise source.refused(wrong)
        drafts = PresetDrafts(preset, sources)
    elif form.kind is Form.TABLE:
        sources = table_columns(columns, options)
        drafts = TableDrafts(sources)
    else:
        drafts = objects = ObjectDrafts(sources, options)
        if unknown := list(dict.fromkeys(name for each in first for name in objects.unknown_in(each))):
            raise unknown_names(unknown, taken=sources, what="JSON with names that mean nothing here")
    shown = shown_sources(sources)
    names = {*columns, *options.ignored_columns, *chain(*first)}
    if original is not None and original_form is not None:
        names.update(*first_objects(original, original_form))
    secrets |= secret_sources(sources) | (sounding_secret(names) - shown)
    plan = ImportPlan(
        form=form,
        title=title,
        is_plain=form.kind is Form.JSON_LINES and not is_failed_file and _changes_nothing(options),
        is_failed_file=is_failed_file,
        secret_columns=secrets,
        shown_columns=shown,
        options=options,
        _source=source,
        _drafts=drafts,
        _finishing=finishing,
        _secrets=None
        if original is None or original_form is None
        else OriginalSecrets(original, original_form, _held(secrets, columns, form)),
    )
    plan.check()
    return plan


def _would_lose_secrets(
    form: InputForm, options: ImportOptions, sources: Mapping[str, str], preset: Preset | None
) -> bool:
    """Whether the customers of a failed file had passwords or hashes that they would not get back."""
    if form.kind is Form.TABLE and not secret_sources(sources) <= set(form.columns):
        return True
    # An initial password is for customers who had none. Nobody can tell which they were.
    return bool(options.initial_password_key) and (preset is None or bool(preset.secrets))


def _held(secrets: frozenset[str], columns: tuple[str, ...], form: InputForm) -> frozenset[str]:
    return secrets & frozenset(columns) if form.kind is Form.TABLE else secrets


def _changes_nothing(options: ImportOptions) -> bool:
    """Whether no option changes what is in a JSON object."""
    return replace(options, encoding="", delimiter="", list_name="", tags_separator="") == ImportOptions(
        tags_separator=""
    )
