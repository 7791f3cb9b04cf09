"""With a file of endpoints, `up` starts a notifier as well, and `webhooks listen` shows what comes of a signup.

This is the one place where processes of all kinds run, so what each of them does as it starts is seen here too.
"""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.cli.test_webhooks import listening
from tests.local_stack.test_up import Stack

CANARY: Final = "canary-of-a-misspelt-setting"


@dataclass
class Run:
    """What came of one signup in a local stack with a notifier, which has ended."""

    stack: Stack
    answer: dict[str, Any]
    """To whoever signed up."""
    told: dict[str, Any]
    """By the listener."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """See `Run`. A setting was misspelt."""
    folder = tmp_path_factory.mktemp("webhooks")
    file = folder / "endpoints.toml"
    stack = Stack(folder / "data")
    with listening(file, "--json") as (listener, _port), pytest.MonkeyPatch.context() as patch:
        patch.setenv("INTAKE_WEBHOOKS_FILE", str(file))
        patch.setenv("INTAKE_REDIS_ULR", CANARY)
        try:
            stack.up()
            answer = stack.paste_the_curl()
            assert listener.stdout is not None
            told = json.loads(listener.stdout.readline())
        finally:
            assert stack.ask_to_stop(signal.SIGTERM) == 0
            stack.close()
    return Run(stack, answer, told)


def test_a_listener_is_told_of_a_signup(run: Run) -> None:
    told = run.told
    assert (told["event"]["type"], told["fault"]) == ("customer.created", "")
    assert told["event"]["data"]["customer"] == run.answer["customer"]["id"]
    assert told["id"] == f"evt_{told['event']['data']['task']}"


def test_each_process_and_the_command_tell_once_of_a_setting_that_nobody_knows(run: Run) -> None:
    logs = {path.stem: path.read_text() for path in (run.stack.directory / "logs").glob("*.log")}
    for name in ("shim", "worker", "notifier", "console"):
        (line,) = (line for line in logs[name].splitlines() if "unknown_settings" in line)
        told = json.loads(line)
        assert (told["level"], told["settings"]) == ("warning", ["INTAKE_REDIS_ULR (INTAKE_REDIS_URL?)"])
    told_by_command = "INTAKE_REDIS_ULR (INTAKE_REDIS_URL?) is no setting, and is ignored\n"
    assert run.stack.output.count(told_by_command) == 1
    assert not [name for name, log in {**logs, "up": run.stack.output}.items() if CANARY in log]
