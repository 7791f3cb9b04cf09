"""Places for viewers: a bound for all, and none that one operator alone can use up."""

from __future__ import annotations

from console.service.seats import Seats


def test_there_are_so_many_places_and_no_more() -> None:
    seats = Seats(most=2)
    first = seats.take("olga")
    assert first is not None
    assert seats.take("olga") is not None
    assert seats.take("olga") is None
    seats.leave(first)
    assert seats.take("olga") is not None
    assert len(seats) == 2


def test_whoever_has_most_places_gives_the_oldest_to_one_who_has_fewer() -> None:
    seats = Seats(most=4)
    many = [seats.take("greedy") for _ in range(4)]
    ours = seats.take("olga")
    assert ours is not None
    assert [each is not None and each in seats for each in many] == [False, True, True, True]
    assert seats.take("greedy") is None
    assert ours in seats


def test_operators_who_have_as_many_take_no_place_from_each_other() -> None:
    seats = Seats(most=4)
    for name in ("olga", "olga", "piotr", "piotr"):
        seats.take(name)
    assert seats.take("olga") is None
    assert seats.take("piotr") is None
    assert seats.take("third") is not None


def test_a_place_that_was_taken_away_is_given_back_once() -> None:
    seats = Seats(most=2)
    lost, _ = seats.take("greedy"), seats.take("greedy")
    assert lost is not None
    seats.take("olga")
    seats.leave(lost)
    assert len(seats) == 2
