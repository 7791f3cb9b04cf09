"""What holds for every preset."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, Final

import pytest

from cli.importing.presets.registry import PRESETS
from cli.importing.records import Record
from tests.cli.presets.samples import COMMANDS, FOLDER, PASSWORDS, sample

KEY_FILES: Final = {"shop.key": "initial-passwords.key"}
"""The file of `--initial-passwords` in the document → in commands.json."""
SECRETS: Final = ("password", "passwordHash")
ODD_TEXTS: Final = ("", " ", "x", "'", "{", "[]", "\n", "\x00")
ODD_VALUES: Final[tuple[Any, ...]] = (*ODD_TEXTS, None, 0, True, [], {}, [{}], {"": None})


def test_each_preset_is_called_by_its_name() -> None:
    assert {name: preset.name for name, preset in PRESETS.items()} == {name: name for name in PRESETS}


def test_each_preset_has_a_sample_with_its_command_and_passwords() -> None:
    shown = {command["options"][command["options"].index("--from") + 1] for command in COMMANDS.values()}

    assert shown == set(PRESETS)
    assert set(PASSWORDS) == set(COMMANDS)
    assert [command["file"] for command in COMMANDS.values() if not (FOLDER / command["file"]).is_file()] == []


def test_the_document_shows_the_commands_by_which_the_samples_go_in() -> None:
    document = (Path(__file__).parents[3] / "docs" / "importing.md").read_text().replace("\\\n", " ")

    lines = re.findall(r"^customer-intake submit (\S+ --from .+)$", document, re.MULTILINE)

    shown = [sorted(KEY_FILES.get(word, word) for word in shlex.split(line)) for line in lines]
    commands = [sorted([COMMANDS[name]["file"], *COMMANDS[name]["options"]]) for name in PRESETS]
    assert sorted(shown) == sorted(commands)


def test_no_two_customers_of_the_samples_have_one_email() -> None:
    emails = [email for passwords in PASSWORDS.values() for email in passwords]

    assert len(emails) == len(set(emails))


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_what_could_not_be_read_becomes_a_customer_with_that_fault(name: str) -> None:
    (draft,) = PRESETS[name].drafts([Record(7, {}, fault="is not UTF-8")])

    assert [(fault.where, fault.message) for fault in draft.faults] == [("", "is not UTF-8")]
    assert (draft.number, draft.customer) == (7, {})


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_records_stay_as_they_were_read(name: str) -> None:
    options = COMMANDS[name]["options"]
    preset = PRESETS[options[options.index("--from") + 1]]
    records = sample(COMMANDS[name]["file"])

    for draft in preset.drafts(records):
        for address in draft.customer.get("addresses", ()):
            address.clear()

    assert records == sample(COMMANDS[name]["file"])


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_sample_has_what_its_preset_needs_and_passwords_come_from_secret_columns(name: str) -> None:
    options = COMMANDS[name]["options"]
    preset = PRESETS[options[options.index("--from") + 1]]

    drafts = list(preset.drafts(sample(COMMANDS[name]["file"])))

    assert set(preset.needs) <= drafts[0].records[0].values.keys()
    columns = {draft.columns[field] for draft in drafts for field in SECRETS if field in draft.customer}
    assert columns <= preset.secrets
    assert not any(draft.faults for draft in drafts)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_values_of_any_kind_in_any_place_give_one_customer_and_no_exception(name: str) -> None:
    options = COMMANDS[name]["options"]
    preset = PRESETS[options[options.index("--from") + 1]]
    record = sample(COMMANDS[name]["file"])[0]
    odd_values = ODD_TEXTS if COMMANDS[name]["file"].endswith(".csv") else ODD_VALUES

    for column, value in record.values.items():
        for odd in odd_values:
            changed = [{**record.values, column: odd}]
            if isinstance(value, dict):
                changed += [{**record.values, column: {**value, inner: odd}} for inner in value]
            for values in changed:
                assert len(list(preset.drafts([Record(1, values)]))) == 1
