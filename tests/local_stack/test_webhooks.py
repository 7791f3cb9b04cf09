"""With a file of endpoints, `up` starts a notifier as well, and `webhooks listen` shows what comes of a signup."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

from tests.cli.test_webhooks import listening
from tests.local_stack.test_up import Stack

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_listener_is_told_of_a_signup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "endpoints.toml"
    with listening(file, "--json") as (listener, _port):
        monkeypatch.setenv("INTAKE_WEBHOOKS_FILE", str(file))
        stack = Stack(tmp_path / "data")
        try:
            stack.up()
            answer = stack.paste_the_curl()
            assert listener.stdout is not None
            told = json.loads(listener.stdout.readline())
        finally:
            assert stack.ask_to_stop(signal.SIGTERM) == 0
            stack.close()
    assert (told["event"]["type"], told["fault"]) == ("customer.created", "")
    assert told["event"]["data"]["customer"] == answer["customer"]["id"]
    assert told["id"] == f"evt_{told['event']['data']['task']}"
