"""`customer-intake submit` where an upload, a batch or the file breaks off, or the service refuses a large file."""

from __future__ import annotations

import errno
import json
import signal
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cli.main import main
from cli.submission.segments import WholeFile
from tests.cli.submission import end, lines_of, start
from tests.contract.service import CREATE, Service, an_email
from tests.support.requests import a_request
from tests.support.tokens import token
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from tests.conftest import Environment, Starter

pytestmark = pytest.mark.slow


@pytest.fixture
def emails(batch: Path) -> list[str]:
    """Those of the 10,000 rows that the file has. A row costs no hash."""
    emails = [an_email() for _ in range(10_000)]
    row = {name: value for name, value in a_request().items() if name != "password"}
    row["passwordHash"] = "$2b$12$KzqIlp0p0ZcR1LRYV6Ipw.Rl.0vtyx3Pm1JbMQ6RhyZ2O6LpJcXJm"
    batch.write_text(lines_of([{**row, "email": email} for email in emails]))
    return emails


def test_a_shim_that_is_killed_in_mid_upload_and_started_again_loses_nothing(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter, batch: Path, emails: list[str]
) -> None:
    service = Service(start_shim(isolated_env), start_worker(isolated_env))
    process = start(isolated_env, str(batch), INTAKE_TOKEN=_importer(isolated_env))
    with service.redis() as client:
        wait_until(lambda: _chunks(client) > 3, timeout=30)
        service.shim.process.kill()
        chunks = _chunks(client)
    start_shim(isolated_env)

    ended = end(process)

    assert chunks < 39
    assert ended.code == 0, ended.stderr
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [row["line"] for row in rows] == list(range(1, 10_001))
    assert [row["customer"]["email"] for row in rows] == emails
    assert "trying again: " in ended.stderr
    with closing(service.http):
        assert len(service.customers()) == 10_000


def test_a_machine_that_sleeps_in_mid_upload_goes_on_when_it_wakes(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter, batch: Path, emails: list[str]
) -> None:
    service = Service(start_shim(isolated_env, INTAKE_BODY_SECONDS="1", INTAKE_WRITE_SECONDS="1"))
    process = start(isolated_env, str(batch), INTAKE_TOKEN=_importer(isolated_env))
    with service.redis() as client:
        wait_until(lambda: _chunks(client) > 3, timeout=30)
    process.send_signal(signal.SIGSTOP)
    wait_until(lambda: "batch_uploaded" in service.shim.log(), timeout=60, what="the shim has given the upload up")
    start_worker(isolated_env)
    process.send_signal(signal.SIGCONT)

    ended = end(process)

    assert ended.code == 0, ended.stderr
    assert [row["customer"]["email"] for row in ended.rows] == emails
    with closing(service.http):
        assert len(service.customers()) == 10_000


@pytest.mark.parametrize("claims", [{"exp": 1}, {"scope": "customer:read"}], ids=["expired", "no scope"])
def test_a_token_that_is_refused_ends_the_upload_of_a_large_file(
    isolated_env: Environment, start_shim: Starter, batch: Path, claims: dict[str, Any]
) -> None:
    start_shim(isolated_env)
    batch.write_text(lines_of([a_request(lastName="x" * 1_000)]) * 50_000)

    ended = end(start(isolated_env, str(batch), INTAKE_TOKEN=token(isolated_env, **claims)))

    assert ended.code == 2
    assert "the service refuses the token" in ended.stderr


def test_a_file_that_is_too_large_is_taken_in_part(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter, batch: Path
) -> None:
    start_shim(isolated_env, INTAKE_BATCH_MAX_ROWS="1000")
    start_worker(isolated_env)
    rows = [a_request(email="nobody", lastName=str(number).zfill(1_000)) for number in range(50_000)]
    batch.write_text(lines_of(rows))

    ended = end(start(isolated_env, str(batch)))

    assert ended.code == 1
    assert "it is larger than the service takes in one batch" in ended.stderr
    assert 0 < len(ended.stdout.splitlines()) <= 1000


def test_a_batch_that_is_gone_ends_the_run_and_is_told(
    isolated_env: Environment, start_shim: Starter, batch: Path
) -> None:
    service = Service(start_shim(isolated_env))
    process = start(isolated_env, str(batch))
    with closing(service.http), service.redis() as client:
        wait_until(lambda: _is_uploaded(service), timeout=30)
        for key in client.scan_iter("intake:batch:*"):
            client.delete(key)
        ended = end(process)

    assert ended.code == 1, ended.stderr
    assert "the service does not know the batch any more. The same command goes on" in ended.stderr


def test_a_disk_that_fails_is_not_taken_for_the_connection(
    isolated_env: Environment, start_shim: Starter, batch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    service = Service(start_shim(isolated_env))
    service.http.close()
    monkeypatch.setenv("INTAKE_TOKEN", token(isolated_env))
    monkeypatch.setattr(WholeFile, "pieces", fail)

    ended = CliRunner().invoke(main, ["submit", str(batch), "--url", service.shim.url])

    assert ended.exit_code == 1, ended.output
    assert "cannot read the rows or write the results: Input/output error" in ended.stderr


def test_a_name_of_visible_ascii_is_the_batch_s_own(
    isolated_env: Environment, start_shim: Starter, batch: Path
) -> None:
    start_shim(isolated_env)

    ended = end(start(isolated_env, str(batch), "--batch", "imports/2026:a b", "--no-wait"))

    assert json.loads(ended.stdout)["name"] == "imports/2026:a%20b"


def _importer(environment: Environment) -> str:
    return token(environment, scope="customer:create customer:import")


def _is_uploaded(service: Service) -> bool:
    batches = service.get(f"{CREATE}.batch.list").json()["batches"]
    return bool(batches) and batches[0]["complete"]


def _chunks(client: redis.Redis) -> int:
    """How many chunks are in."""
    return sum(client.zcard(key) for key in client.scan_iter("intake:batch:*:chunks"))
