"""`customer-intake submit`: each line of a file becomes one customer at most, and has one result."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import pytest

from local_stack.state_file import ProcessIdentity, StackState, write_state
from tests.cli.submission import SECONDS, Ended, end, feed, lines_of, start
from tests.contract.service import Service, an_email
from tests.support.requests import CANARY, a_full_request, a_request, without
from tests.support.tokens import token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Environment, Servers, Starter


@pytest.fixture(scope="module")
def service(module_env: Environment, start_module_shim: Starter, start_module_worker: Starter) -> Iterator[Service]:
    """A shim and a worker."""
    running = Service(start_module_shim(module_env), start_module_worker(module_env))
    with closing(running.http):
        yield running


BATCH: Final = "/services/customer/v1/customer.create.batch"
HASH: Final = f"$pbkdf2-sha256$29000${'s' * 21}A${'d' * 42}A"


def submit(service: Service, *arguments: str, stdin: str | None = None, **secrets: str) -> Ended:
    return end(start(service.environment, *arguments, **secrets), stdin)


def test_each_line_has_its_customer_under_its_number(service: Service, batch: Path) -> None:
    documents = [json.loads(line) for line in batch.read_text().splitlines()]

    ended = submit(service, "--lines", str(batch))

    assert ended.code == 0, ended.stderr
    assert [row["line"] for row in ended.rows] == list(range(1, 51))
    assert [row["customer"]["email"] for row in ended.rows] == [document["email"] for document in documents]
    assert all(row["ok"] is True for row in ended.rows)
    assert "50 accepted, 50 created, 0 refused, 0 without an outcome" in ended.stderr


def test_a_row_is_the_documented_response_with_its_line(service: Service, batch: Path) -> None:
    request = a_full_request(email=an_email())
    batch.write_text(lines_of([request]))

    (row,) = submit(service, str(batch)).rows

    assert list(row) == ["line", "ok", "customer"]
    assert without(row["customer"], "id", "addresses") == without(request, "password", "addresses")


def test_a_second_run_makes_nothing_and_tells_that_the_rows_were_in(service: Service, batch: Path) -> None:
    first = submit(service, "--lines", str(batch))
    customers = len(service.customers())

    second = submit(service, "--lines", str(batch))

    assert second.code == 0
    assert second.rows == [{**row, "repeated": True} for row in first.rows]
    assert "50 accepted, 0 created, 50 in before, 0 refused" in second.stderr
    assert len(service.customers()) == customers


def test_rows_that_were_corrected_are_made_under_the_same_name(service: Service, batch: Path) -> None:
    name = an_email()
    wrong = [a_request(email=an_email()), a_request(email="nobody"), a_request(email=an_email())]
    batch.write_text(lines_of(wrong))
    assert submit(service, str(batch), "--batch", name).code == 1

    batch.write_text(lines_of([a_request(email=an_email()), wrong[0], a_request(email=an_email()), wrong[2]]))
    ended = submit(service, str(batch), "--batch", name)

    assert ended.code == 0
    assert [row.get("repeated") for row in ended.rows] == [None, True, None, True]
    assert "4 accepted, 2 created, 2 in before, 0 refused" in ended.stderr


def test_validating_tells_what_would_come_of_each_row_and_stores_nothing(service: Service, batch: Path) -> None:
    twice = an_email()
    rows = [a_request(email=twice), a_request(email="nobody"), a_request(email=twice, lastName="Another")]
    batch.write_text(lines_of(rows))

    ended = submit(service, str(batch), "--validate")

    assert ended.code == 1, ended.stderr
    assert ended.rows[0] == {"line": 1, "ok": True, "valid": True}
    assert [row.get("error") for row in ended.rows] == [None, "customer_invalid_email", "duplicate_key"]
    assert "3 accepted, 1 valid, 2 refused" in ended.stderr
    assert twice not in {customer["email"] for customer in service.customers()}


def test_hashes_of_another_system_need_a_token_that_may_import_them(service: Service, batch: Path) -> None:
    row = without(a_request(email=an_email()), "password") | {"passwordHash": HASH}
    batch.write_text(lines_of([row]))

    refused = submit(service, str(batch))
    may_import = token(service.environment, scope="customer:create customer:import")
    taken = submit(service, str(batch), INTAKE_TOKEN=may_import)

    assert (refused.code, refused.rows[0]["error"]) == (1, "validation_error")
    assert "passwordHash: needs a token with the scope customer:import" in refused.stderr
    assert (taken.code, taken.rows[0]["ok"]) == (0, True)
    assert HASH not in refused.stdout + refused.stderr + taken.stdout + taken.stderr


def test_lines_that_are_all_no_signups_end_it_badly(service: Service, batch: Path) -> None:
    """The form was right by its beginning: an object that the service's stricter parser refuses."""
    batch.write_text('{"email": "a@example.com", "email": "b@example.com"}\n' * 500)

    ended = submit(service, str(batch))

    assert ended.code == 2
    assert len(ended.rows) == 500
    assert "not one row is a signup" in ended.stderr
    assert "an object has the same name twice" in ended.stderr


