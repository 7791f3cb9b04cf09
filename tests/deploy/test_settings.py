"""Each variable of the documents and the files to copy is one that a process reads, and the other way round."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from api_shim.settings import read_shim_settings
from console.settings import read_console_settings
from local_stack.secret_files import ensure_secret_files
from notifier.settings import read_notifier_settings
from startup.known_settings import OF_NO_PROCESS, SETTINGS
from tests.deploy.test_compose import EVERY_SERVICE, ROOT
from worker.settings import read_worker_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

COMPOSE_FILES: Final = ("docker-compose.yml", "docker-compose.ha.yml")


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


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """Every variable that a process reads, without `INTAKE_`."""
    secrets = tmp_path_factory.mktemp("settings") / "secrets"
    ensure_secret_files(secrets)
    asked: set[str] = set()
    readers: tuple[tuple[str, Callable[[Mapping[str, str]], object]], ...] = (
        ("shim", read_shim_settings),
        ("worker", read_worker_settings),
        ("notifier", read_notifier_settings),
        ("console", read_console_settings),
    )
    for name, read in readers:
        environment = Recording(dict(_environment(name, secrets)))
        read(environment)
        asked |= {variable.removeprefix("INTAKE_") for variable in environment.asked}
    return frozenset(asked)


def test_the_list_of_known_settings_has_every_variable_that_a_process_reads_and_no_other(asked: frozenset[str]) -> None:
    assert asked == SETTINGS


def test_a_variable_that_is_named_anywhere_is_known() -> None:
    named = {
        name
        for place in ("README.md", "docs", "deploy", "cli", "local_stack", "bench", "Dockerfile", *COMPOSE_FILES)
        for path in _files(ROOT / place)
        for name in re.findall(r"\bINTAKE_([A-Z0-9_]*[A-Z0-9])(?![A-Z0-9_])", path.read_text(errors="replace"))
    }
    assert named >= OF_NO_PROCESS
    # The runbook's example of one that is misspelt.
    assert named - {"REDIS_ULR"} <= SETTINGS | OF_NO_PROCESS


def _files(place: Path) -> Iterator[Path]:
    """Of this place. What Python compiled holds texts side by side, which look like names."""
    found = [place] if place.is_file() else place.rglob("*")
    yield from (each for each in found if each.is_file() and "__pycache__" not in each.parts)


def test_the_readme_lists_every_variable_and_no_other(asked: frozenset[str]) -> None:
    # This setting is for the project's own tests and benches, and its hashes protect nothing.
    expected = {variable.removesuffix("_FILE") for variable in asked} - {"ARGON2_TEST_PROFILE"}
    table = (ROOT / "README.md").read_text().split("## Settings")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
    listed = {name.removesuffix("_FILE") for name in re.findall(r"`([A-Z0-9_]{3,})`", "\n".join(cells))}
    assert listed == expected
