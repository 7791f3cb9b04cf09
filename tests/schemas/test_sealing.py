"""Only a worker can open an envelope, and only for the task that it was sealed for."""

from __future__ import annotations

import base64
import itertools
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import new_task_id
from schemas.sealing import (
    SENDER_KEY_SECONDS,
    KeyFormatError,
    KeyPair,
    Sealer,
    UnknownEnvelopeVersionError,
    UnknownSealingKeyError,
    Unsealer,
    UnsealError,
    generate_key_pair,
    parse_key_ring,
    parse_public_key,
    sealed_with,
)

if TYPE_CHECKING:
    from collections.abc import Callable

PAIR: Final = generate_key_pair()
OTHER_PAIR: Final = generate_key_pair()
TASK_ID: Final = new_task_id()
SENDER: Final = slice(5, 37)
"""Where the sender's public key stands in an envelope."""


def a_sealer(pair: KeyPair = PAIR, clock: Callable[[], float] = lambda: 0.0) -> Sealer:
    return Sealer(*parse_public_key(pair.public_line.encode()), clock=clock)


def an_unsealer(*pairs: KeyPair) -> Unsealer:
    return Unsealer(parse_key_ring("\n".join(pair.private_line for pair in pairs or (PAIR,)).encode()))


@given(body=st.binary(max_size=2000))
def test_a_sealed_body_is_the_same_when_it_is_opened(body: bytes) -> None:
    envelope = a_sealer().seal(task_id=TASK_ID, body=body)
    assert an_unsealer().unseal(task_id=TASK_ID, envelope=envelope) == body


def test_nothing_of_the_body_can_be_seen_in_the_envelope() -> None:
    envelope = a_sealer().seal(task_id=TASK_ID, body=b"canary" * 100)
    assert b"canary" not in envelope
    assert TASK_ID.encode() not in envelope


def test_the_same_body_sealed_twice_looks_different() -> None:
    sealer = a_sealer()
    assert sealer.seal(task_id=TASK_ID, body=b"{}") != sealer.seal(task_id=TASK_ID, body=b"{}")


def test_an_envelope_that_is_moved_to_another_task_does_not_open() -> None:
    envelope = a_sealer().seal(task_id=TASK_ID, body=b"{}")
    with pytest.raises(UnsealError, match="another task"):
        an_unsealer().unseal(task_id=new_task_id(), envelope=envelope)


def test_an_envelope_with_any_bit_flipped_does_not_open() -> None:
    envelope = a_sealer().seal(task_id=TASK_ID, body=b'{"a": 1}')
    unsealer = an_unsealer()
    # X25519 ignores the highest bit of a public key (RFC 7748, section 5), so this bit may be flipped.
    ignored = (SENDER.stop - 1, 7)
    for position, bit in itertools.product(range(len(envelope)), range(8)):
        if (position, bit) == ignored:
            continue
        flipped = bytearray(envelope)
        flipped[position] ^= 1 << bit
        with pytest.raises(UnsealError):
            unsealer.unseal(task_id=TASK_ID, envelope=bytes(flipped))


def test_an_envelope_that_is_cut_short_anywhere_does_not_open() -> None:
    envelope = a_sealer().seal(task_id=TASK_ID, body=b"{}")
    unsealer = an_unsealer()
    for length in range(len(envelope)):
        with pytest.raises(UnsealError):
            unsealer.unseal(task_id=TASK_ID, envelope=envelope[:length])


@given(envelope=st.binary(max_size=200) | st.binary(max_size=200).map(lambda rest: b"\x01" + rest))
def test_bytes_that_are_no_envelope_do_not_open(envelope: bytes) -> None:
    with pytest.raises(UnsealError):
        an_unsealer().unseal(task_id=TASK_ID, envelope=envelope)


def test_a_sender_key_of_a_small_order_does_not_open() -> None:
    envelope = bytearray(a_sealer().seal(task_id=TASK_ID, body=b"{}"))
    envelope[SENDER] = bytes(32)
    with pytest.raises(UnsealError):
        an_unsealer().unseal(task_id=TASK_ID, envelope=bytes(envelope))


def test_an_envelope_for_a_key_that_the_worker_lacks_names_the_key() -> None:
    envelope = a_sealer(OTHER_PAIR).seal(task_id=TASK_ID, body=b"{}")
    assert sealed_with(envelope) == OTHER_PAIR.key_id
    with pytest.raises(UnknownSealingKeyError, match=OTHER_PAIR.key_id):
        an_unsealer().unseal(task_id=TASK_ID, envelope=envelope)


