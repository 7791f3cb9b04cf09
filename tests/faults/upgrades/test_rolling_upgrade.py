"""Shims and workers of two releases side by side, while one process after the other is replaced under load."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Final

import pytest

from local_stack.service_process import ROOT, SHIM, WORKER
from schemas.protocol.overall import COUNTS_KEY
from tests.faults.harness.batch_client import BatchClient, outcomes_of
from tests.faults.harness.batch_rows import password_rows
from tests.faults.harness.history import Client
from tests.faults.upgrades.fleet import Fleet
from tests.faults.upgrades.releases import BEFORE_BATCHES, WITH_BATCHES
from tests.support.records import Scripts
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.conftest import Judge, JudgeOfRows
    from tests.faults.upgrades.releases import Release

_SIGNUPS_BETWEEN: Final = 40
"""As many signups get their outcomes from each mixture of releases before the next process is replaced."""

_ROWS: Final = 1000
"""More than the workers hash before the last of them has been replaced."""


def _outcomes(client: Client) -> int:
    return sum(submission.outcome is not None for submission in client.history)


def _has_gone_on(client: Client, *, before: int) -> bool:
    return _outcomes(client) >= before + _SIGNUPS_BETWEEN


def _wait_for_signups(client: Client) -> None:
    wait_until(partial(_has_gone_on, client, before=_outcomes(client)), timeout=60, what="signups go on")


def _replace_all(fleet: Fleet, client: Client, code: Path, order: tuple[str, str]) -> None:
    """Replace every process by this code, one after the other, and watch signups in between."""
    for module in order:
        for member in fleet.shims if module == SHIM else fleet.consumers:
            replace = fleet.replace_shim if module == SHIM else fleet.replace_worker
            replace(member, code)
            _wait_for_signups(client)


def _count_anew(fleet: Fleet, client: Client) -> None:
    """Do as docs/upgrading.md says, now that no process of the other release moves records without counting."""
    with fleet.redis_client() as redis:
        redis.hdel(COUNTS_KEY, "since")
        scripts = Scripts(redis)
        wait_until(lambda: scripts.overview().counted_since_milliseconds, what="counting has begun anew")
        _wait_for_signups(client)
        assert scripts.overview().unaccounted == 0


def _under_load(fleet: Fleet) -> Client:
    client = Client(fleet)
    client.load(seconds=900, threads=4, follow=True)
    _wait_for_signups(client)
    return client


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("release", [BEFORE_BATCHES, WITH_BATCHES], ids=lambda release: release.commit[:7])
@pytest.mark.parametrize("order", [(WORKER, SHIM), (SHIM, WORKER)], ids=["workers first", "shims first"])
def test_an_upgrade_and_the_way_back_lose_no_signup(
    tmp_path: Path, judge: Judge, note: Callable[[str], None], order: tuple[str, str], release: Release
) -> None:
    other = release.unpack(tmp_path / "release")
    with Fleet(tmp_path, other, INTAKE_DRAIN_SECONDS="2") as fleet:
        client = _under_load(fleet)
        before = client.history[0]

        _replace_all(fleet, client, ROOT, order)
        client.send(before)  # A repeat with its key: the harness asserts that it is the same task.
        _count_anew(fleet, client)
        _replace_all(fleet, client, other, (order[1], order[0]))
        client.send(before)
        client.end_load()

        verdict = judge(fleet, client)

        assert verdict.resends == 0
        assert fleet.server_errors() == []
        refused = sum((submission.refused for submission in client.history), start=Counter[str]())
        note(f"{release.name}, {order[0]} first: {len(client.history)} signups, tries that failed: {dict(refused)}")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("upgrade", [True, False], ids=["upgrade", "way back"])
def test_chunks_that_one_release_took_in_are_worked_on_and_told_by_the_other(
    tmp_path: Path, judge_rows: JudgeOfRows, *, upgrade: bool
) -> None:
    other = WITH_BATCHES.unpack(tmp_path / "release")
    first, then = (other, ROOT) if upgrade else (ROOT, other)
    with Fleet(tmp_path, first, INTAKE_ARGON2_TEST_PROFILE="0", INTAKE_DRAIN_SECONDS="2") as fleet:
        rows = partial(password_rows, _ROWS)
        batch_id = BatchClient(fleet, rows).upload()
        for worker in fleet.consumers:
            fleet.replace_worker(worker, then)
        assert BatchClient(fleet, rows).summary(batch_id)["status"] == "RUNNING", "nothing was left to the others"
        for shim in fleet.shims:
            fleet.replace_shim(shim, then)

        told = BatchClient(fleet, rows).read(batch_id)

        assert outcomes_of(told) == {"created": _ROWS}
        assert judge_rows(fleet, batch_id, told, rows=_ROWS).resends == 0
        # The same call again meets every chunk that the other release took in.
        again = BatchClient(fleet, rows)
        told_again = again.read(again.upload())
        assert outcomes_of(told_again) == {"repeated": _ROWS}
        assert [row.customer_id for row in told_again] == [row.customer_id for row in told]
        assert fleet.server_errors() == []
