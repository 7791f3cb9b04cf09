"""`customer-intake submit` while the service is away, full or broken, and when it is broken off itself."""

from __future__ import annotations

import json
import os
import signal
from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

from cli.submission.intake_client import BATCH_PATH
from schemas.protocol.batch_keys import OPEN_ROWS_KEY
from schemas.protocol.lanes import CHUNKS
from schemas.sealing import generate_key_pair
from tests.cli.submission import end, lines_of, start
from tests.contract.service import Service, an_email
from tests.support.requests import a_request
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Environment, Starter


_IMPATIENT: Final = """
from cli.main import main
from cli.submission import intake_client, progress
intake_client._CALL_SECONDS = 1
progress._ELSEWHERE_SECONDS = 0
main()
"""
"""The command, which waits for a row for a second and tells of all that moves."""


def test_a_shim_that_is_started_again_loses_nothing(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter, batch: Path, tmp_path: Path
) -> None:
    batch.write_text(lines_of([a_request(email=an_email()) for _ in range(600)]))
    results = tmp_path / "results.jsonl"
    service = Service(start_shim(isolated_env))
    process = start(isolated_env, "--lines", str(batch), "--results", str(results))
    with service.redis() as client:
        wait_until(lambda: client.get(OPEN_ROWS_KEY) == b"600", timeout=30)

    service.shim.process.kill()
    start_worker(isolated_env)
    start_shim(isolated_env)
    ended = end(process)

    assert ended.code == 0, ended.stderr
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    assert [row["line"] for row in rows] == list(range(1, 601))
    assert all(row["ok"] for row in rows)
    with closing(service.http):
        assert len(service.customers()) == 600


@pytest.mark.slow
def test_a_row_that_waits_for_long_is_not_given_up_while_rows_behind_it_are_done(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter, batch: Path
) -> None:
    batch.write_text(lines_of([a_request(email=an_email()) for _ in range(600)]))
    service = Service(start_shim(isolated_env))
    process = start(isolated_env, str(batch), "--give-up-after", "30", program=("-c", _IMPATIENT))
    with closing(service.http), service.redis() as client:
        wait_until(lambda: client.get(OPEN_ROWS_KEY) == b"600", timeout=30)
        # As where a worker took the first chunk and died: its lease has to run out.
        first = client.rpop(CHUNKS.queue)
        start_worker(isolated_env)
        wait_until(lambda: int(client.get(OPEN_ROWS_KEY) or 0) < 600, timeout=30, what="rows behind it are done")
        looks = f'intake_requests_total{{method="GET",route="{BATCH_PATH}.result",status="202"}}'
        before = service.metric(looks)
        wait_until(lambda: service.metric(looks) >= before + 2, timeout=30, what="it looks what is done")
        assert isinstance(first, bytes)
        client.rpush(CHUNKS.queue, first)
        ended = end(process)

    assert ended.code == 0, ended.stderr
    assert " behind a row that is not)" in ended.stderr
    assert "600 accepted, 600 created, 0 refused, 0 without an outcome" in ended.stderr


@pytest.mark.slow
def test_a_full_queue_is_waited_for(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter, batch: Path
) -> None:
    start_shim(isolated_env, INTAKE_MAX_OPEN_ROWS="300", INTAKE_BATCH_WAIT_SECONDS="0")
    start_worker(isolated_env)
    batch.write_text(lines_of([a_request(email=an_email()) for _ in range(600)]))

    ended = end(start(isolated_env, str(batch)))

    assert ended.code == 0, ended.stderr
    assert [row["ok"] for row in ended.rows] == [True] * 600


def test_results_of_an_earlier_run_outlive_a_service_that_is_away(
    isolated_env: Environment, batch: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results.jsonl"
    results.write_text("of yesterday\n")

    ended = end(start(isolated_env, "--lines", str(batch), "--results", str(results), "--give-up-after", "0.2"))

    assert ended.code == 1
    assert results.read_text() == "of yesterday\n"


def test_a_service_that_is_away_is_given_up_and_said_so(isolated_env: Environment, batch: Path) -> None:
    ended = end(start(isolated_env, str(batch), "--give-up-after", "0.2"))

    assert (ended.code, ended.stdout) == (1, "")
    assert "gave up after line 0: Connection refused. The same command goes on" in ended.stderr


@pytest.mark.slow
def test_a_dead_letter_is_told_and_is_no_outcome(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter, batch: Path
) -> None:
    service = Service(start_shim(isolated_env))
    process = start(isolated_env, str(batch))
    ring = {
        "INTAKE_SEALING_PRIVATE_KEYS": generate_key_pair().private_line,
        "INTAKE_SEALING_PRIVATE_KEYS_FILE": "",
        "INTAKE_UNREADABLE_WAIT_SECONDS": "0",
    }
    start_worker(isolated_env, **ring)
    ended = end(process)
    service.http.close()

    assert ended.code == 1
    assert ended.rows == [{"line": line, "ok": False, "error": "internal_error"} for line in range(1, 51)]
    assert "50 accepted, 0 created, 0 refused, 50 without an outcome" in ended.stderr


def test_ctrl_c_tells_what_is_known_and_the_command_goes_on(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter, batch: Path
) -> None:
    service = Service(start_shim(isolated_env))
    process = start(isolated_env, str(batch))
    with closing(service.http), service.redis() as client:
        wait_until(lambda: client.get(OPEN_ROWS_KEY) == b"50", timeout=30)
        # Only then does the command know that its rows were accepted.
        wait_until(lambda: service.metric("intake_waiting_requests") == 1, timeout=30, what="it follows its rows")
        process.send_signal(signal.SIGINT)
        ended = end(process)
    start_worker(isolated_env)
    again = end(start(isolated_env, str(batch)))

    assert ended.code == 130, ended.stderr
    assert "interrupted after line 0. The same command goes on where this one ended." in ended.stderr
    assert "50 without an outcome" in ended.stderr
    assert again.code == 0, again.stderr
    assert [row["ok"] for row in again.rows] == [True] * 50


def test_ctrl_c_ends_it_before_the_first_line_too(isolated_env: Environment, tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    os.mkfifo(lines)
    process = start(isolated_env, "--lines", str(lines), "--batch", "interrupted")
    with lines.open("w"):  # opens once the run reads
        process.send_signal(signal.SIGINT)
        ended = end(process)

    assert ended.code == 130
    assert "nothing was sent" in ended.stderr