def test_a_line_in_another_encoding_ends_it_after_the_rows_before(service: Service, batch: Path) -> None:
    # Its beginning, which is judged before anything is sent, is right.
    blank = b"\n" * 1_100_000
    batch.write_bytes(batch.read_bytes() + blank + b'{"email": "caf\xe9"}\n' + batch.read_bytes())

    ended = submit(service, str(batch))

    assert ended.code == 1
    assert "the service cannot take the rest: line 1,100,051 is not UTF-8" in ended.stderr
    assert [row["line"] for row in ended.rows] == list(range(1, 51))


def test_without_waiting_the_result_is_the_batch(service: Service, batch: Path) -> None:
    ended = submit(service, "--lines", str(batch), "--no-wait")

    assert ended.code == 0
    result = json.loads(ended.stdout)
    assert result == {"batch": result["batch"], "name": result["name"], "rows": 50}
    summary = service.get(f"{BATCH}.result", id=result["batch"], wait="20").json()["batch"]
    assert summary["outcomes"] == {"created": 50}


def test_a_file_of_ten_thousand_rows_is_one_batch(service: Service, batch: Path) -> None:
    name = an_email()
    row = without(a_request(), "password")
    batch.write_text(lines_of([row | {"email": f"{number}.{name}", "passwordHash": HASH} for number in range(10_000)]))
    may_import = token(service.environment, scope="customer:create customer:import", sub="importer")

    ended = submit(service, str(batch), INTAKE_TOKEN=may_import)

    assert ended.code == 0, ended.stderr
    assert [each["customer"]["email"] for each in ended.rows] == [f"{number}.{name}" for number in range(10_000)]
    (known,) = service.get(f"{BATCH}.list", service.bearer(sub="importer")).json()["batches"]
    assert known["rows"] == 10_000


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

    assert ended.code == 1, ended.stderr
    assert [row.get("error") for row in ended.rows] == [
        *(None, "customer_invalid_email", "validation_error", "validation_error", "validation_error"),
        *("validation_error", None),
    ]
    assert ended.rows[1]["data"] == {"email": "nobody"}
    assert "4 validation_error" in ended.stderr


def test_a_line_longer_than_memory_should_hold_is_one_refused_row(service: Service, batch: Path) -> None:
    good = lines_of([a_request(email=an_email())])
    batch.write_text(good + "x" * 40_000_000 + "\n" + lines_of([a_request(email=an_email())]))

    ended = submit(service, "--lines", str(batch))

    assert [(row["line"], row.get("error")) for row in ended.rows] == [(1, None), (2, "validation_error"), (3, None)]


def test_a_byte_order_mark_costs_no_row(service: Service, batch: Path) -> None:
    batch.write_bytes(b"\xef\xbb\xbf" + batch.read_bytes())

    ended = submit(service, "--lines", str(batch))

    assert ended.code == 0, ended.stderr
    assert [row["ok"] for row in ended.rows] == [True] * 50


