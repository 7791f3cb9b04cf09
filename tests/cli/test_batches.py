"""`customer-intake batches`: a caller lists batches, reads their rows, and cancels them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from click.testing import CliRunner

from cli.main import main
from local_stack.ports import free_port
from tests.contract.batch_client import BatchClient, a_row, lines
from tests.contract.service import Service, an_email
from tests.faults.harness.tcp_proxy import TcpProxy, Way
from tests.support.requests import CANARY
from tests.support.tokens import token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

    from tests.conftest import Environment, Servers, Starter

SECONDS: Final = 60
"""More than any run here takes."""

README: Final = (Path(__file__).parents[2] / "README.md").read_text()
COMMANDS: Final = re.findall(r"^\.venv/bin/customer-intake batches (.+)$", README, re.MULTILINE)
"""The commands in the README, without their common beginning."""


@pytest.fixture
def without_worker(isolated_env: Environment, start_shim: Starter) -> Iterator[Service]:
    """A shim behind which nobody works."""
    running = Service(start_shim(isolated_env))
    with closing(running.http):
        yield running


@pytest.fixture
def proxy(stack: Servers) -> Iterator[TcpProxy]:
    """A proxy between a shim and the Redis of the tests."""
    with TcpProxy(stack.redis.port) as proxy:
        yield proxy


class Person:
    """A caller at a terminal, who has sent batches."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.sub = an_email()
        self.client = BatchClient(service, sub=self.sub)

    def run(self, *arguments: str, url: str = "", **claims: Any) -> Result:
        """Run the command. Whatever happens, no password is in what it says, and no traceback."""
        bearer = token(self.service.environment, **{"sub": self.sub, **claims})
        result = CliRunner().invoke(
            main, ["batches", *arguments, "--url", url or self.service.shim.url], env={"INTAKE_TOKEN": bearer}
        )
        assert CANARY not in result.output
        assert bearer not in result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    def told(self, *arguments: str) -> list[str]:
        """The lines of a run that must succeed."""
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout.splitlines()

    def documents(self, *arguments: str) -> list[dict[str, Any]]:
        """The JSON of a run that must succeed."""
        return [json.loads(line) for line in self.told(*arguments, "--json")]


@pytest.fixture
def person(service: Service) -> Person:
    return Person(service)


@pytest.fixture
def waiting(without_worker: Service) -> Person:
    """A caller whose batches nobody works on."""
    return Person(without_worker)


def test_batches_are_listed_the_newest_first_with_their_counts(person: Person) -> None:
    older = person.client.done(lines(a_row(), a_row(lastName="")), name="older")
    newer = person.client.done(lines(a_row()), name="newer")

    result = person.run("list")

    assert result.exit_code == 0
    header, *listed = result.stdout.splitlines()
    assert header.split() == ["ID", "ACCEPTED", "(UTC)", "STATUS", "ROWS", "FINISHED", "FAILED", "NAME"]
    first, second = (line.split() for line in listed)
    assert [first[0], *first[3:]] == [newer["id"], "DONE", "1", "1", "0", "newer"]
    assert [second[0], *second[3:]] == [older["id"], "DONE", "2", "2", "1", "older"]
    assert "2 batches" in result.stderr
    assert [each["id"] for each in person.documents("list")] == [newer["id"], older["id"]]


def test_the_commands_of_the_readme_work(person: Person) -> None:
    person.client.done(lines(a_row(), a_row(lastName="")), name="signups")

    assert {command.split()[0] for command in COMMANDS} == {"list", "show", "rows", "cancel"}
    assert [command for command in COMMANDS if not person.told(*command.split())] == []


def test_nobody_sees_batches_of_another_caller(person: Person) -> None:
    batch = BatchClient(person.service, sub="another").done(lines(a_row()), name="of-another")

    assert person.run("list").stdout == ""
    for name in (batch["id"], "of-another"):
        result = person.run("show", name)
        assert result.exit_code == 2
        assert f"you have no batch with the id or name {name}" in result.stderr


