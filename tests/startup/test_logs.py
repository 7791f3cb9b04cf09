"""The log of a process, as it stands on standard error."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

CANARY = "canary-in-an-exceptions-text"

PROCESS = """
import logging, structlog
from startup.logs import configure_logs

configure_logs(level="info", log_format={log_format!r}, component="worker")
log = structlog.get_logger("worker.test")

def fail():
    password = "{canary}"
    try:
        raise ValueError("{canary}")
    except ValueError as error:
        raise RuntimeError("{canary}", password) from error

{code}
"""


def lines_of(code: str, *, log_format: str = "json") -> list[str]:
    """The lines that a process with this code writes to standard error."""
    done = subprocess.run(
        [sys.executable, "-c", PROCESS.format(code=code, canary=CANARY, log_format=log_format)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout == ""
    return done.stderr.splitlines()


def events_of(code: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines_of(code)]


CAUGHT = """
try:
    fail()
except RuntimeError as error:
    {call}
"""


def test_a_line_is_a_json_object_with_time_level_component_and_fields() -> None:
    (event,) = events_of("log.info('task', outcome='created', name='Zoë')")
    assert event.pop("at").endswith("Z")
    assert event == {
        "event": "task",
        "outcome": "created",
        "name": "Zoë",
        "level": "info",
        "logger": "worker.test",
        "component": "worker",
    }


def test_a_field_that_is_bound_once_is_in_every_line() -> None:
    events = events_of("with structlog.contextvars.bound_contextvars(task_id='t1'):\n  log.info('a')\n  log.info('b')")
    assert [event["task_id"] for event in events] == ["t1", "t1"]


def test_a_librarys_line_has_the_same_shape() -> None:
    (event,) = events_of("logging.getLogger('some.library').warning('%s of %d', 'one', 2)")
    assert event["event"] == "one of 2"
    assert (event["logger"], event["level"], event["component"]) == ("some.library", "warning", "worker")


def test_a_line_break_in_a_value_does_not_begin_a_second_line() -> None:
    (event,) = events_of("log.info('a', name='x\\n{\"event\": \"forged\"}\\u2028')")
    assert event["event"] == "a"


def test_below_the_level_nothing_is_written() -> None:
    assert events_of("log.debug('a'); logging.getLogger('x').debug('b')") == []


def test_an_exception_is_logged_with_its_types_and_places_and_never_with_its_text() -> None:
    lines = lines_of(CAUGHT.format(call="log.error('task_failed', exc_info=error)"))
    assert CANARY not in "\n".join(lines)
    (event,) = map(json.loads, lines)
    assert [link["type"] for link in event["exception"]] == ["builtins.RuntimeError", "builtins.ValueError"]
    assert "in fail" in event["exception"][0]["at"][-1]


def test_the_exception_of_a_library_is_logged_without_its_text_too() -> None:
    lines = lines_of(CAUGHT.format(call="logging.getLogger('some.library').exception('it failed')"))
    assert CANARY not in "\n".join(lines)
    (event,) = map(json.loads, lines)
    assert event["exception"][0]["type"] == "builtins.RuntimeError"


def test_the_form_for_people_does_not_have_the_text_of_an_exception_either() -> None:
    code = CAUGHT.format(call="log.exception('task_failed'); logging.getLogger('x').exception('it failed')")
    text = "\n".join(lines_of(code, log_format="console"))
    assert CANARY not in text
    assert "task_failed" in text
    assert "RuntimeError" in text


def test_where_standard_error_is_no_terminal_auto_means_json() -> None:
    (line,) = lines_of("log.info('a')", log_format="auto")
    assert json.loads(line)["event"] == "a"


def test_an_endless_chain_of_causes_is_cut_short() -> None:
    code = """
one, two = ValueError("1"), ValueError("2")
one.__cause__, two.__cause__ = two, one
log.error("task_failed", exc_info=one)
"""
    (event,) = events_of(code)
    assert len(event["exception"]) == 12


def test_a_line_that_cannot_be_written_is_reported_without_its_content() -> None:
    code = f"""
class Odd(str):
    def __mod__(self, _values):
        raise KeyError("{CANARY}")
logging.getLogger("some.library").warning(Odd("a"), 1)
"""
    (event,) = events_of(code)
    assert event == {"event": "log_line_lost", "level": "error", "fault": "KeyError", "logger": "some.library"}


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        ("error('cannot connect to %s: %r', url, ValueError(url))", "cannot connect to <str>: <ValueError>"),
        ("error('%s (%r)', LOST, None)", "the connection is lost (None)"),
        ("error('%d of %.1f', 2, 3.0)", "2 of 3.0"),
        ("error('the library is ready')", "the library is ready"),
        ("error(LOST)", "the connection is lost"),
        ("error(f'cannot connect to {url}')", "some.library connect:18"),
        ("error('cannot connect to ' + url)", "some.library connect:18"),
        ("error('%(url)s', {'url': url})", "some.library connect:18"),
        ("error('%d', url)", "some.library connect:18 %d"),
        ("error(ValueError(url))", "some.library connect:18"),
        ("error({'url': url})", "some.library connect:18"),
        ("log(50, '%s', [url])", "<list>"),
        ("error('sent', extra={'url': url}, stack_info=True)", "sent"),
    ],
)
def test_the_line_of_a_library_shows_the_text_in_its_code_and_no_value(call: str, shown: str) -> None:
    code = f"""
LOST = "the connection is lost"
def connect(url):
    logging.getLogger("some.library").{call}
connect("redis://:{CANARY}@h")
"""
    (line,) = lines_of(code)
    assert CANARY not in line
    assert json.loads(line)["event"] == shown


@pytest.mark.parametrize("logger", ["redis.connection", "kombu.x", "celery.x", "pymongo.x", "asyncio", "h11", "any"])
def test_libraries_say_nothing_at_the_level_debug(logger: str) -> None:
    code = f"configure_logs(level='debug', log_format='json', component='w')\nlogging.getLogger('{logger}').debug('x')"
    assert lines_of(code + "\nlog.debug('ours')")[0].count("ours") == 1


def test_a_line_of_our_own_that_cannot_be_written_is_reported_in_the_same_way() -> None:
    code = f"""
class Odd:
    def __repr__(self):
        raise TypeError("{CANARY}")
log.info("a", value=Odd())
"""
    (event,) = events_of(code)
    assert event == {"event": "log_line_lost", "level": "error", "fault": "TypeError", "logger": "worker.test"}


def test_the_work_goes_on_where_nobody_reads_the_log_any_more() -> None:
    code = "import os\nos.dup2(2, 9)\nos.close(2)\nlog.info('a')\nlogging.warning('b')\nos.write(9, b'it went on')"
    assert lines_of(code) == ["it went on"]


def test_lines_of_several_threads_do_not_mix() -> None:
    code = f"""
from concurrent.futures import ThreadPoolExecutor
def write(number):
    (log.info if number % 2 else logging.getLogger("x").warning)("{"x" * 2000}")
with ThreadPoolExecutor(8) as threads:
    threads.map(write, range(400))
"""
    assert [event["event"] for event in events_of(code)] == 400 * ["x" * 2000]
