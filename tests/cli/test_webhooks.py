"""`customer-intake webhooks`: endpoints are listed, tried, switched and forgotten; a receiver verifies and prints."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from standardwebhooks import Webhook

from cli.main import main
from local_stack.service_process import ROOT
from local_stack.state_file import ProcessIdentity, StackState, write_state
from tests.notifier.process import QUICK, Notifying, ids, to
from tests.notifier.samples import KEY, SECRET
from tests.support.events import happen
from tests.support.receiver import a_receiver, status, taken
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from click.testing import Result

    from tests.conftest import Environment, Starter


@pytest.fixture
def notifying(isolated_env: Environment, tmp_path: Path, start_notifier: Starter) -> Iterator[Notifying]:
    one = Notifying(isolated_env, tmp_path / "endpoints.toml", start_notifier)
    yield one
    one.client.close()


def run(notifying: Notifying, *arguments: str, **settings: str) -> Result:
    environment = {
        "INTAKE_REDIS_URL": notifying.environment["INTAKE_REDIS_URL"],
        "INTAKE_WEBHOOKS_FILE": str(notifying.file),
        **QUICK,
        **settings,
    }
    return CliRunner().invoke(main, ["webhooks", *arguments], env=environment)


def listed(notifying: Notifying, **settings: str) -> dict[str, dict[str, Any]]:
    result = run(notifying, "list", "--json", **settings)
    assert result.exit_code == 0, result.output
    return {each["endpoint"]: each for each in map(json.loads, result.stdout.splitlines())}


def test_an_endpoint_that_is_off_is_listed_and_gets_what_it_lacks_once_it_is_enabled(notifying: Notifying) -> None:
    with a_receiver(status(410)) as receiver:
        notifying.begin(to(receiver), to(receiver, name="other", types=["customer.create.failed"]))
        happen(notifying.client, "evt_1")
        wait_until(lambda: notifying.logged("endpoint_off"))
        happen(notifying.client, "evt_2")
        crm = listed(notifying)["crm"]
        assert (crm["state"], crm["off_reason"], crm["waiting"], crm["last_outcome"]) == ("off", "gone", 1, "410")
        assert listed(notifying)["other"]["state"] == "on"
        assert "off: gone" in run(notifying, "list").stdout
        receiver.behave = taken
        assert run(notifying, "enable", "crm").exit_code == 0
        wait_until(lambda: len(receiver.received) == 3)
        wait_until(lambda: listed(notifying)["crm"]["delivered"] == 2)
    assert sorted(ids(receiver.received)) == ["evt_1", "evt_1", "evt_2"]
    assert run(notifying, "enable", "crm").stderr == "crm was on already\n"


def test_an_operator_may_disable_an_endpoint(notifying: Notifying) -> None:
    with a_receiver() as receiver:
        notifying.begin(to(receiver))
        assert run(notifying, "disable", "crm").exit_code == 0
        happen(notifying.client, "evt_1")
        assert listed(notifying)["crm"]["off_reason"] == "operator"
        assert receiver.received == []
        run(notifying, "enable", "crm")
        wait_until(lambda: receiver.received)


def test_what_waits_is_tried_at_once_when_an_operator_says_so(notifying: Notifying) -> None:
    with a_receiver(status(500)) as receiver:
        notifying.begin(to(receiver), INTAKE_WEBHOOKS_RETRY_SECONDS="3600", INTAKE_WEBHOOKS_RETRY_MAX_SECONDS="3600")
        happen(notifying.client, "evt_1")
        wait_until(lambda: listed(notifying)["crm"]["failed_tries"] == 1)
        receiver.behave = taken
        assert run(notifying, "retry", "crm").stderr == "1 event is tried now\n"
        wait_until(lambda: len(receiver.received) == 2)


def test_an_endpoint_that_left_the_file_is_listed_until_it_is_forgotten(notifying: Notifying) -> None:
    with a_receiver(status(500)) as receiver:
        notifying.begin(to(receiver, name="old"), to(receiver, name="new"))
        happen(notifying.client, "evt_1")
        wait_until(lambda: len(receiver.received) >= 2)
        notifying.write(to(receiver, name="new"))
        notifying.reread()
        wait_until(lambda: notifying.logged("endpoints_read"))
        assert {name: each["in_file"] for name, each in listed(notifying).items()} == {"new": True, "old": False}
        assert "(not in the file)" in run(notifying, "list").stdout
        assert run(notifying, "forget", "old", "--yes").exit_code == 0
        assert [*listed(notifying)] == ["new"]


@pytest.mark.parametrize("command", ["retry", "enable", "disable", "forget"])
def test_a_name_that_nobody_knows_is_told(notifying: Notifying, command: str) -> None:
    result = run(notifying, command, "nobody", *(["--yes"] if command == "forget" else []))
    assert result.exit_code == 1
    assert "nothing is known of an endpoint nobody" in result.stderr


def test_a_test_sends_one_signed_event(notifying: Notifying) -> None:
    with a_receiver() as receiver:
        notifying.write(to(receiver))
        assert run(notifying, "test", "crm").stdout.startswith("204  ")
        receiver.behave = status(500)
        failed = run(notifying, "test", "crm")
        refused = run(notifying, "test", "crm", INTAKE_WEBHOOKS_ALLOWED_NETWORKS="")
        unknown = run(notifying, "test", "nobody")
    assert (failed.exit_code, failed.stdout[:3]) == (1, "500")
    assert (refused.exit_code, refused.stdout.partition("  ")[0]) == (1, "address_refused (loopback)")
    assert unknown.exit_code == 2
    first = receiver.received[0]
    assert Webhook(SECRET).verify(first.body, dict(first.headers))["type"] == "webhook.test"


def test_a_test_of_the_local_stack_may_call_this_machine_as_its_notifier_does(tmp_path: Path) -> None:
    file = tmp_path / "endpoints.toml"
    with a_receiver() as receiver:
        url = f"http://127.0.0.1:{receiver.port}/"
        file.write_text(f'[[endpoint]]\nname = "crm"\nurl = "{url}"\nsecrets = ["{SECRET}"]\n')
        environment = {"INTAKE_WEBHOOKS_FILE": str(file), "INTAKE_REDIS_URL": None, "INTAKE_REDIS_URL_FILE": None}
        command = ["webhooks", "test", "crm", "--data-dir", str(tmp_path)]
        refused = CliRunner().invoke(main, command, env=environment)
        write_state(tmp_path, StackState(ProcessIdentity.own()))
        sent = CliRunner().invoke(main, command, env=environment)
    assert (refused.exit_code, receiver.received[1:]) == (1, [])
    assert sent.stdout.startswith("204  ")


def test_a_file_with_a_fault_is_told_by_its_line(notifying: Notifying) -> None:
    notifying.file.write_text('[[endpoint]]\nname = "a"\nurl = "https://a.b"\nsecrets = ["canary"]\n')
    result = run(notifying, "list")
    assert result.exit_code == 1
    assert "line 4: secrets" in result.stderr
    assert "canary" not in result.output


@contextmanager
def listening(file: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`listen` in a process of its own, and its port."""
    command = [sys.executable, "-m", "cli.main", "webhooks", "listen", "--file", str(file), "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("listening on"):
                yield process, int(line.partition("/,")[0].rpartition(":")[2])
                break
        process.kill()


def post(port: int, body: bytes, headers: Mapping[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/", body, dict(headers))
    code = connection.getresponse().status
    connection.close()
    return code


def test_a_listener_writes_a_file_of_endpoints_that_a_notifier_sends_to_it_by(notifying: Notifying) -> None:
    with listening(notifying.file, "--json") as (process, port):
        assert notifying.file.stat().st_mode & 0o777 == 0o600
        assert f"127.0.0.1:{port}" in notifying.file.read_text()
        environment = {**notifying.environment, **QUICK, "INTAKE_WEBHOOKS_FILE": str(notifying.file)}
        notifying.start(environment)
        notifying.until_known("listen")
        happen(notifying.client, "evt_1")
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
    assert (told["id"], told["event"]["type"], told["again"], told["fault"]) == ("evt_1", "customer.created", False, "")


def test_a_listener_refuses_what_is_not_signed_by_the_endpoints_secret(notifying: Notifying) -> None:
    notifying.write({"name": "crm", "url": "http://127.0.0.1:1/", "secrets": [SECRET]})
    now, body = datetime.now(UTC), b'{"type":"customer.created"}'
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(int(now.timestamp()))}

    def signed(key: bytes) -> str:
        return Webhook(key).sign("evt_1", now, body.decode())

    with listening(notifying.file, "--endpoint", "crm") as (process, port):
        answers = [
            post(port, body, {**headers, "webhook-signature": signature})
            for signature in (signed(KEY), signed(b"x" * 32), "v1", "v1,", "v1,%", "nothing", f"v0,a {signed(KEY)}")
        ]
        answers.append(post(port, body, {}))
        answers.append(post(port, b"\xff", {**headers, "webhook-signature": signed(KEY)}))
        answers.append(post(port, body, {**headers, "webhook-timestamp": "0", "webhook-signature": signed(KEY)}))
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in answers]
    assert answers == [204, 400, 400, 400, 400, 400, 204, 400, 400, 400]
    assert lines[0].startswith("evt_1  customer.created  null  verified, ")
    assert all(line.startswith("refused: ") for line in (*lines[1:6], *lines[7:]))
    assert lines[6].endswith("(again)\n")


@pytest.mark.slow
def test_a_listener_survives_what_is_too_long_too_deep_or_from_the_future(notifying: Notifying) -> None:
    notifying.write({"name": "crm", "url": "http://127.0.0.1:1/", "secrets": [SECRET]})
    now = datetime.now(UTC)
    deep, early = b"[" * 100_000, f'{{"timestamp":"{(now + timedelta(hours=1)).isoformat()}"}}'.encode()

    def headers(body: bytes) -> dict[str, str]:
        signature = Webhook(KEY).sign("evt_1", now, body.decode())
        return {"webhook-id": "evt_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}

    with listening(notifying.file, "--endpoint", "crm", "--json") as (process, port):
        answers = [
            post(port, b"", {"content-length": "9" * 5000}),
            post(port, deep, headers(deep)),
            post(port, early, headers(early)),
        ]
        assert process.stdout is not None
        told = [json.loads(process.stdout.readline()) for _ in range(2)]
    assert answers == [413, 400, 204]
    assert [(each["fault"], each["milliseconds"]) for each in told] == [("malformed", 0.0), ("", 0.0)]
