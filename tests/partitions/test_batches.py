"""Machines die while a batch is uploaded and worked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.harness.batch_client import BatchClient
from tests.faults.harness.batch_rows import password_rows
from tests.partitions.harness.troubles import cases

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.partitions.conftest import JudgeOfRows
    from tests.partitions.harness.host import Host
    from tests.partitions.harness.site import Site, Trial


_ROWS: Final = 4_000
_STRUCK_AT: Final = 2_048

_WHO_DIES: Final[dict[str, Callable[[Site], Host]]] = {
    "a worker": lambda site: site.workers[0],
    "the other worker": lambda site: site.workers[1],
    "redis' primary": lambda site: site.redis.primary(),
    "mongodb's primary": lambda site: site.mongo.primary() or site.mongo.hosts[0],
}


@pytest.mark.parametrize("name", cases(_WHO_DIES, short=("a worker",)))
def test_a_machine_dies_in_mid_batch(trial: Trial, judge_rows: JudgeOfRows, name: str) -> None:
    """Half of the rows are sent. Some of these are worked, and the rest is sent while the machine is dead."""
    trial.site.forget_rows()
    dead: list[Host] = []

    def gate(sent: int) -> None:
        if sent >= _STRUCK_AT and not dead:
            dead.append(_WHO_DIES[name](trial.site))
            trial.faults += 1
            dead[0].die()

    client = BatchClient(trial, lambda: password_rows(_ROWS), name=trial.name)
    batch_id = client.upload(gate=gate)
    told = client.read(batch_id)
    trial.site.mend()

    assert dead
    judge_rows(trial, batch_id, told, rows=_ROWS)
