"""`customer-intake submit`: each line of a file becomes one customer at most, and has one result."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.service import Service, an_email
from tests.support.requests import CANARY, a_full_request, a_request, as_body
from tests.support.tokens import token
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.conftest import Environment, Starter

_SECONDS = 60


@pytest.fixture(scope="module")
def service(module_env: Environment, start_module_shim: Starter, start_module_worker: Starter) -> Iterator[Service]:
    """A shim and a worker."""
    running = Service(start_module_shim(module_env), start_module_worker(module_env))
    with closing(running.http):
        yield running


@dataclass(frozen=True)
class Ended:
    """What a run left."""

    code: int
    stdout: str
    stderr: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Its results by line number."""
        return sorted((json.loads(line) for line in self.stdout.splitlines()), key=lambda row: int(row["line"]))


def start(environment: Environment, *arguments: str, **secrets: str) -> subprocess.Popen[str]:
    url = f"http://127.0.0.1:{environment['INTAKE_PORT']}"
    return subprocess.Popen(
        [sys.executable, "-m", "cli.main", "submit", "--url", url, *arguments],
        env={**environment, "INTAKE_TOKEN": token(environment), **secrets},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str], stdin: str | None = None) -> Ended:
    """Wait for its end. Whatever happened, no password is in what it said."""
    with process:
        try:
            stdout, stderr = process.communicate(stdin, timeout=_SECONDS)
        finally:
            process.kill()
    assert CANARY not in stdout + stderr
    return Ended(process.returncode, stdout, stderr)


def submit(service: Service, *arguments: str, stdin: str | None = None, **secrets: str) -> Ended:
    return end(start(dict(service.environment), *arguments, **secrets), stdin)


def lines_of(documents: Sequence[Any]) -> str:
    return "".join(as_body(document).decode() + "\n" for document in documents)


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    """A file of fifty signups; its name is new, and with it the batch's."""
    path = tmp_path / f"{an_email()}.jsonl"
    path.write_text(lines_of([a_request(email=an_email()) for _ in range(50)]))
    return path


def test_each_line_has_its_customer_under_its_number(service: Service, batch: Path) -> None:
    documents = [json.loads(line) for line in batch.read_text().splitlines()]

    ended = submit(service, "--lines", str(batch))

    assert ended.code == 0, ended.stderr
    assert [row["line"] for row in ended.rows] == list(range(1, 51))
    assert [row["customer"]["email"] for row in ended.rows] == [document["email"] for document in documents]
    assert all(row["ok"] is True for row in ended.rows)
    assert "50 accepted, 50 created, 0 refused, 0 without an outcome" in ended.stderr


def test_a_row_is_the_documented_response_with_line_and_task(service: Service, batch: Path) -> None:
    batch.write_text(lines_of([a_full_request(email=an_email())]))

    (row,) = submit(service, "--lines", str(batch)).rows

    assert {"line": 1, "id": row["id"], **service.result(row["id"]).json()} == row


def test_a_second_run_makes_nothing_and_tells_the_same(service: Service, batch: Path) -> None:
    first = submit(service, "--lines", str(batch))
    customers, tasks = len(service.customers()), service.tasks()

    second = submit(service, "--lines", str(batch))

    assert second.code == 0
    assert second.rows == first.rows
    assert (len(service.customers()), service.tasks()) == (customers, tasks)


def test_blank_lines_are_skipped_and_counted(service: Service, batch: Path) -> None:
    batch.write_text("\n \r\n" + lines_of([a_request(email=an_email())]).replace("\n", "\r\n") + "\n")

    assert [(row["line"], row["ok"]) for row in submit(service, "--lines", str(batch)).rows] == [(3, True)]


def test_refused_rows_are_results_and_no_end(service: Service, batch: Path) -> None:
    taken = an_email()
    batch.write_text(
        lines_of([a_request(email=taken), a_request(email="nobody"), {"password": CANARY}])
        + f"{CANARY}\n[]\n"
        + lines_of([a_request(email=an_email(), firstName="x" * 5_000_000)])
        + lines_of([a_request(email=an_email())]).rstrip("\n")
    )

    ended = submit(service, "--lines", str(batch), "--concurrency", "2")

    assert ended.code == 0, ended.stderr
    assert [row.get("error") for row in ended.rows] == [
        *(None, "customer_invalid_email", "validation_error", "validation_error", "validation_error"),
        *("payload_too_large", None),
    ]
    assert ended.rows[1]["data"] == {"email": "nobody"}
    assert "3 validation_error" in ended.stderr


def test_a_line_longer_than_memory_should_hold_is_one_refused_row(service: Service, batch: Path) -> None:
    batch.write_text("x" * 40_000_000 + "\n" + lines_of([a_request(email=an_email())]))

    ended = submit(service, "--lines", str(batch))

    assert [(row["line"], row.get("error")) for row in ended.rows] == [(1, "payload_too_large"), (2, None)]


def test_other_lines_under_the_same_batch_name_are_refused(service: Service, batch: Path) -> None:
    submit(service, "--lines", str(batch))
    batch.write_text(lines_of([a_request(email=an_email())]))

    ended = submit(service, "--lines", str(batch))
    renamed = submit(service, "--lines", str(batch), "--batch", an_email())

    assert [(row["line"], row["ok"], row["error"]) for row in ended.rows] == [(1, False, "idempotency_key_reused")]
    assert "choose another --batch" in ended.rows[0]["message"]
    assert "choose another --batch" in ended.stderr
    assert renamed.rows[0]["ok"] is True


