"""docs/importing.md, and the migration in README.md: the commands do what is said of them."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from pymongo import MongoClient

from cli.local_tokens import jwt_secret_path
from cli.options import DEFAULT_DIRECTORY
from local_stack.environments import environment_without_settings
from local_stack.state_file import ProcessIdentity, StackState, write_state
from passwords import verify
from tests.cli.documents.walkthrough import Command, File, blocks, is_as_told, run
from tests.cli.presets.samples import FOLDER, PASSWORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.conftest import Environment, Running, Starter

ROOT: Final = Path(__file__).parents[3]
DOCUMENT: Final = (ROOT / "docs" / "importing.md").read_text()
README: Final = (ROOT / "README.md").read_text()


@pytest.fixture
def shim(isolated_env: Environment, start_shim: Starter, start_worker: Starter) -> Running:
    """A shim, and a worker that takes fast hashes."""
    start_worker(isolated_env, INTAKE_WRAP_FAST_HASHES="true")
    return start_shim(isolated_env)


@pytest.fixture
def reader(shim: Running, tmp_path: Path) -> Mapping[str, str]:
    """The environment of a reader, whose folder is made to look as if the local stack ran in it."""
    secret = jwt_secret_path(tmp_path / DEFAULT_DIRECTORY)
    secret.parent.mkdir(parents=True)
    shutil.copy(shim.environment["INTAKE_JWT_SECRET_FILE"], secret)
    write_state(tmp_path / DEFAULT_DIRECTORY, StackState(ProcessIdentity.own(), url=shim.url, ready=True))
    database = {name: shim.environment[name] for name in ("INTAKE_MONGODB_URI", "INTAKE_MONGODB_DATABASE")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**environment_without_settings(), **database, "PATH": path}


@pytest.mark.slow
def test_its_commands_print_what_it_says(reader: Mapping[str, str], tmp_path: Path) -> None:
    commands = 0
    for block in blocks(DOCUMENT):
        match block:
            case File(name, text):
                (tmp_path / name).write_text(text)
            case Command(text, told):
                printed = run(block, tmp_path, reader).stdout
                assert is_as_told(told, printed), f"$ {text}\n{printed}"
                commands += 1
    assert commands


@pytest.mark.slow
def test_the_readme_s_migration_brings_every_customer_in(
    shim: Running, reader: Mapping[str, str], tmp_path: Path
) -> None:
    (commands,) = re.findall(r"^```sh\n(customer-intake submit .*?)^```$", README, re.MULTILINE | re.DOTALL)
    rows = (FOLDER / "wordpress.csv").read_text().splitlines()
    wrong = rows[1].replace("ines.duarte@example.com", "ines.duarte(at)example.com")
    (tmp_path / "users.csv").write_text("\n".join([rows[0], wrong, *rows[2:]]))

    editor = "sed -i.before -e s/(at)/@/"
    ran = run(Command(commands, ""), tmp_path, {**reader, "EDITOR": editor})

    stored = {customer["email"]: customer["password_hash"] for customer in _customers(shim)}
    assert set(stored) == set(PASSWORDS["wordpress"]), ran.stdout
    password = PASSWORDS["wordpress"]["ines.duarte@example.com"]
    assert password is not None
    assert verify(password, stored["ines.duarte@example.com"]).ok


def _customers(shim: Running) -> list[dict[str, Any]]:
    with MongoClient[dict[str, Any]](shim.environment["INTAKE_MONGODB_URI"]) as client:
        return list(client[shim.environment["INTAKE_MONGODB_DATABASE"]]["customers"].find())
