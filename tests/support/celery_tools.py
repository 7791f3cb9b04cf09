"""What Celery's own tools see of a worker: its events, and its replies to `celery inspect`."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from celery import Celery
from celery.events.state import State
from kombu import pools

from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Running


class Heard:
    """The events that a receiver has heard until now."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.state = State()
        """What Flower keeps of them."""

    def hear(self, event: dict[str, Any]) -> None:
        """Called by the receiver."""
        self.events.append(dict(event))
        self.state.event(event)

    def of(self, task_id: str) -> list[str]:
        """What was heard of this task, in order."""
        return [each["type"] for each in self.events if each.get("uuid") == task_id]

    def wait_for(self, event: str, task_id: str) -> None:
        """Return once this event of the task was heard."""
        wait_until(lambda: event in self.of(task_id), timeout=20, what=f"{event} is heard of {task_id}")

    def tasks(self, name: str) -> set[str]:
        """The ids of all tasks of this name that were received."""
        return {each["uuid"] for each in self.events if each.get("name") == name}


def node_of(worker: Running) -> str:
    """The worker's name among Celery's workers."""
    return f"intake-{worker.process.pid}@{socket.gethostname()}"


@contextmanager
def listening(url: str, worker: Running) -> Iterator[Heard]:
    """Hear all events, from the worker's first heartbeat on."""
    heard = Heard()
    app = Celery("tests", broker=url, set_as_current=False)
    with app.connection_for_read() as connection:
        receiver = app.events.Receiver(connection, handlers={"*": heard.hear})
        thread = threading.Thread(target=lambda: receiver.capture(wakeup=False), daemon=True)
        thread.start()
        node = node_of(worker)
        wait_until(lambda: any(each["hostname"] == node for each in heard.events), what="the worker's heart beats")
        yield heard
        receiver.should_stop = True
        thread.join(10)


def celery(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command `celery` with this broker."""
    command = [str(Path(sys.executable).parent / "celery"), "--broker", url, *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("INTAKE_")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def inspect(url: str, worker: Running, command: str, *arguments: str) -> Any:
    """What the worker replies to `celery inspect`."""
    node = node_of(worker)
    done = celery(url, "inspect", "--json", "--timeout", "20", "--destination", node, command, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)[node]


def asked(url: str, worker: Running, command: str, **arguments: Any) -> Any:
    """What the worker replies to a command of remote control. Nothing within 20 seconds is None."""
    # kombu keeps connections for the whole process, also those that a Redis has closed that was restarted.
    pools.reset()
    with Celery("tests", broker=url, set_as_current=False) as app:
        node = node_of(worker)
        replies = app.control.broadcast(command, arguments, reply=True, timeout=20, limit=1, destination=[node])
    return replies[0][node] if replies else None