def test_a_batch_is_shown_with_each_outcome_and_its_count(person: Person) -> None:
    rows = [a_row() for _ in range(3)]
    batch = person.client.done(lines(*rows, a_row(lastName="")), name="a-file")

    result = person.run("show", batch["id"])

    facts = dict(line.split(maxsplit=1) for line in result.stdout.splitlines() if not line.startswith("kept"))
    assert (facts["id"], facts["name"], facts["mode"], facts["status"]) == (batch["id"], "a-file", "create", "DONE")
    assert (facts["rows"], facts["finished"]) == ("4", "4  (100 %)")
    assert (facts["created"], facts["validation_error"]) == ("3", "1")
    assert f"batches rows {batch['id']} --only failed" in result.stderr
    assert person.documents("show", batch["id"]) == person.client.list()


def test_a_name_means_the_newest_batch_that_has_it(person: Person) -> None:
    person.client.done(lines(a_row()), name="twice")
    newest = person.client.done(lines(a_row()), name="twice")

    (shown,) = person.documents("show", "twice")

    assert shown["id"] == newest["id"]


def test_a_batch_is_found_by_the_name_that_was_given_to_submit(person: Person) -> None:
    batch = person.client.done(lines(a_row()), name="Kunden%20M%C3%A4rz.csv")

    assert [each["id"] for each in person.documents("show", "Kunden März.csv")] == [batch["id"]]


def test_each_row_is_shown_with_its_customer_or_its_fault(person: Person) -> None:
    taken = an_email()
    batch = person.client.done(lines(a_row(email=taken), a_row(lastName=""), a_row(email=taken, lastName="Other")))
    customer = person.client.rows_of(batch["id"])[0]["customer"]["id"]

    header, *rows = person.told("rows", batch["id"])

    assert header.split() == ["LINE", "OUTCOME", "CUSTOMER", "OR", "REASON"]
    assert [line.split(maxsplit=2) for line in rows] == [
        ["1", "created", customer],
        ["2", "validation_error", "lastName: String should have at least 1 character"],
        ["3", "duplicate_key", "another customer has this email"],
    ]


def test_rows_as_json_are_those_of_the_service(person: Person) -> None:
    batch = person.client.done(lines(a_row(), a_row(lastName="")))

    assert person.documents("rows", batch["id"]) == person.client.rows_of(batch["id"])


def test_options_select_rows_that_failed_a_number_of_rows_and_rows_after_a_line(person: Person) -> None:
    rows = [a_row(lastName="") if number % 2 else a_row() for number in range(10)]
    batch = person.client.done(lines(*rows))

    def told(*options: str) -> list[int]:
        return [row["row"] for row in person.documents("rows", batch["id"], *options)]

    assert told("--only", "failed") == [2, 4, 6, 8, 10]
    assert told("--only", "failed", "--after", "2", "--limit", "2") == [4, 6]
    assert told("--limit", "3") == [1, 2, 3]
    assert told("--after", "8", "--follow") == [9, 10]
    assert told("--after", "10") == []


def test_without_a_limit_all_rows_are_shown(person: Person) -> None:
    batch = person.client.done(lines(*(a_row(lastName="") for _ in range(1500))))

    assert len(person.documents("rows", batch["id"])) == 1500


