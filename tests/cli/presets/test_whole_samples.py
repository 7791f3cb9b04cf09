"""Each preset's sample goes in whole by one command, and every customer can log in."""

from __future__ import annotations

import base64
from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

from cli.importing.mapping.initial_passwords import initial_password
from passwords import FirebaseKey, verify
from tests.cli.presets.samples import COMMANDS, FOLDER, PASSWORDS, sample
from tests.cli.submission import end, start
from tests.conftest import fresh_environment
from tests.contract.service import Service
from tests.support.tokens import token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.cli.submission import Ended
    from tests.conftest import Environment, Servers, Starter

KEY_FILE: Final = "initial-passwords.key"
"""How the commands call the file that the command makes."""
OFTEN: Final = {"keycloak", "shopify"}
"""Samples whose ways of importing differ most. They go in at each run, the others in the long one."""
SIGNER_KEY: Final = "INTAKE_FIREBASE_SIGNER_KEY"


def submit(service: Service, path: Path, *options: str) -> Ended:
    """Submit a file as a caller who may import hashes."""
    scopes = token(service.environment, scope="customer:create customer:import")
    return end(start(service.environment, str(path), *options, INTAKE_TOKEN=scopes))


def submit_sample(service: Service, name: str, folder: Path) -> Ended:
    """Run the command of a sample. Files that it makes are in this folder."""
    options = [str(folder / option) if option == KEY_FILE else option for option in COMMANDS[name]["options"]]
    return submit(service, FOLDER / COMMANDS[name]["file"], *options)


def passwords_of(name: str, folder: Path) -> Mapping[str, str]:
    """Email → password, initial ones too."""
    key_path = folder / KEY_FILE
    key = key_path.read_bytes().strip() if key_path.exists() else b""
    return {email: password or initial_password(key, email) for email, password in PASSWORDS[name].items()}


@pytest.fixture(scope="module")
def services(
    stack: Servers, service: Service, start_module_shim: Starter, start_module_worker: Starter
) -> Iterator[Callable[[str], Service]]:
    """A shim and a worker with the settings that a sample needs. Samples that need the same share them."""
    running: dict[frozenset[tuple[str, str]], Service] = {}

    def service_of(name: str) -> Service:
        settings = COMMANDS[name]["worker"]
        if not settings:
            return service
        key = frozenset(settings.items())
        if key not in running:
            environment = fresh_environment(stack)
            running[key] = Service(start_module_shim(environment), start_module_worker(environment, **settings))
        return running[key]

    yield service_of
    for each in running.values():
        each.http.close()


@pytest.fixture
def magento(isolated_env: Environment, start_shim: Starter, start_worker: Starter) -> Iterator[Service]:
    """A shim and a worker for Magento's sample alone."""
    running = Service(start_shim(isolated_env), start_worker(isolated_env, **COMMANDS["magento"]["worker"]))
    with closing(running.http):
        yield running


@pytest.mark.parametrize(
    "name",
    [pytest.param(each, marks=[] if each in OFTEN else pytest.mark.slow) for each in sorted(COMMANDS)],
)
def test_a_sample_goes_in_whole_by_one_command_and_every_customer_can_log_in(
    services: Callable[[str], Service], name: str, tmp_path: Path
) -> None:
    service = services(name)

    ended = submit_sample(service, name, tmp_path)

    assert ended.code == 0, ended.stderr
    passwords = passwords_of(name, tmp_path)
    stored = {
        customer["email"]: customer["password_hash"]
        for customer in service.customers()
        if customer["email"] in passwords
    }
    assert stored.keys() == passwords.keys()
    assert [email for email, password_hash in stored.items() if password_hash.startswith("$digest$")] == []
    signer_key = COMMANDS[name]["worker"].get(SIGNER_KEY)
    firebase = FirebaseKey(base64.b64decode(signer_key)) if signer_key else None
    verified = {email: verify(passwords[email], stored[email], firebase=firebase) for email in stored}
    assert [email for email, verification in verified.items() if not verification.ok] == []
    first = next(iter(passwords))
    assert not verify(f"not {passwords[first]}", stored[first], firebase=firebase).ok
    assert [password for password in passwords.values() if password in ended.stdout + ended.stderr] == []


@pytest.mark.slow
def test_the_same_command_again_makes_nothing_twice(magento: Service, tmp_path: Path) -> None:
    submit_sample(magento, "magento", tmp_path)

    again = submit_sample(magento, "magento", tmp_path)

    assert again.code == 0, again.stderr
    assert [row.get("repeated") for row in again.rows] == [True] * len(PASSWORDS["magento"])
    assert len(magento.customers()) == len(PASSWORDS["magento"])


@pytest.mark.slow
def test_refused_customers_of_several_rows_are_sent_again_whole_with_the_passwords_of_the_export(
    magento: Service, tmp_path: Path
) -> None:
    export, failed = FOLDER / "magento.csv", tmp_path / "failed.csv"
    hashes = [row.values["password_hash"] for row in sample("magento.csv") if row.values["password_hash"]]

    first = submit(magento, export, "--from", "magento", "--failed", str(failed))
    written = failed.read_text()
    again = submit(
        magento, failed, *COMMANDS["magento"]["options"], "--batch", export.name, "--passwords-from", str(export)
    )

    assert (first.code, again.code) == (1, 0), first.stderr + again.stderr
    assert [each for each in hashes if each in written] == []
    stored = {customer["email"]: customer for customer in magento.customers()}
    assert {email: len(customer["addresses"]) for email, customer in stored.items()} == {
        "anthony.nealy@example.com": 2,
        "lori.banks@example.com": 3,
        "betsy.parker@example.com": 1,
        "kelly.nilson@example.com": 0,
        "pat.older@example.com": 0,
        "max.magento1@example.com": 1,
    }
    passwords = passwords_of("magento", tmp_path)
    assert all(verify(passwords[email], customer["password_hash"]).ok for email, customer in stored.items())
