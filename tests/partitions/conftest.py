"""Fixtures for tests between machines. One checker judges them, the same as that of tests/faults."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final, Protocol

import pytest

from tests.faults.harness.batch_check import check_rows
from tests.faults.harness.fault_table import FaultTable
from tests.faults.harness.history import Client, Verdict, check
from tests.partitions.harness import names
from tests.partitions.harness.network import why_not
from tests.partitions.harness.site import Site, Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.faults.harness.batch_client import ToldRow

_TABLE: Final = FaultTable("partitions", counted="faults")

_names = (f"t{number}" for number in itertools.count())


class Judge(Protocol):
    """Collects the outcomes, compares them with the stored customers, and adds a row to the table."""

    def __call__(self, trial: Trial, client: Client, *, kept: bool = True) -> Verdict: ...


class JudgeOfRows(Protocol):
    """Compares the outcomes that a client got for rows with the stored customers, and adds a row to the table."""

    def __call__(self, trial: Trial, batch_id: str, told: Sequence[ToldRow], *, rows: int) -> Verdict: ...


@pytest.fixture(scope="package")
def careful_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with `INTAKE_REDIS_COPIES=1`, which all tests of one process share."""
    with Site(tmp_path_factory.mktemp("site"), copies=1) as site:
        yield site


@pytest.fixture
def trial(careful_site: Site) -> Iterator[Trial]:
    """A trial of the shared site. All is well when it begins."""
    yield from _trial(careful_site)


@pytest.fixture
def careless_trial(tmp_path: Path) -> Iterator[Trial]:
    """A trial of a site of its own, which promises without a copy."""
    with Site(tmp_path, copies=0) as site:
        yield from _trial(site)


@pytest.fixture
def trial_of_two_copies(tmp_path: Path) -> Iterator[Trial]:
    """A trial of a site of its own, which promises what all of Redis' machines have."""
    with Site(tmp_path, copies=2) as site:
        yield from _trial(site)


@pytest.fixture(scope="module")
def site_by_name(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose shims and workers find Redis' primary by its name."""
    if reason := names.why_not():
        pytest.skip(f"no machines with names of their own: {reason}")
    with Site(tmp_path_factory.mktemp("site"), copies=1, by_name=True) as site:
        yield site


@pytest.fixture
def trial_by_name(site_by_name: Site) -> Iterator[Trial]:
    """A trial of that site."""
    yield from _trial(site_by_name)


def _trial(site: Site) -> Iterator[Trial]:
    site.mend()
    trial = Trial(site, next(_names))
    yield trial
    trial.at_the_end.close()


@pytest.fixture
def judge(request: pytest.FixtureRequest) -> Judge:
    """Makes the test fail where the promise was not kept, unless it is told to report only."""

    def run(trial: Trial, client: Client, *, kept: bool = True) -> Verdict:
        client.collect(seconds=60)
        client.close()
        verdict = check(trial, client)
        _TABLE.add(request, trial.faults, verdict)
        assert verdict.accepted, "nothing was accepted: the test tested nothing"
        assert not (kept and verdict.problems), "\n".join(verdict.problems[:20])
        return verdict

    return run


@pytest.fixture
def judge_rows(request: pytest.FixtureRequest) -> JudgeOfRows:
    """Makes the test fail where the promise to a batch was not kept."""

    def run(trial: Trial, batch_id: str, told: Sequence[ToldRow], *, rows: int) -> Verdict:
        verdict = check_rows(trial, batch_id, told, rows=rows)
        _TABLE.add(request, trial.faults, verdict)
        assert not verdict.problems, "\n".join(verdict.problems[:20])
        return verdict

    return run


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Adds a line below the table."""
    return lambda line: _TABLE.add_note(request, line)


def pytest_runtest_setup() -> None:
    """Skip the tests of this folder where no network can be made."""
    if reason := why_not():
        pytest.skip(f"no machines between which to test: {reason}")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect the rows in the process that makes the table."""
    _TABLE.collect(report)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    _TABLE.print(terminalreporter)