def test_an_envelope_of_another_version_is_told_from_one_that_is_damaged() -> None:
    envelope = a_sealer().seal(task_id=TASK_ID, body=b"{}")
    with pytest.raises(UnknownEnvelopeVersionError):
        an_unsealer().unseal(task_id=TASK_ID, envelope=b"\x02" + envelope[1:])
    with pytest.raises(UnsealError) as caught:
        an_unsealer().unseal(task_id=TASK_ID, envelope=envelope[:-1])
    assert not isinstance(caught.value, UnknownEnvelopeVersionError)


def test_a_ring_opens_what_was_sealed_with_any_of_its_keys() -> None:
    unsealer = an_unsealer(PAIR, OTHER_PAIR)
    for pair in (PAIR, OTHER_PAIR):
        envelope = a_sealer(pair).seal(task_id=TASK_ID, body=b"{}")
        assert unsealer.unseal(task_id=TASK_ID, envelope=envelope) == b"{}"


def test_the_senders_key_is_renewed_after_its_time_and_older_envelopes_still_open() -> None:
    now = [0.0]
    sealer = a_sealer(clock=lambda: now[0])
    first = sealer.seal(task_id=TASK_ID, body=b"1")
    now[0] = SENDER_KEY_SECONDS - 0.001
    second = sealer.seal(task_id=TASK_ID, body=b"2")
    now[0] = SENDER_KEY_SECONDS
    third = sealer.seal(task_id=TASK_ID, body=b"3")
    assert first[SENDER] == second[SENDER] != third[SENDER]
    unsealer = an_unsealer()
    opened = [unsealer.unseal(task_id=TASK_ID, envelope=envelope) for envelope in (third, first, second)]
    assert opened == [b"3", b"1", b"2"]


def test_the_repr_of_a_key_pair_hides_the_private_line() -> None:
    assert PAIR.private_line not in repr(PAIR)
    assert PAIR.private_line.split(":")[1] not in repr(PAIR)
    assert PAIR.public_line in repr(PAIR)


def test_a_key_ring_ignores_blank_lines_and_comments() -> None:
    text = f"# of May\n\n{PAIR.private_line}\n   \n# of June\r\n{OTHER_PAIR.private_line}\r\n"
    assert set(parse_key_ring(text.encode())) == {PAIR.key_id, OTHER_PAIR.key_id}


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing here\n"])
def test_a_key_ring_without_a_key_is_a_fault(text: str) -> None:
    with pytest.raises(KeyFormatError, match="no key"):
        parse_key_ring(text.encode())


def test_a_public_key_where_private_ones_belong_is_a_fault() -> None:
    with pytest.raises(KeyFormatError, match="is it a public key"):
        parse_key_ring(PAIR.public_line.encode())


def test_a_private_key_where_the_public_one_belongs_is_a_fault_that_does_not_repeat_it() -> None:
    with pytest.raises(KeyFormatError, match="is it a private key") as caught:
        parse_public_key(PAIR.private_line.encode())
    assert PAIR.private_line.split(":")[1] not in str(caught.value)


ENCODED: Final = PAIR.private_line.split(":")[1]


@pytest.mark.parametrize(
    "line",
    [
        "secret",
        ENCODED,
        f":{ENCODED}",
        f"{PAIR.key_id}:",
        f"{PAIR.key_id} {ENCODED}",
        f"{PAIR.key_id}:{ENCODED[:-4]}",
        f"{PAIR.key_id}:{ENCODED}AAAA",
        f"{PAIR.key_id}:{ENCODED[:-1]}",
        f"{PAIR.key_id[:-2]}:{ENCODED}",
        f"zzzzzzzz:{ENCODED}",
        f"ääää:{ENCODED}",
        f"{PAIR.key_id}:!{ENCODED[1:]}",
        f"{PAIR.key_id}:{base64.b64encode(bytes(31)).decode()}",
    ],
    # The keys are new in each process, but all processes of a run must give the tests the same names.
    ids=[
        "a word",
        "no id",
        "an empty id",
        "no key",
        "a space",
        "cut by a group",
        "too long",
        "cut by a character",
        "a short id",
        "an id that is no number",
        "an id that is no ASCII",
        "a character that is none of base64",
        "a key that is too short",
    ],
)
@pytest.mark.parametrize("parse", [parse_public_key, parse_key_ring])
def test_a_line_that_is_no_key_is_a_fault_that_does_not_repeat_it(parse: Callable[[bytes], object], line: str) -> None:
    with pytest.raises(KeyFormatError) as caught:
        parse(line.encode())
    assert line not in str(caught.value)
    assert ENCODED[:8] not in str(caught.value)


def test_the_id_of_another_key_is_a_fault() -> None:
    with pytest.raises(KeyFormatError, match="does not belong to it"):
        parse_key_ring(f"{OTHER_PAIR.key_id}:{ENCODED}".encode())
