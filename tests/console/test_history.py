"""The points of the chart: what a second's samples say, and nothing where nobody knows."""

from __future__ import annotations

from dataclasses import replace

from console.service.history import History, Point
from schemas.protocol.overview import Sample, UnitSample


def a_sample(second: float, *, accepted: int, finished: int = 0, waiting: int = 0) -> Sample:
    def unit(accepted: int, finished: int, waiting: int) -> UnitSample:
        return UnitSample(accepted=accepted, finished=finished, open=waiting, busy_since_milliseconds=None, busy_from=0)

    milliseconds = int(1000 * second)
    return Sample(
        place=f"{milliseconds}-0",
        at_milliseconds=milliseconds,
        signups=unit(accepted, finished, waiting),
        rows=unit(10 * accepted, 10 * finished, 10 * waiting),
    )


def test_a_point_has_the_rates_of_signups_and_rows_together() -> None:
    history = History()
    points = history.add([a_sample(1, accepted=0), a_sample(3, accepted=4, finished=2, waiting=2)])
    assert points == [Point(3.0, 22.0, 11.0, 22)]


def test_samples_that_are_known_give_no_further_point() -> None:
    history = History()
    samples = [a_sample(1, accepted=0), a_sample(2, accepted=1)]
    history.add(samples)
    assert history.add(samples) == []
    assert history.add([*samples, a_sample(3, accepted=1)]) == [Point(3.0, 0.0, 0.0, 0)]
    assert len(history.points) == 2


def test_after_a_gap_no_rate_is_known() -> None:
    points = History().add([a_sample(1, accepted=0), a_sample(100, accepted=99, waiting=1)])
    assert points == [Point(100.0, None, None, 11)]


def test_where_counting_began_anew_no_rate_is_known() -> None:
    points = History().add([a_sample(1, accepted=50), a_sample(2, accepted=0)])
    assert points == [Point(2.0, None, None, 0)]


def test_another_store_is_begun_with_anew() -> None:
    history = History()
    history.add([a_sample(100, accepted=0), a_sample(101, accepted=1)])
    history.forget()
    assert (history.place, history.points) == ("", [])
    assert history.add([a_sample(1, accepted=0), a_sample(2, accepted=1)]) == [Point(2.0, 11.0, 0.0, 0)]


def test_after_the_clock_was_set_back_points_above_the_new_time_go() -> None:
    history = History()
    history.add([a_sample(second, accepted=0) for second in (100, 101, 102, 103)])
    history.add([replace(a_sample(101.5, accepted=0), place="103000-1")])
    assert [point.at for point in history.points] == [101.0, 101.5]
