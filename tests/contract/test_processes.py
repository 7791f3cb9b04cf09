"""A shim of several processes has one port and one set of counts, and its processes end together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.conftest import Environment, Starter
    from tests.contract.conftest import Serve

_CALLS: Final = 24


@pytest.mark.slow
def test_each_process_shows_the_calls_that_the_others_hold_in_its_metrics(
    isolated_env: Environment, start_shim: Starter, serve: Serve
) -> None:
    shim = start_shim(isolated_env, INTAKE_PROCESSES="2")
    wait_until(lambda: shim.log().count("Application startup complete") == 2, timeout=30, what="both serve")
    service = serve(shim)
    with ThreadPoolExecutor(4) as threads:
        held = [threads.submit(service.create, {"prefer": "wait=60", "connection": "close"}) for _ in range(4)]
        wait_until(lambda: "\nintake_waiting_requests 4.0\n" in service.get("/metrics").text, what="four are held")
        # A shim that is told to stop answers them at once.
        assert shim.process.terminate(20)
        assert {each.result().status_code for each in held} == {202}


def test_several_processes_serve_and_count_together_and_leave_nothing_behind(
    isolated_env: Environment, start_shim: Starter, start_worker: Starter, serve: Serve, tmp_path: Path
) -> None:
    shim = start_shim(isolated_env, INTAKE_PROCESSES="2", TMPDIR=str(tmp_path))
    wait_until(lambda: shim.log().count("Application startup complete") == 2, timeout=30, what="both serve")
    start_worker(isolated_env)
    service = serve(shim)

    def create(_: int) -> httpx.Response:
        # Each request has a connection of its own, or one process would get them all.
        return service.create({"prefer": "wait=20", "connection": "close"})

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(create, range(_CALLS)))

    assert {answer.status_code for answer in answers} == {200}
    assert f'\nintake_accepts_total{{result="accepted"}} {_CALLS}.0\n' in service.get("/metrics").text
    assert shim.process.terminate(20)
    assert list(tmp_path.iterdir()) == []
