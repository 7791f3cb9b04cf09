"""`customer-intake submit` while the service is away, full or broken, and when it is broken off itself."""

from __future__ import annotations

import json
import os
import signal
from contextlib import closing
from typing import TYPE_CHECKING

from tests.cli.submission import SECONDS, end, feed, lines_of, start
from tests.contract.service import Service, an_email
from tests.support.records import Scripts
from tests.support.requests import a_request
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Environment, Starter


def test_a_shim_that_is_started_again_loses_nothing(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter, batch: Path, tmp_path: Path
) -> None:
    batch.write_text(lines_of([a_request(email=an_email()) for _ in range(600)]))
    results = tmp_path / "results.jsonl"
    service = Service(start_shim(isolated_env), start_worker(isolated_env))
    process = start(isolated_env, "--lines", str(batch), "--results", str(results))
    wait_until(lambda: results.exists() and results.read_text().count("\n") > 50, timeout=30)

    service.shim.process.kill()
    done = results.read_text().count("\n")
    start_shim(isolated_env)
    ended = end(process)

    assert done < 600
    assert ended.code == 0, ended.stderr
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    assert sorted(row["line"] for row in rows) == list(range(1, 601))
    assert all(row["ok"] for row in rows)
    with closing(service.http):
        assert len(service.customers()) == 600


def test_a_dead_letter_is_told_and_is_no_outcome(isolated_env: Environment, start_shim: Starter, batch: Path) -> None:
    service = Service(start_shim(isolated_env))
    (accepted, *_) = end(start(isolated_env, "--lines", str(batch), "--batch", "one", "--no-wait")).rows
    batch.write_text(batch.read_text().partition("\n")[0])
    with closing(service.http), service.redis() as client:
        Scripts(client).park(accepted["id"])

    ended = end(start(isolated_env, "--lines", str(batch), "--batch", "one"))

    assert ended.code == 1
    assert ended.rows == [{**accepted, "ok": False, "error": "internal_error", "data": {"id": accepted["id"]}}]
    assert "1 accepted, 0 created, 0 refused, 1 without an outcome" in ended.stderr


def test_a_full_queue_is_waited_for(isolated_env: Environment, start_shim: Starter, start_worker: Starter) -> None:
    start_shim(isolated_env, INTAKE_MAX_OPEN_TASKS="1")
    start_worker(isolated_env)
    stdin = lines_of([a_request(email=an_email()) for _ in range(2)])

    ended = end(start(isolated_env, "--lines", "-", "--batch", "full"), stdin)

    assert ended.code == 0, ended.stderr
    assert [row["ok"] for row in ended.rows] == [True] * 2


def test_results_of_an_earlier_run_outlive_a_service_that_is_away(
    isolated_env: Environment, batch: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results.jsonl"
    results.write_text("of yesterday\n")

    ended = end(start(isolated_env, "--lines", str(batch), "--results", str(results), "--give-up-after", "0.2"))

    assert ended.code == 1
    assert results.read_text() == "of yesterday\n"


def test_rows_without_an_answer_are_told_when_nothing_moves(isolated_env: Environment, batch: Path) -> None:
    ended = end(start(isolated_env, "--lines", str(batch), "--give-up-after", "0.2"))

    assert ended.code == 1
    assert ended.rows
    assert all(row == {"line": number, "error": "no_answer"} for number, row in enumerate(ended.rows, 1))
    assert "gave up" in ended.stderr


def test_ctrl_c_tells_what_is_known(isolated_env: Environment, start_shim: Starter) -> None:
    service = Service(start_shim(isolated_env))
    process = start(isolated_env, "--lines", "-", "--batch", "interrupted")
    feed(process, lines_of([a_request(email=an_email()) for _ in range(3)]))
    with closing(service.http):
        wait_until(lambda: service.tasks() == 3, timeout=30)

    process.send_signal(signal.SIGINT)
    process.wait(SECONDS)
    ended = end(process)

    assert ended.code == 130, ended.stderr
    assert [(row["line"], row["error"]) for row in ended.rows] == [(n, "no_answer") for n in (1, 2, 3)], ended.stderr
    assert all(row["id"] for row in ended.rows)
    assert "3 accepted, 0 created, 0 refused, 3 without an outcome" in ended.stderr


def test_ctrl_c_ends_it_before_the_first_line_too(isolated_env: Environment, tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    os.mkfifo(lines)
    process = start(isolated_env, "--lines", str(lines), "--batch", "interrupted")
    with lines.open("w"):  # opens once the run reads
        process.send_signal(signal.SIGINT)
        ended = end(process)

    assert ended.code == 130
    assert "nothing was sent" in ended.stderr