def test_rows_end_before_the_first_without_an_outcome_and_follow_waits_for_it(
    waiting: Person, start_worker: Starter
) -> None:
    batch_id = waiting.client.accepted(lines(a_row(), a_row()))

    assert waiting.run("rows", batch_id).stdout == ""
    command = [sys.executable, "-m", "cli.main", "batches", "rows", batch_id, "--follow", "--json"]
    bearer = token(waiting.service.environment, sub=waiting.sub)
    with subprocess.Popen(
        [*command, "--url", waiting.service.shim.url],
        env={**waiting.service.environment, "INTAKE_TOKEN": bearer},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            start_worker(waiting.service.environment)
            stdout, _ = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    assert process.returncode == 0
    assert [json.loads(line)["ok"] for line in stdout.splitlines()] == [True, True]


def test_a_connection_that_is_lost_costs_no_row_and_repeats_none(person: Person) -> None:
    batch = person.client.done(lines(*(a_row(lastName="") for _ in range(3000))))

    with TcpProxy(int(person.service.environment["INTAKE_PORT"])) as proxy:
        proxy.reset_after(Way.REPLIES, 150_000)
        result = person.run("rows", batch["id"], "--json", url=f"http://127.0.0.1:{proxy.port}")
        assert not proxy.reset_awaited

    assert result.exit_code == 0, result.stderr
    assert [json.loads(line)["row"] for line in result.stdout.splitlines()] == list(range(1, 3001))


def test_a_canceled_batch_makes_no_customers(waiting: Person) -> None:
    batch_id = waiting.client.accepted(lines(*(a_row() for _ in range(300))), name="a-file")

    (line,) = waiting.told("cancel", "a-file")

    assert line == f"{batch_id} is canceled: 300 of 300 rows were not begun"
    (shown,) = waiting.documents("show", batch_id)
    assert (shown["status"], shown["outcomes"]) == ("CANCELED", {"canceled": 300})
    assert [row["error"] for row in waiting.documents("rows", batch_id)] == ["canceled"] * 300
    assert waiting.documents("cancel", batch_id)[0]["outcomes"] == {"canceled": 300}


def test_a_batch_that_has_ended_is_not_canceled(person: Person) -> None:
    batch = person.client.done(lines(a_row()))

    (line,) = person.told("cancel", batch["id"])

    assert line == f"{batch['id']} had ended before: nothing was canceled"


@pytest.mark.parametrize("command", ["list", "show", "rows", "cancel"])
def test_where_the_token_is_refused_the_command_says_so(person: Person, command: str) -> None:
    batch = person.client.done(lines(a_row()))

    result = person.run(command, *([] if command == "list" else [batch["id"]]), exp=1)

    assert result.exit_code == 2
    assert "the service refuses the token: invalid_token (401)" in result.stderr


def test_a_token_that_may_not_create_cancels_nothing(waiting: Person) -> None:
    batch_id = waiting.client.accepted(lines(a_row()))

    result = waiting.run("cancel", batch_id, scope="customer:read")

    assert result.exit_code == 2
    assert "insufficient_scope (403)" in result.stderr
    assert waiting.documents("show", batch_id)[0]["status"] == "RUNNING"


@pytest.mark.parametrize("command", ["list", "show", "rows", "cancel"])
def test_where_the_service_does_not_answer_the_command_says_so(person: Person, command: str) -> None:
    arguments = [] if command == "list" else ["some-batch"]

    result = person.run(command, *arguments, url=f"http://127.0.0.1:{free_port()}")

    assert result.exit_code == 2
    assert "the service does not answer (Connection refused)" in result.stderr


def test_where_the_service_cannot_read_its_broker_the_command_says_so(
    isolated_env: Environment, proxy: TcpProxy, start_shim: Starter
) -> None:
    url = re.sub(r":\d+/", f":{proxy.port}/", isolated_env["INTAKE_REDIS_URL"])
    service = Service(start_shim(isolated_env, INTAKE_REDIS_URL=url))
    with closing(service.http):
        proxy.refusing = True
        proxy.reset()

        result = Person(service).run("list")

    assert result.exit_code == 2
    assert "the service cannot answer now (service_unavailable)" in result.stderr


def test_where_the_url_leads_elsewhere_the_command_says_so(person: Person) -> None:
    result = person.run("list", url=f"{person.service.shim.url}/elsewhere")

    assert result.exit_code == 2
    assert "is the URL right?" in result.stderr