def test_a_byte_order_mark_in_a_stream_costs_no_row(service: Service, batch: Path) -> None:
    ended = submit(service, "--lines", "-", "--batch", an_email(), stdin="\ufeff" + batch.read_text())

    assert ended.code == 0, ended.stderr
    assert [row["ok"] for row in ended.rows] == [True] * 50


def test_a_file_of_which_a_row_was_corrected_is_submitted_by_the_same_command(service: Service, batch: Path) -> None:
    first = submit(service, "--lines", str(batch))
    lines = batch.read_text().splitlines(keepends=True)
    batch.write_text(lines_of([a_request(email=an_email())]) + "".join(lines[1:]))

    ended = submit(service, "--lines", str(batch))

    assert first.code == ended.code == 0
    assert [row.get("repeated") for row in ended.rows] == [None, *([True] * 49)]
    assert "50 accepted, 1 created, 49 in before, 0 refused" in ended.stderr


def test_the_same_file_elsewhere_is_the_same_batch_by_its_name(service: Service, batch: Path) -> None:
    first = submit(service, "--lines", str(batch))
    (batch.parent / "elsewhere").mkdir()
    moved = batch.rename(batch.parent / "elsewhere" / batch.name)

    assert submit(service, "--lines", str(moved)).rows == [{**row, "repeated": True} for row in first.rows]


def test_a_file_that_turns_bad_in_the_middle_does_not_end_well(service: Service, batch: Path) -> None:
    batch.write_text(batch.read_text() + '{"email": 1,\n"password":\n' * 100)

    ended = submit(service, "--lines", str(batch))

    assert ended.code == 1
    assert len(ended.rows) == 250
    assert "50 created" in ended.stderr
    assert "(lines 51, 53, 55, 57, 59, …)" in ended.stderr


def test_a_stream_of_blank_lines_has_no_rows(service: Service) -> None:
    ended = submit(service, "--lines", "-", "--batch", an_email(), stdin="\n" * 1_100_000)

    assert ended.code == 2
    assert "stdin: this is empty: it has no rows. Nothing was sent." in ended.stderr


def test_each_error_is_told_with_its_first_lines(service: Service, batch: Path) -> None:
    taken = an_email()
    without_name = {name: value for name, value in a_request(email=an_email()).items() if name != "lastName"}
    rows: list[Any] = [a_request(email=taken), a_request(email="nobody"), without_name, without_name]
    assert submit(service, "--lines", "-", "--batch", an_email(), stdin=lines_of(rows[:1])).code == 0
    batch.write_text(lines_of([*rows, a_request(email=taken.upper())]))

    ended = submit(service, "--lines", str(batch))

    assert ended.code == 1, ended.stderr
    assert ended.stderr.splitlines()[:3] == [
        "duplicate_key: 2 rows (lines 1, 5)",
        "validation_error: 2 rows (lines 3, 4): lastName: Field required",
        "customer_invalid_email: 1 row (line 2)",
    ]


