"""The form of ids. A derived id depends on all that it is derived from, and on nothing else."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretBytes

from schemas.ids import TASK_ID_LENGTH, IdDeriver, is_task_id, new_task_id

IDS: Final = IdDeriver(SecretBytes(b"k" * 32))
OTHER_IDS: Final = IdDeriver(SecretBytes(b"l" * 32))
TEXT: Final = st.text(st.characters(codec="utf-8"), max_size=40)


def test_a_new_task_id_has_22_letters_and_digits_and_is_never_the_same() -> None:
    made = {new_task_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(is_task_id(task_id) for task_id in made)


@pytest.mark.parametrize(
    "text", ["", "a" * 21, "a" * 23, "a" * 21 + "-", "a" * 21 + "\n", "a" * 22 + "\n", "ä" * 22, "٣" * 22, " " * 22]
)
def test_a_text_of_another_form_is_no_task_id(text: str) -> None:
    assert not is_task_id(text)


@given(caller=TEXT, idempotency_key=TEXT)
def test_a_derived_task_id_has_the_form_of_any_other_and_is_the_same_each_time(
    caller: str, idempotency_key: str
) -> None:
    derived = IDS.task_id(caller=caller, idempotency_key=idempotency_key)
    assert is_task_id(derived)
    assert derived == IDS.task_id(caller=caller, idempotency_key=idempotency_key)
    assert derived != OTHER_IDS.task_id(caller=caller, idempotency_key=idempotency_key)


@given(text=TEXT.filter(bool), cut=st.integers(0, 40), other=st.integers(0, 40))
def test_it_matters_where_the_caller_ends_and_the_key_begins(text: str, cut: int, other: int) -> None:
    cut, other = cut % (len(text) + 1), other % (len(text) + 1)
    one = IDS.task_id(caller=text[:cut], idempotency_key=text[cut:])
    two = IDS.task_id(caller=text[:other], idempotency_key=text[other:])
    assert (one == two) == (cut == other)


def test_two_callers_with_the_same_characters_in_caller_and_key_have_two_tasks() -> None:
    assert IDS.task_id(caller="a", idempotency_key="bc") != IDS.task_id(caller="ab", idempotency_key="c")
    assert IDS.task_id(caller="a\x00", idempotency_key="b") != IDS.task_id(caller="a", idempotency_key="\x00b")


def test_customer_and_address_ids_are_short_and_need_no_quoting() -> None:
    customer_id = IDS.customer_id(task_id="t" * TASK_ID_LENGTH, fingerprint="f" * 22)
    address_ids = [IDS.address_id(customer_id=customer_id, position=position) for position in range(50)]
    assert len(customer_id) == 17
    assert customer_id.isascii()
    assert customer_id.isalnum()
    assert len(set(address_ids)) == 50
    assert all(len(one) == 11 and one.isascii() and one.isalnum() for one in address_ids)


def test_a_customers_id_depends_on_the_task_and_on_the_request() -> None:
    made = {IDS.customer_id(task_id=task, fingerprint=print_) for task in ("t1", "t2") for print_ in ("f1", "f2")}
    assert len(made) == 4
    assert IDS.customer_id(task_id="t1", fingerprint="f1") in made


def test_ids_of_different_kinds_are_never_equal() -> None:
    task = IDS.task_id(caller="a", idempotency_key="0")
    customer = IDS.customer_id(task_id="a", fingerprint="0")
    address = IDS.address_id(customer_id="a", position=0)
    assert not task.endswith(customer[1:])
    assert not task.endswith(address[1:])
    assert not customer.endswith(address[1:])


@given(one=st.binary(max_size=60), two=st.binary(max_size=60))
def test_two_bodies_have_the_same_fingerprint_only_where_they_are_equal(one: bytes, two: bytes) -> None:
    assert (IDS.fingerprint(one) == IDS.fingerprint(two)) == (one == two)


def test_a_fingerprint_cannot_be_computed_without_the_key() -> None:
    assert IDS.fingerprint(b"{}") != OTHER_IDS.fingerprint(b"{}")
    assert len(IDS.fingerprint(b"{}")) == 22
