"""Whatever happens to a running shim or worker, it prints no password and no secret of its settings.

Signals of every kind, a Celery that is not ours in the queue, servers that refuse: one search goes over all output.
"""

from __future__ import annotations

import json
import secrets
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

import pytest

from local_stack.ports import free_port
from local_stack.service_process import WORKER, service_process
from schemas.protocol.keys import HELD_KEY, QUEUE
from tests.conftest import Running
from tests.contract.service import an_email
from tests.support.requests import a_password_hash, an_import, as_body
from tests.support.waiting import wait_until
from tests.worker.consuming.test_consuming import CANARY as FOREIGN_CANARY
from tests.worker.consuming.test_consuming import FOREIGN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from local_stack.process import ManagedProcess
    from tests.conftest import Environment, Starter
    from tests.contract.conftest import Serve

SLOW_HASHES: Final = {
    "INTAKE_ARGON2_TEST_PROFILE": "0",
    "INTAKE_ARGON2_TIME_COST": "16",
    "INTAKE_ARGON2_MEMORY_KIB": "49152",
    "INTAKE_WORKER_CONCURRENCY": "4",
    "INTAKE_HASH_CONCURRENCY": "4",
}
"""With these settings a hash takes most of a second. So signals come while several threads have passwords in memory."""

HARMLESS: Final = ("SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGURG", "SIGCHLD", "SIGPIPE", "SIGCONT", "SIGUSR1")
SHOWN: Final = "(most recent call first)"