def test_results_go_to_a_file(service: Service, batch: Path, tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"

    ended = submit(service, "--lines", str(batch), "--results", str(results))

    assert ended.stdout == ""
    assert len(results.read_text().splitlines()) == 50


def test_refused_rows_are_results_in_a_file_too(service: Service, batch: Path, tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    batch.write_text("[]\n" + batch.read_text())

    ended = submit(service, "--lines", str(batch), "--results", str(results), "--concurrency", "2")

    assert ended.code == 1
    assert sorted(json.loads(line)["line"] for line in results.read_text().splitlines()) == list(range(1, 52))


def test_results_can_go_to_a_device(service: Service, batch: Path) -> None:
    assert submit(service, "--lines", str(batch), "--results", "/dev/null").code == 0


def test_the_lines_are_never_overwritten_with_results(service: Service, batch: Path) -> None:
    before = batch.read_text()

    assert submit(service, "--lines", str(batch), "--results", str(batch)).code == 2
    assert batch.read_text() == before


def test_results_of_a_slow_stdin_come_as_its_lines_do(service: Service) -> None:
    process = start(service.environment, "--lines", "-", "--batch", an_email())
    assert process.stdout is not None
    for number in (1, 2):
        feed(process, lines_of([a_request(email=an_email())]))
        row = json.loads(process.stdout.readline())
        assert (row["line"], row["ok"]) == (number, True)

    assert end(process).code == 0


def test_a_pipe_needs_a_batch_name(service: Service) -> None:
    ended = submit(service, "--lines", "-", stdin="{}\n")

    assert ended.code == 2
    assert "--batch" in ended.stderr


@pytest.mark.parametrize("claims", [{"exp": 1}, {"scope": "customer:read"}], ids=["expired", "no scope"])
def test_a_wrong_token_ends_the_run_also_while_stdin_is_open(service: Service, claims: dict[str, Any]) -> None:
    wrong = token(service.environment, **claims)
    process = start(service.environment, "--lines", "-", "--batch", an_email(), INTAKE_TOKEN=wrong)
    feed(process, lines_of([a_request(email=an_email())]))
    process.wait(SECONDS)

    ended = end(process)

    assert ended.code == 2
    assert "the service refuses the token" in ended.stderr
    assert wrong not in ended.stdout + ended.stderr


def test_the_token_can_come_from_a_file(service: Service, batch: Path, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(token(service.environment, sub="another") + "\n")

    ended = submit(service, "--lines", str(batch), "--token-file", str(path), INTAKE_TOKEN="")

    assert ended.code == 0
    (batch_of_another,) = service.get(f"{BATCH}.list", service.bearer(sub="another")).json()["batches"]
    assert batch_of_another["outcomes"] == {"created": 50}


def test_another_url_needs_a_token(service: Service, batch: Path) -> None:
    assert submit(service, "--lines", str(batch), INTAKE_TOKEN="").code == 2


def test_the_local_stack_needs_neither_url_nor_token(
    service: Service, stack: Servers, batch: Path, tmp_path: Path
) -> None:
    (tmp_path / "secrets").symlink_to(stack.secrets.jwt_secret.parent)
    write_state(tmp_path, StackState(ProcessIdentity.own(), url=service.shim.url))

    assert submit(service, "--lines", str(batch), "--data-dir", str(tmp_path), INTAKE_TOKEN="").code == 0


def test_where_no_local_stack_runs_a_url_is_asked_for(service: Service, batch: Path, tmp_path: Path) -> None:
    ended = submit(service, "--lines", str(batch), "--data-dir", str(tmp_path))

    assert ended.code == 2
    assert "--url" in ended.stderr


@pytest.mark.parametrize(
    "path", ["", "/", "/services", "/services/customer/v1/customer.create", "/customer/v1/customer.create.batch"]
)
def test_the_url_is_the_service_s_root_or_the_method_s(service: Service, batch: Path, path: str) -> None:
    assert submit(service, "--lines", str(batch), "--url", service.shim.url + path).code == 0


def test_a_url_that_leads_elsewhere_ends_the_run(service: Service, batch: Path) -> None:
    ended = submit(service, "--lines", str(batch), "--url", f"{service.shim.url}/elsewhere")

    assert ended.code == 2
    assert "is the URL right?" in ended.stderr


def test_clear_passwords_that_look_like_hashes_get_a_warning(service: Service, batch: Path) -> None:
    batch.write_text(lines_of([a_request(email=an_email()), a_request(email=an_email(), password=HASH)]))

    ended = submit(service, str(batch))

    assert ended.code == 0, ended.stderr
    assert "warning: 1 row (line 2): a password looks like a hash: did you mean passwordHash?" in ended.stderr
    assert HASH not in ended.stdout + ended.stderr
