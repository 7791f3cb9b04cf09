"""What a variable of the environment may hold. A fault never repeats its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startup.environment import EnvironmentReader, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

CANARY = "canary-of-a-secret-in-the-wrong-variable"


@pytest.mark.parametrize("value", ["1", "true", "YES", "On"])
def test_a_flag_can_be_set(value: str) -> None:
    assert EnvironmentReader({"INTAKE_X": value}).flag("X")


@pytest.mark.parametrize("value", ["0", "false", "NO", "Off", ""])
def test_a_flag_can_be_unset(value: str) -> None:
    reader = EnvironmentReader({"INTAKE_X": value})
    assert not reader.flag("X")
    reader.check()


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "0.4", "10.1", "soon", "1s"])
def test_a_duration_is_a_number_of_seconds_within_its_bounds(value: str) -> None:
    reader = EnvironmentReader({"INTAKE_X": value})
    assert reader.seconds("X", 2, minimum=0.5, maximum=10) == 2
    assert reader.faults == ["INTAKE_X must be a number of seconds from 0.5 to 10"]


@pytest.mark.parametrize("quoted", ['"5"', "'5'"])
def test_quotes_that_were_left_around_a_value_are_the_one_fault(quoted: str) -> None:
    reader = EnvironmentReader({"INTAKE_X": quoted})
    reader.text("X")
    reader.integer("X", 1, minimum=0, maximum=9)
    assert reader.faults == ["INTAKE_X must not have quotes around it"] * 2


@pytest.mark.parametrize("value", ['"', 'a"', "it's", '"a" and "b'])
def test_quotes_elsewhere_are_part_of_a_value(value: str) -> None:
    reader = EnvironmentReader({"INTAKE_X": value})
    assert reader.text("X") == value
    reader.check()


READINGS: list[Callable[[EnvironmentReader], Any]] = [
    lambda reader: reader.flag("X"),
    lambda reader: reader.integer("X", 1, minimum=0, maximum=9),
    lambda reader: reader.seconds("X", 1, minimum=0, maximum=9),
    lambda reader: reader.choice("X", ("a", "b"), "a"),
    lambda reader: reader.secret("X", minimum_bytes=1000),
]


@given(value=st.text(st.characters(exclude_characters="\x00"), max_size=50), reading=st.sampled_from(READINGS))
def test_any_value_is_read_or_is_a_fault_that_does_not_repeat_it(
    value: str, reading: Callable[[EnvironmentReader], Any]
) -> None:
    reader = EnvironmentReader({"INTAKE_X": f"{CANARY}{value}"})
    reading(reader)
    with pytest.raises(SettingsError) as caught:
        reader.check()
    assert "INTAKE_X " in str(caught.value)
    assert CANARY not in str(caught.value)