def test_without_waiting_a_row_is_its_task(service: Service, batch: Path) -> None:
    ended = submit(service, "--lines", str(batch), "--no-wait")

    assert ended.code == 0
    assert [row["line"] for row in ended.rows] == list(range(1, 51))
    assert all(set(row) == {"line", "id"} for row in ended.rows)
    assert service.result(ended.rows[0]["id"]).json()["ok"] is True
    assert [row["id"] for row in submit(service, "--lines", str(batch)).rows] == [row["id"] for row in ended.rows]


def test_results_go_to_a_file(service: Service, batch: Path, tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"

    ended = submit(service, "--lines", str(batch), "--results", str(results))

    assert ended.stdout == ""
    assert len(results.read_text().splitlines()) == 50


def test_the_lines_are_never_overwritten_with_results(service: Service, batch: Path) -> None:
    before = batch.read_text()

    assert submit(service, "--lines", str(batch), "--results", str(batch)).code == 2
    assert batch.read_text() == before


def test_results_of_a_slow_stdin_come_as_its_lines_do(service: Service) -> None:
    process = start(dict(service.environment), "--lines", "-", "--batch", an_email())
    assert process.stdin is not None
    assert process.stdout is not None
    for number in (1, 2):
        process.stdin.write(lines_of([a_request(email=an_email())]))
        process.stdin.flush()
        row = json.loads(process.stdout.readline())
        assert (row["line"], row["ok"]) == (number, True)

    assert end(process).code == 0


def test_stdin_needs_a_batch_name(service: Service) -> None:
    ended = submit(service, "--lines", "-", stdin="{}\n")

    assert ended.code == 2
    assert "--batch" in ended.stderr


@pytest.mark.parametrize("claims", [{"exp": 1}, {"scope": "customer:read"}], ids=["expired", "no scope"])
def test_a_wrong_token_ends_the_run_also_while_stdin_is_open(service: Service, claims: dict[str, Any]) -> None:
    wrong = token(service.environment, **claims)
    process = start(dict(service.environment), "--lines", "-", "--batch", an_email(), INTAKE_TOKEN=wrong)
    assert process.stdin is not None
    process.stdin.write(lines_of([a_request(email=an_email())]))
    process.stdin.flush()
    process.wait(_SECONDS)

    ended = end(process)

    assert ended.code == 2
    assert "the service refuses the token" in ended.stderr
    assert wrong not in ended.stdout + ended.stderr


def test_the_token_can_come_from_a_file(service: Service, batch: Path, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(token(service.environment, sub="another") + "\n")

    ended = submit(service, "--lines", str(batch), "--token-file", str(path), INTAKE_TOKEN="")

    assert ended.code == 0
    assert service.result(ended.rows[0]["id"]).status_code == 404


def test_another_url_needs_a_token(service: Service, batch: Path) -> None:
    assert submit(service, "--lines", str(batch), INTAKE_TOKEN="").code == 2


@pytest.mark.parametrize("path", ["", "/", "/services", "/services/customer/v1/customer.create"])
def test_the_url_is_the_service_s_root_or_the_method_s(service: Service, batch: Path, path: str) -> None:
    assert submit(service, "--lines", str(batch), "--url", service.shim.url + path).code == 0


def test_a_url_that_leads_elsewhere_ends_the_run(service: Service, batch: Path) -> None:
    ended = submit(service, "--lines", str(batch), "--url", f"{service.shim.url}/elsewhere")

    assert ended.code == 2
    assert "is the URL right?" in ended.stderr


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


def test_a_full_queue_is_waited_for(isolated_env: Environment, start_shim: Starter, start_worker: Starter) -> None:
    start_shim(isolated_env, INTAKE_MAX_OPEN_TASKS="1")
    start_worker(isolated_env)
    stdin = lines_of([a_request(email=an_email()) for _ in range(3)])

    ended = end(start(isolated_env, "--lines", "-", "--batch", "full"), stdin)

    assert ended.code == 0, ended.stderr
    assert [row["ok"] for row in ended.rows] == [True] * 3


def test_rows_without_an_answer_are_told_when_nothing_moves(isolated_env: Environment, batch: Path) -> None:
    ended = end(start(isolated_env, "--lines", str(batch), "--give-up-after", "0.2"))

    assert ended.code == 1
    assert ended.rows
    assert all(row == {"line": number, "error": "no_answer"} for number, row in enumerate(ended.rows, 1))
    assert "gave up" in ended.stderr


def test_ctrl_c_tells_what_is_known(isolated_env: Environment, start_shim: Starter) -> None:
    service = Service(start_shim(isolated_env))
    process = start(isolated_env, "--lines", "-", "--batch", "interrupted")
    assert process.stdin is not None
    process.stdin.write(lines_of([a_request(email=an_email()) for _ in range(3)]))
    process.stdin.flush()
    with closing(service.http):
        wait_until(lambda: service.tasks() == 3, timeout=30)

    process.send_signal(signal.SIGINT)
    process.wait(_SECONDS)
    ended = end(process)

    assert ended.code == 130, ended.stderr
    assert [(row["line"], row["error"]) for row in ended.rows] == [(n, "no_answer") for n in (1, 2, 3)]
    assert all(row["id"] for row in ended.rows)
    assert "3 accepted, 0 created, 0 refused, 3 without an outcome" in ended.stderr
