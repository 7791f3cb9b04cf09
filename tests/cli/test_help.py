"""The command line explains itself."""

from __future__ import annotations

from typing import Final

import pytest
from click.testing import CliRunner

from cli.main import main

COMMANDS: Final = [
    "up",
    "status",
    "down",
    "console",
    "token",
    "keys",
    "submit",
    "initial-password",
    "batches",
    "plan",
    "dead-letters",
    "webhooks",
]


def test_help_lists_every_command() -> None:
    ended = CliRunner().invoke(main, ["--help"])

    assert ended.exit_code == 0, ended.output
    listed = [line.split()[0] for line in ended.stdout.partition("Commands:")[2].splitlines() if line.strip()]
    assert listed == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help(command: str) -> None:
    ended = CliRunner().invoke(main, [command, "--help"])

    assert ended.exit_code == 0, ended.output
    assert ended.stdout.startswith(f"Usage: main {command} [OPTIONS]")
