"""`customer-intake up`, as the README has people start it.

All tests share one directory, since a start takes seconds. Each brings the service into the state that it needs.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import httpx
import pytest

from local_stack.state_file import StackState, read_state
from schemas.example import example_request
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[2]
START_SECONDS: Final = 90
STOP_SECONDS: Final = 60


def cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: PLW1510 - the exit code is what many of these are about
        [sys.executable, "-m", "cli.main", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=START_SECONDS
    )


@dataclass
class Stack:
    """What `up` started in a directory."""

    directory: Path
    process: subprocess.Popen[str] | None = None
    log: IO[str] | None = None

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def output(self) -> str:
        return (self.directory.parent / "up.log").read_text()

    @property
    def state(self) -> StackState:
        state = read_state(self.directory)
        assert state is not None
        return state

    def up(self) -> None:
        self.close()
        self.log = (self.directory.parent / "up.log").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "up", "--port", "0", "--data-dir", str(self.directory)],
            cwd=ROOT,
            stdout=self.log,
            stderr=self.log,
            text=True,
        )
        wait_until(self._ready_or_ended, timeout=START_SECONDS, what="the service is up")
        assert self.process.poll() is None, self.output

    def _ready_or_ended(self) -> bool:
        assert self.process is not None
        return "Ctrl-C stops everything" in self.output or self.process.poll() is not None

    def ask_to_stop(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self.runs:
            self.ask_to_stop(signal.SIGTERM)

    def close(self) -> None:
        if self.log is not None:
            self.log.close()

    def paste_the_curl(self) -> dict[str, Any]:
        """What a person does next."""
        command = self.output[self.output.index("curl -sS") :].rpartition("Ctrl-C")[0]
        answer = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=30, check=True)
        return dict(json.loads(answer.stdout))

    @cached_property
    def first_answer(self) -> dict[str, Any]:
        """The answer to the first curl. From then on the directory has the customer of the example."""
        if not self.runs:
            self.up()
        return self.paste_the_curl()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A directory for the service, in which it may run or not."""
    stack = Stack(tmp_path_factory.mktemp("up") / "data")
    yield stack
    stack.stop()
    stack.close()


@pytest.fixture
def running(stack: Stack) -> Stack:
    """The service runs."""
    if not stack.runs:
        stack.up()
    return stack


def test_the_curl_that_it_prints_gets_the_documented_response(stack: Stack) -> None:
    answer = deepcopy(stack.first_answer)
    assert answer["ok"] is True, answer
    customer = answer["customer"]
    customer.pop("id")
    customer["addresses"][0].pop("id")
    sent = example_request()
    del sent["password"]
    assert customer == sent


def test_the_link_that_it_prints_opens_the_console_once(running: Stack) -> None:
    printed = re.search(r"console +(http://\S+)/#(\S+)", running.output)
    assert printed is not None
    url, token = printed.groups()
    headers = {"authorization": f"Bearer {token}", "x-intake-console": "1"}
    assert httpx.post(f"{url}/api/session", headers=headers, trust_env=False).json()["may_operate"] is True
    assert httpx.post(f"{url}/api/session", headers=headers, trust_env=False).json()["error"] == "link_used"
    again = cli("console", "--data-dir", str(running.directory)).stdout.strip()
    assert again.startswith(f"{url}/#")
    assert again != printed[0]


def test_what_it_keeps_is_readable_by_its_owner_alone(running: Stack) -> None:
    readable = [
        path
        for path in (running.directory, *running.directory.rglob("*"))
        if not path.is_socket() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    assert readable == []


def test_status_tells_what_runs_without_a_secret(running: Stack) -> None:
    told = cli("status", "--json", "--data-dir", str(running.directory))
    assert told.returncode == 0, told.stdout
    report = json.loads(told.stdout)
    assert report["state"] == "ready"
    assert all(component["running"] for component in report["components"].values())
    password = running.state.redis_url.partition("@")[0].rpartition(":")[2]
    assert password
    assert password not in told.stdout
    assert cli("status", "--data-dir", str(running.directory)).returncode == 0


def test_a_second_up_of_the_same_directory_is_refused_and_names_the_first(running: Stack) -> None:
    second = cli("up", "--port", "0", "--data-dir", str(running.directory))
    assert second.returncode == 2
    assert f"already running as process {running.state.supervisor.pid}" in second.stderr


def test_a_port_that_is_taken_is_named_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = cli("up", "--port", str(port), "--data-dir", str(tmp_path / "data"))
    assert refused.returncode == 2
    assert f"port {port} is taken" in refused.stderr
    assert "--port" in refused.stderr


@pytest.mark.parametrize("name", ["worker-1", pytest.param("shim", marks=pytest.mark.slow), "redis"])
def test_a_component_that_dies_is_named_and_started_again(running: Stack, name: str) -> None:
    (component,) = [
        each for each in running.state.components if each == name or each.startswith(name.removesuffix("-1"))
    ]
    assert running.first_answer
    before = running.state.components[component]
    os.kill(before.pid, signal.SIGKILL)
    wait_until(
        lambda: running.state.components[component] != before and running.state.components[component].alive,
        timeout=30,
        what=f"{component} runs again",
    )
    wait_until(
        lambda: cli("status", "--data-dir", str(running.directory)).returncode == 0, timeout=30, what="all is ready"
    )
    assert component in running.output.rpartition("Ctrl-C stops everything")[2]
    assert running.paste_the_curl()["error"] == "duplicate_key"


@pytest.mark.slow
def test_ctrl_c_stops_everything(running: Stack) -> None:
    everything = running.state.components.values()
    assert running.ask_to_stop(signal.SIGINT) == 0
    assert not any(each.alive for each in everything)
    stopped = cli("status", "--data-dir", str(running.directory))
    assert stopped.returncode == 1
    assert "nothing runs" in stopped.stdout


def test_the_next_up_finds_its_data_and_ends_what_a_killed_one_left(stack: Stack) -> None:
    assert stack.first_answer
    stack.stop()
    stack.up()
    assert stack.paste_the_curl()["error"] == "duplicate_key"
    left = dict(stack.state.components)
    assert stack.process is not None
    stack.process.kill()
    stack.process.wait()

    stack.up()
    assert not any(each.alive for each in left.values())
    assert stack.paste_the_curl()["error"] == "duplicate_key"


def test_down_stops_what_runs(running: Stack) -> None:
    everything = running.state.components.values()
    assert cli("down", "--data-dir", str(running.directory)).returncode == 0
    assert running.process is not None
    assert running.process.wait(STOP_SECONDS) == 0
    assert not any(each.alive for each in everything)


def test_in_the_background_it_is_ready_when_the_command_returns(stack: Stack) -> None:
    stack.stop()
    try:
        started = cli("up", "--detach", "--port", "0", "--data-dir", str(stack.directory))
        assert started.returncode == 0, started.stderr
        assert cli("status", "--data-dir", str(stack.directory)).returncode == 0
    finally:
        assert "stopped" in cli("down", "--data-dir", str(stack.directory)).stdout
