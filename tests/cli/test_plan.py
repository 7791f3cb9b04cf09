"""`customer-intake plan` computes what a load needs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final

import pytest
from click.testing import CliRunner

from cli.main import main
from cli.planning import measured_costs, plan
from cli.planning.capacity import BUSY, Demand, reckon

DEMAND: Final = Demand(
    signups_per_second=20,
    cores=2,
    hash_milliseconds=measured_costs.HASH_MILLISECONDS,
    reads_per_signup=1,
    backlog=10_000,
    result_ttl_seconds=86_400,
    events_kept_days=7,
)


def call(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["plan", *arguments])


def as_json(*arguments: str) -> Any:
    ended = call("--json", *arguments)
    assert ended.exit_code == 0, ended.output
    return json.loads(ended.stdout)


def test_a_load_below_what_the_cores_can_do_fits() -> None:
    assert reckon(DEMAND).fits


def test_a_load_above_what_the_cores_can_hash_does_not_fit_and_its_queue_never_drains() -> None:
    found = reckon(replace(DEMAND, signups_per_second=1000))
    assert not found.fits
    assert found.drain_seconds is None
    assert found.cores_needed > 2


def test_the_number_of_cores_that_the_plan_names_is_enough() -> None:
    found = reckon(replace(DEMAND, signups_per_second=1000))
    again = reckon(replace(DEMAND, signups_per_second=1000, cores=found.cores_needed))
    assert again.fits
    assert again.signups_per_second_with_room >= 1000


def test_one_core_less_than_the_plan_names_is_not_enough() -> None:
    found = reckon(replace(DEMAND, signups_per_second=1000))
    assert not reckon(replace(DEMAND, signups_per_second=1000, cores=found.cores_needed - 1)).fits


def test_the_cost_of_the_hash_limits_what_the_cores_can_do() -> None:
    found = reckon(DEMAND)
    assert found.signups_per_second_at_most < 2 * 1000 / DEMAND.hash_milliseconds
    assert found.signups_per_second_with_room == pytest.approx(BUSY * found.signups_per_second_at_most)


def test_twice_the_cores_can_do_twice_as_much() -> None:
    assert reckon(replace(DEMAND, cores=4)).signups_per_second_at_most == pytest.approx(
        2 * reckon(DEMAND).signups_per_second_at_most
    )


def test_a_machine_that_hashes_half_as_fast_does_everything_half_as_fast() -> None:
    slow = reckon(replace(DEMAND, hash_milliseconds=2 * DEMAND.hash_milliseconds))
    assert slow.signups_per_second_at_most == pytest.approx(reckon(DEMAND).signups_per_second_at_most / 2)


def test_a_backlog_is_worked_off_with_the_capacity_that_the_load_leaves() -> None:
    found = reckon(DEMAND)
    assert found.drain_seconds == pytest.approx(10_000 / (found.signups_per_second_at_most - 20))
    assert found.drain_seconds_alone == pytest.approx(10_000 / found.signups_per_second_at_most)


def test_hashes_and_processes_grow_with_the_load() -> None:
    few, many = reckon(DEMAND), reckon(replace(DEMAND, signups_per_second=20_000, cores=1000))
    assert (few.worker_processes, few.shim_processes, few.brokers) == (1, 1, 1)
    assert many.worker_processes * many.hashes_at_once >= 20_000 * DEMAND.hash_milliseconds / 1000
    assert many.shim_processes > 1
    assert many.memory_mib["workers"] > many.worker_processes * many.hashes_at_once * measured_costs.WORKER_HASH_MIB


def test_outcomes_need_memory_for_as_long_as_they_can_be_read() -> None:
    day, week = reckon(DEMAND), reckon(replace(DEMAND, result_ttl_seconds=7 * 86_400))
    assert week.redis_gib["outcomes"] == pytest.approx(7 * day.redis_gib["outcomes"])
    assert week.redis_gib["backlog"] == day.redis_gib["backlog"]


def test_events_need_memory_for_as_long_as_they_are_kept() -> None:
    plan = reckon(replace(DEMAND, signups_per_second=100))
    assert plan.redis_gib["events"] == pytest.approx(100 * 7 * 86_400 * 160 / 2**30)
    assert reckon(replace(DEMAND, events_kept_days=0)).redis_gib["events"] == 0


def test_the_json_has_the_demand_and_the_plan() -> None:
    document = as_json("--signups-per-second", "100", "--cores", "8", "--hash-milliseconds", "20")
    assert document["demand"]["cores"] == 8
    assert document["plan"]["fits"] is True
    assert set(document["plan"]["cores_busy"]) == {"hash", "worker", "shim", "redis", "mongodb"}


def test_a_person_is_told_whether_it_fits_and_how_the_queue_drains() -> None:
    ended = call("--signups-per-second", "1000", "--cores", "2", "--hash-milliseconds", "20")
    assert ended.exit_code == 0
    assert "does NOT fit" in ended.stdout
    assert "a backlog of 100,000 is worked off never while the load goes on" in ended.stdout


def test_one_process_is_told_as_one() -> None:
    ended = call("--signups-per-second", "1", "--cores", "2", "--hash-milliseconds", "20")
    assert ended.stdout.count("1 process, ") == 2


def test_the_cost_of_a_hash_is_measured_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "CALIBRATION_SECONDS", 0.01)
    document = as_json("--signups-per-second", "1", "--cores", "1")
    assert document["demand"]["hash_milliseconds"] > 0


@pytest.mark.parametrize("load", ["0", "-1", "many"])
def test_an_impossible_load_is_refused(load: str) -> None:
    assert call("--signups-per-second", load).exit_code == 2
