"""Each process reads every variable that the compose file sets. A misspelt one would be ignored in silence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from api_shim.settings import read_shim_settings
from console.settings import read_console_settings
from local_stack.secret_files import ensure_secret_files
from notifier.settings import read_notifier_settings
from tests.deploy.test_compose import EVERY_SERVICE, ROOT
from worker.settings import read_worker_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path


class Recording(dict[str, str]):
    """An environment that notes which variables were read."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override] # a narrower use
        self.asked.add(key)
        return super().get(key, default)


def _environment(name: str, secrets: Path) -> Iterator[tuple[str, str]]:
    for variable, value in EVERY_SERVICE[name]["environment"].items():
        if value.startswith("/run/secrets/"):
            yield variable, str(secrets / value.removeprefix("/run/secrets/").replace("_", "-"))
        else:
            yield variable, value


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("shim", read_shim_settings),
        ("worker", read_worker_settings),
        ("notifier", read_notifier_settings),
        ("console", read_console_settings),
        ("ha-shim-1", read_shim_settings),
        ("ha-shim-2", read_shim_settings),
        ("ha-worker", read_worker_settings),
        ("ha-notifier", read_notifier_settings),
    ],
)
def test_every_variable_of_a_service_is_one_that_it_reads(
    name: str, read: Callable[[Mapping[str, str]], object], tmp_path: Path
) -> None:
    ensure_secret_files(tmp_path / "secrets")
    environment = Recording(dict(_environment(name, tmp_path / "secrets")))
    read(environment)
    assert set(environment) <= environment.asked


def test_the_readme_lists_every_variable_and_no_other(tmp_path: Path) -> None:
    ensure_secret_files(tmp_path / "secrets")
    asked: set[str] = set()
    readers: tuple[tuple[str, Callable[[Mapping[str, str]], object]], ...] = (
        ("shim", read_shim_settings),
        ("worker", read_worker_settings),
        ("notifier", read_notifier_settings),
        ("console", read_console_settings),
    )
    for name, read in readers:
        environment = Recording(dict(_environment(name, tmp_path / "secrets")))
        read(environment)
        asked |= {variable.removeprefix("INTAKE_").removesuffix("_FILE") for variable in environment.asked}
    # This setting is for the project's own tests and benches, and its hashes protect nothing.
    asked.discard("ARGON2_TEST_PROFILE")
    table = (ROOT / "README.md").read_text().split("## Settings")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
    listed = {name.removesuffix("_FILE") for name in re.findall(r"`([A-Z0-9_]{3,})`", "\n".join(cells))}
    assert listed == asked
