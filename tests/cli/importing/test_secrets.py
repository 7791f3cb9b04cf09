"""What is secret in a record is in no file of refused rows, and comes back from the original."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.importing.mapping.secret_columns import without_secrets
from cli.importing.options import ImportOptions
from cli.importing.plan import make_plan
from cli.importing.reading.input_file import InputFile
from cli.submission.failed_rows import failed_rows
from tests.cli.importing.plans import customers, resent, written
from tests.cli.importing.test_presets import options_of
from tests.cli.presets.samples import COMMANDS, FOLDER

if TYPE_CHECKING:
    from pathlib import Path


class Lines:
    """Takes lines of text."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, line: str) -> None:
        self.lines.append(line)

    def finish(self) -> None:
        """Nothing is left to do."""


def all_failed(path: Path, failed: Path, **options: Any) -> Path:
    """A file of refused rows, as `submit` writes it where every row is refused."""
    out = Lines()
    with InputFile(path) as source:
        plan = make_plan(source, ImportOptions(**options))
        rows = failed_rows(out, plan)
        for row in plan.rows(source.content()):
            rows.write(row, error="validation_error", reason="why")
        rows.finish()
    return written(failed, "".join(f"{line}\n" for line in out.lines))


@pytest.mark.parametrize(
    ("values", "secret", "shown", "kept"),
    [
        ({"a": 1, "Pass-Word": 2, "b": {"pwd_old": 3, "c": 4}}, set(), set(), {"a": 1, "b": {"c": 4}}),
        ({"a": {"b": 1, "c": 2}, "a.b": 3}, {"a.b"}, set(), {"a": {"c": 2}}),
        ({"l": [{"x": 1, "y": 2}, {"x": 3}, 4]}, {"l.x"}, set(), {"l": [{"y": 2}, {}, 4]}),
        ({"l": [{"x": 1, "y": 2}, {"x": 3}]}, {"l.0.x"}, set(), {"l": [{"y": 2}, {}]}),
        ({"l": ["x", "y"], "m": 1}, {"l.0"}, set(), {"l": [None, None], "m": 1}),
        ({"hashtags": ["a"], "tokens": {"name": "n", "value": "v"}}, set(), {"hashtags", "tokens.name"}, None),
    ],
)
def test_nothing_secret_is_kept_at_any_depth(
    values: dict[str, Any], secret: set[str], shown: set[str], kept: dict[str, Any] | None
) -> None:
    wanted = {"hashtags": ["a"], "tokens": {"name": "n"}} if kept is None else kept

    assert without_secrets(values, secret, shown) == wanted


def test_the_names_of_other_fields_are_no_secrets(tmp_path: Path) -> None:
    path = written(tmp_path / "customers.csv", "email,Hashtags,password,Old Hash\na@example.com,x,secret,secret\n")
    options = {"mapping": {"tags": "Hashtags"}, "ignore_other_columns": True}

    failed = all_failed(path, tmp_path / "failed.csv", **options)

    assert failed.read_text() == "_line,_error,_reason,email,Hashtags\n2,validation_error,why,a@example.com,x\n"


@pytest.mark.parametrize(
    "mapping",
    [
        {"passwordHash": "login.hash"},
        {"passwordHash": "logins.0.hash"},
        {"passwordHash": "login.x.y"},
        {"passwordHash": "login.parts.1"},
        {"password": "old_password"},
        {},
    ],
)
def test_an_objects_secrets_come_back_from_wherever_they_were(tmp_path: Path, mapping: dict[str, str]) -> None:
    users = [
        {
            "email": f"{number}@example.com",
            "login": {"x.y": f"secret {number}", "parts": ["p", f"secret {number}"], "hash": f"secret {number}"},
            "logins": [{"kind": "k", "hash": f"secret {number}"}],
            "password": f"secret {number}",
            "old_password": f"secret {number}",
        }
        for number in range(3)
    ]
    path = written(tmp_path / "users.json", json.dumps({"data": {"users": users}}))
    options = {"mapping": mapping, "ignore_other_columns": True}
    if "passwordHash" in mapping:
        options["ignored_columns"] = frozenset({"password"})

    failed = all_failed(path, tmp_path / "failed.json", **options)
    rows = customers(resent(failed, path, **options))

    assert "hash" not in failed.read_text()
    assert "password" not in failed.read_text()
    assert [customer.get("passwordHash", customer.get("password")) for customer in rows] == [
        f"secret {number}" for number in range(3)
    ]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_whole_export_that_failed_is_the_same_again(tmp_path: Path, name: str) -> None:
    path, options = FOLDER / COMMANDS[name]["file"], options_of(name)
    with InputFile(path) as source:
        plan = make_plan(source, ImportOptions(**options))
        bodies = [row.body for row in plan.rows(source.content())]

    failed = all_failed(path, tmp_path / f"failed{path.suffix}", **options)
    rows = resent(failed, path, **options)

    assert [row.body for row in rows] == bodies
    hashes = [customer["passwordHash"] for customer in customers(rows) if "passwordHash" in customer]
    assert [each for each in hashes if each in failed.read_text()] == []
