"""`customer-intake initial-password` tells what `submit --initial-passwords` gave."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from click.testing import CliRunner

from cli.importing.mapping.initial_passwords import initial_password, read_or_make_key
from cli.main import main

if TYPE_CHECKING:
    from pathlib import Path


def test_the_same_file_and_email_give_the_same_password(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = read_or_make_key(path)

    ended = CliRunner().invoke(main, ["initial-password", str(path), "Jane@Example.com"])

    assert ended.exit_code == 0, ended.output
    assert ended.stdout.strip() == initial_password(key, "jane@example.com")
    assert [each.name for each in tmp_path.iterdir()] == ["key"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    read_or_make_key(path)
    path.chmod(0o644)

    ended = CliRunner().invoke(main, ["initial-password", str(path), "jane@example.com"])

    assert ended.exit_code == 2
    assert "others may read the file of the secret" in ended.output
