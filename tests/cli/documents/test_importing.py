"""docs/importing.md: its commands do what it says."""

from __future__ import annotations

import base64
import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from pymongo import MongoClient

from cli.importing.mapping.initial_passwords import initial_password
from cli.importing.presets.registry import PRESETS
from cli.local_tokens import jwt_secret_path
from cli.options import DEFAULT_DIRECTORY
from local_stack.environments import environment_without_settings
from local_stack.state_file import ProcessIdentity, StackState, write_state
from passwords import FirebaseKey, verify
from tests.cli.documents.walkthrough import Command, File, blocks, is_as_told, run, section
from tests.cli.presets.samples import COMMANDS, FOLDER, PASSWORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pymongo.collection import Collection

    from tests.conftest import Environment, Running, Starter

ROOT: Final = Path(__file__).parents[3]
DOCUMENT: Final = (ROOT / "docs" / "importing.md").read_text()
PRODUCTS: Final = section(DOCUMENT, "## Products")
SIGNER_KEY: Final = COMMANDS["firebase"]["worker"]["INTAKE_FIREBASE_SIGNER_KEY"]


WORKER: Final = {"INTAKE_WRAP_FAST_HASHES": "true", "INTAKE_FIREBASE_SIGNER_KEY": SIGNER_KEY}
"""Settings of a worker that takes what every product exports."""


@pytest.fixture
def reader(isolated_env: Environment, start_shim: Starter, start_worker: Starter, tmp_path: Path) -> Mapping[str, str]:
    """The environment of a reader in whose folder the local stack runs."""
    start_worker(isolated_env)
    return _reader(start_shim(isolated_env), tmp_path)


@pytest.fixture(scope="module")
def shim(module_env: Environment, start_module_shim: Starter, start_module_worker: Starter) -> Running:
    """A shim, and a worker for what every product exports."""
    start_module_worker(module_env, **WORKER)
    return start_module_shim(module_env)


def _reader(shim: Running, folder: Path) -> Mapping[str, str]:
    """The environment of a reader, whose folder is made to look as if the local stack ran in it."""
    secret = jwt_secret_path(folder / DEFAULT_DIRECTORY)
    secret.parent.mkdir(parents=True)
    shutil.copy(shim.environment["INTAKE_JWT_SECRET_FILE"], secret)
    write_state(folder / DEFAULT_DIRECTORY, StackState(ProcessIdentity.own(), url=shim.url, ready=True))
    database = {name: shim.environment[name] for name in ("INTAKE_MONGODB_URI", "INTAKE_MONGODB_DATABASE")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**environment_without_settings(), **database, "PATH": path}


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


def test_every_preset_has_a_section_with_its_command() -> None:
    assert {name for name in PRESETS if f"--from {name} " in _command(name)} == set(PRESETS)


@pytest.mark.parametrize("sample", sorted(COMMANDS))
def test_a_product_s_sample_goes_in_by_its_command_and_every_customer_can_log_in(
    sample: str, shim: Running, tmp_path: Path
) -> None:
    preset, file = COMMANDS[sample]["options"][1], COMMANDS[sample]["file"]
    shutil.copy(FOLDER / file, tmp_path)
    with _customers(shim) as customers:
        customers.delete_many({})  # two samples have an email in common
    command = _command(preset).replace(COMMANDS[preset]["file"], file)

    ran = run(Command(command, ""), tmp_path, _reader(shim, tmp_path))

    assert ran.returncode == 0, ran.stdout
    key = tmp_path / "shop.key"
    passwords = {
        email: initial_password(key.read_bytes().strip(), email) if password is None else password
        for email, password in PASSWORDS[sample].items()
    }
    with _customers(shim) as customers:
        stored = {customer["email"]: customer["password_hash"] for customer in customers.find()}
    assert set(stored) == set(passwords)
    firebase = FirebaseKey(base64.b64decode(SIGNER_KEY))
    refused = [email for email in passwords if not verify(passwords[email], stored[email], firebase=firebase).ok]
    assert refused == []


def _command(preset: str) -> str:
    """The command in a product's section."""
    heading = next(line for line in PRODUCTS.splitlines() if line.lower() == f"### {preset}")
    return section(PRODUCTS, heading).split("```sh\n", 1)[1].split("```", 1)[0]


@contextmanager
def _customers(shim: Running) -> Iterator[Collection[dict[str, Any]]]:
    """The collection of the stored customers."""
    with MongoClient[dict[str, Any]](shim.environment["INTAKE_MONGODB_URI"]) as client:
        yield client[shim.environment["INTAKE_MONGODB_DATABASE"]]["customers"]
