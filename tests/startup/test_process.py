"""What a process does before it reads its settings. However it ends, nothing of its memory is shown."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

CANARY: Final = "canary-in-a-text-or-a-variable"

PROCESS: Final = """
import asyncio, os, resource, signal, sys, threading, warnings
from startup.process import prepare_service

# Whoever runs the tests may have these ignored: nohup, or a shell that runs them in its background.
for number in (signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)
prepare_service("worker")

def fail(password="{canary}"):
    raise ValueError(password)

{code}
"""


@contextmanager
def running(code: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS.format(code=code, canary=CANARY)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def output_of(code: str) -> str:
    with running(code) as process:
        output, _ = process.communicate(timeout=30)
    assert CANARY not in output
    return output


def event_of(code: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(output_of(code))
    return event


@pytest.mark.parametrize(
    ("code", "where"),
    [
        ("fail()", "process"),
        ("thread = threading.Thread(target=fail)\nthread.start()\nthread.join()", "thread"),
        ("class Odd:\n    def __del__(self):\n        fail()\nOdd()", "finalizer"),
    ],
)
def test_an_exception_that_nobody_catches_is_logged_with_its_type_and_places(code: str, where: str) -> None:
    event = event_of(code)
    assert (event["event"], event["where"]) == ("unhandled_exception", where)
    assert event["exception"][0]["type"] == "builtins.ValueError"
    assert "in fail" in event["exception"][0]["at"][-1]


def test_an_exception_of_a_task_that_nobody_awaits_is_logged_in_the_same_way() -> None:
    event = event_of("""
from startup.unhandled import in_event_loop
async def failing():
    fail()
async def main():
    asyncio.get_running_loop().set_exception_handler(in_event_loop)
    task = asyncio.create_task(failing())
    await asyncio.wait([task])
    del task
asyncio.run(main())
""")
    assert (event["event"], event["where"]) == ("unhandled_exception", "event loop")
    assert event["exception"][0]["type"] == "builtins.ValueError"


def test_a_warning_is_logged_with_its_kind_and_place() -> None:
    event = event_of(f"warnings.warn('{CANARY}')")
    assert event["event"] == "library_warning"
    assert event["category"] == "UserWarning"
    assert event["place"].startswith("<string>:")


def test_sigusr1_shows_where_each_thread_is_and_no_variable() -> None:
    """A thread that is stuck in C code is shown too."""
    code = """
def stuck(password="{canary}"):
    read_end, _ = os.pipe()
    os.write(1, b"ready\\n")
    os.read(read_end, 1)
threading.Thread(target=stuck, daemon=True).start()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
stuck()
"""
    with running(code.replace("{canary}", CANARY)) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == ["ready\n"] * 2
        process.send_signal(signal.SIGUSR1)
        shown: list[str] = []
        while "".join(shown).count("in stuck") < 2:
            line = process.stdout.readline()
            assert line, "it ended"
            shown.append(line)
        assert process.poll() is None
    assert "most recent call first" in "".join(shown)
    assert CANARY not in "".join(shown)


def test_sigusr2_does_nothing() -> None:
    assert output_of("os.kill(os.getpid(), signal.SIGUSR2)\nprint('it went on')") == "it went on\n"


@pytest.mark.parametrize("number", ["SIGHUP", "SIGQUIT"])
def test_other_signals_that_end_a_process_do_what_sigterm_does(number: str) -> None:
    code = f"""
signal.signal(signal.SIGTERM, lambda *_: print("asked to stop", flush=True))
os.kill(os.getpid(), signal.{number})
"""
    assert output_of(code) == "asked to stop\n"


def test_a_sighup_that_is_ignored_stays_so() -> None:
    code = """
signal.signal(signal.SIGHUP, signal.SIG_IGN)
prepare_service("worker")
os.kill(os.getpid(), signal.SIGHUP)
print("it went on")
"""
    assert output_of(code) == "it went on\n"


@pytest.mark.parametrize("number", ["SIGSEGV", "SIGABRT"])
def test_a_process_that_dies_of_a_fault_shows_places_and_leaves_no_core(number: str) -> None:
    output = output_of(f"def dying(password='{CANARY}'):\n    signal.raise_signal(signal.{number})\ndying()")
    assert "Fatal Python error" in output
    assert "in dying" in output


def test_nothing_of_its_memory_can_be_written_or_read_by_others_of_the_same_user() -> None:
    code = """
import ctypes
print(resource.getrlimit(resource.RLIMIT_CORE)[0])
print(ctypes.CDLL(None).prctl(3) if sys.platform == "linux" else 0)  # PR_GET_DUMPABLE
"""
    assert output_of(code) == "0\n0\n"