@dataclass(frozen=True)
class Output:
    """All that processes write: standard output, standard error and health files."""

    processes: list[Running]

    def text(self) -> str:
        """All output so far."""
        files = [each.environment.get("INTAKE_WORKER_HEALTH_FILE", "") for each in self.processes]
        health = [Path(path).read_text() for path in files if path and Path(path).exists()]
        return "\n".join([*(each.log() for each in self.processes), *health])

    def holding(self, texts: list[str]) -> list[str]:
        """Those of the texts of which the output has a piece."""
        output = self.text()
        return [text for text in texts if text in output or text[: len(text) // 2] in output]


def secrets_of(environment: Mapping[str, str]) -> list[str]:
    """The secrets in these settings."""
    files = [value for name, value in environment.items() if name.endswith("_FILE") and "secrets" in value]
    held = [Path(path).read_text().strip() for path in files if "public" not in path]
    # The id of a private key stands before the colon and is no secret.
    held = [text.rpartition(":")[2] for text in held]
    return [*held, str(urlsplit(environment["INTAKE_REDIS_URL"]).password)]


@pytest.fixture
def start_unready_worker(tmp_path: Path) -> Iterator[Callable[[Mapping[str, str]], Running]]:
    """Starts a worker that lacks something that it needs."""
    started: list[ManagedProcess] = []

    def start(environment: Mapping[str, str]) -> Running:
        log_path = tmp_path / f"worker-{len(started)}.log"
        started.append(service_process("worker", WORKER, environment, log_path=log_path))
        started[-1].start()
        return Running(started[-1], environment)

    yield start
    for process in started:
        process.kill()


@pytest.mark.parametrize("ending", ["SIGABRT", pytest.param("SIGQUIT", marks=pytest.mark.slow)])
def test_no_signal_and_no_foreign_message_makes_a_process_show_a_secret(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter, serve: Serve, ending: str
) -> None:
    shim = start_shim(isolated_env, INTAKE_LOG_LEVEL="debug")
    worker = start_worker(isolated_env, INTAKE_LOG_LEVEL="debug", **SLOW_HASHES)
    service = serve(shim, worker)
    output = Output([shim, worker])
    passwords = [f"canary-{secrets.token_hex(12)}" for _ in range(4)]
    for password in passwords:
        assert service.create(email=an_email(), password=password).status_code == 202
    hashes = [a_password_hash() for _ in range(4)]
    may_import = service.bearer(scope="customer:create customer:import")
    for each in hashes:
        assert service.post(as_body(an_import(each, email=an_email())), may_import).status_code == 202

    with service.redis() as client:
        for message, _ in FOREIGN:
            client.rpush(QUEUE, message)
        wait_until(lambda: client.zcard(HELD_KEY) >= 4, what="passwords are being hashed")
    for name in HARMLESS:
        for process in (shim, worker):
            process.process.send(signal.Signals[name])
    for process in (shim, worker):
        wait_until(lambda process=process: process.log().count(SHOWN) >= 2, what="places are shown")  # type: ignore[misc]
    assert "passwords/hashing.py" in worker.log()
    wait_until(lambda: "message_not_taken" in worker.log(), what="foreign messages are told of")
    assert service.create({"prefer": "wait=20"}, password=passwords[0]).json()["ok"] is True
    for process in (shim, worker):
        process.process.send(signal.Signals[ending])
        assert process.process.wait(40)

    digests = [each.rpartition("$")[2] for each in hashes]
    assert output.holding([*passwords, *digests, *secrets_of(shim.environment), FOREIGN_CANARY]) == []


def test_servers_that_refuse_make_no_process_show_a_secret(
    isolated_env: Environment,
    start_shim: Starter,
    start_unready_worker: Callable[[Mapping[str, str]], Running],
    tmp_path: Path,
) -> None:
    """One password has characters that libraries take for the end of something."""
    password = f"canary#{secrets.token_hex(8)}/@:%{secrets.token_hex(8)}"
    redis_url = isolated_env["INTAKE_REDIS_URL"]
    wrong = f"redis://default:{quote(password, safe='')}@{redis_url.rpartition('@')[2]}"
    (tmp_path / "uri").write_text(f"mongodb://me:{quote(password, safe='')}@127.0.0.1:{free_port()}/?replicaSet=rs0\n")
    (tmp_path / "url").write_text(wrong)
    from_file = {"INTAKE_REDIS_URL": "", "INTAKE_REDIS_URL_FILE": str(tmp_path / "url"), "INTAKE_LOG_LEVEL": "debug"}
    shim = start_shim(isolated_env, **from_file)
    wait_until(lambda: "subscription_lost" in shim.log(), what="the shim has tried")
    processes = [shim]
    for told, settings in (
        ('"dependency": "broker"', from_file),
        ('"dependency": "database"', {"INTAKE_MONGODB_URI": "", "INTAKE_MONGODB_URI_FILE": str(tmp_path / "uri")}),
    ):
        worker = start_unready_worker({**isolated_env, **settings})
        processes.append(worker)
        wait_until(lambda worker=worker, told=told: told in worker.log(), timeout=30, what=told)  # type: ignore[misc]
    for each in processes:
        each.process.send(signal.SIGUSR1)
        wait_until(lambda each=each: SHOWN in each.log(), what="places are shown")  # type: ignore[misc]

    output = Output(processes)
    pieces = [password[at : at + 8] for at in range(len(password) - 8)]
    assert output.holding([password, quote(password, safe=""), *secrets_of(isolated_env)]) == []
    # A piece is looked for as a whole: half of one, four hexadecimal digits, stands in any log by chance.
    text = output.text()
    assert [piece for piece in pieces if piece in text] == []


def test_every_line_of_a_log_is_still_one_json_object(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter, serve: Serve
) -> None:
    shim = start_shim(isolated_env, INTAKE_LOG_LEVEL="debug")
    worker = start_worker(isolated_env, INTAKE_LOG_LEVEL="debug")
    assert serve(shim, worker).create({"prefer": "wait=20"}).json()["ok"] is True
    for process in (shim, worker):
        assert process.process.terminate(30)
        lines = [line for line in process.log().splitlines() if line and not line.startswith("worker: ")]
        assert all(isinstance(json.loads(line)["event"], str) for line in lines)
