"""What must be true of the Dockerfile. The tests only read it."""

from __future__ import annotations

import json
import re
from typing import Final

import pytest

from tests.deploy.test_compose import ROOT, SERVICES

# Continued lines are joined, and comments are left out.
LINES: Final = [
    line
    for line in re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text()).splitlines()
    if line and not line.startswith("#")
]


def _of(instruction: str) -> list[str]:
    return [line.split(None, 1)[1] for line in LINES if line.startswith(f"{instruction} ")]


def test_the_base_images_are_pinned_by_version() -> None:
    assert _of("FROM")
    for image in _of("FROM"):
        assert re.match(r"python:\d+\.\d+\.\d+-slim-\w+( AS build)?$", image)


def test_only_packages_that_the_lock_pins_are_installed() -> None:
    installs = [step.strip() for run in _of("RUN") for step in run.split("&&") if " install " in step]
    assert len(installs) == 3
    for install in installs:
        assert "--require-hashes" in install or "--no-deps" in install


def test_the_image_that_runs_has_no_installer() -> None:
    last_stage = LINES[max(number for number, line in enumerate(LINES) if line.startswith("FROM ")) :]
    (removed,) = [line for line in last_stage if "rm -rf" in line]
    for each in ("site-packages/*", "ensurepip", "/usr/local/bin/pip*"):
        assert each in removed


def test_it_runs_as_an_unprivileged_user() -> None:
    *_, user = _of("USER")
    uid, _, gid = user.partition(":")
    assert int(uid) >= 10000
    assert int(gid) >= 10000


def test_the_process_gets_its_signals_directly() -> None:
    """The command has the exec form. A shell in between would swallow SIGTERM, so that nothing would end properly."""
    assert json.loads(_of("ENTRYPOINT")[0]) == ["python", "-m"]
    assert json.loads(_of("CMD")[0]) == SERVICES["shim"]["command"]


def test_it_announces_the_ports_that_compose_publishes() -> None:
    assert _of("EXPOSE") == ["3005 3006"]
    assert SERVICES["shim"]["ports"][0].endswith(":3005")
    assert SERVICES["console"]["ports"][0].endswith(":3006")


def test_every_package_of_the_project_is_in_it() -> None:
    copied = {words.split()[0] for words in _of("COPY")}
    assert {"api_shim", "cli", "console", "edge", "local_stack", "passwords", "schemas", "startup", "worker"} <= copied


def test_everything_that_is_copied_is_let_into_the_build() -> None:
    allowed = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    copied = {source for words in _of("COPY") if "--from" not in words for source in words.split()[:-1]}

    assert copied == allowed


@pytest.mark.parametrize("word", ["secret", "password", "token", "INTAKE_ID_KEY", "INTAKE_SEALING"])
def test_no_secret_is_built_in(word: str) -> None:
    # The package that hashes passwords has the word in its name.
    lines = [line for line in LINES if line != "COPY passwords passwords"]
    assert not [line for line in lines if word.lower() in line.lower()]
