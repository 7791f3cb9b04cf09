"""Compares the outcomes that a client got for rows with the stored customers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from schemas.protocol.batch_keys import chunks_key
from schemas.protocol.keys import record_key
from tests.faults.harness.balance import find_imbalance
from tests.faults.harness.batch_rows import DOMAIN, email_of
from tests.faults.harness.history import Verdict, find_canary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.harness.batch_client import ToldRow
    from tests.faults.harness.service_under_test import ServiceUnderTest

_IN: Final = frozenset({"created", "repeated"})


def check_rows(service: ServiceUnderTest, batch_id: str, told: Sequence[ToldRow], *, rows: int) -> Verdict:
    """Of the rows 1 to `rows` each must have one outcome, in order, and exactly one customer, which it names.

    Args:
        service: where the batch ran.
        batch_id: a batch with all rows.
        told: the rows as the client got them.
        rows: how many there are.
    """
    problems: list[str] = []
    numbers = [row.row for row in told]
    if numbers != list(range(1, rows + 1)):
        problems.append(f"{len(numbers)} rows were told, of {rows}, or not in the order of lines")
    outcomes = {row.row: row for row in told}
    lost = [number for number in range(1, rows + 1) if number not in outcomes or outcomes[number].outcome not in _IN]
    problems += [f"row {number} has the outcome {outcomes.get(number)}" for number in lost]
    told_twice = [number for number, times in Counter(numbers).items() if times > 1]

    stored = [each for each in service.customers() if each["email"].endswith(f"@{DOMAIN}")]
    by_email = {each["email"]: each for each in stored}
    stored_twice = [email for email, times in Counter(each["email_key"] for each in stored).items() if times > 1]
    for number, row in outcomes.items():
        document = by_email.pop(email_of(number), None)
        if document is None:
            problems.append(f"the customer of row {number} is not stored")
        elif (document["_id"], document["firstName"]) != (row.customer_id, f"Row {number}"):
            problems.append(f"row {number} names another customer than the one that is stored")
    problems += [f"{email} is stored twice" for email in stored_twice]
    problems += [f"{email} is stored and nobody was told" for email in by_email]
    problems += find_canary(service)
    problems += find_imbalance(service)
    return Verdict(
        accepted=rows,
        outcomes=rows - len(lost),
        lost=len(lost),
        doubled=len(told_twice) + len(stored_twice),
        resends=resends_of(service, batch_id),
        problems=tuple(problems),
        waits=(),
    )


def chunk_records(service: ServiceUnderTest, batch_id: str) -> list[dict[str, bytes]]:
    """The records of the batch's chunks, in the order of lines."""
    with service.redis_client() as client:
        listings = client.zrange(chunks_key(batch_id), 0, -1)
        assert isinstance(listings, list)
        ids = [listing.decode().split(" ")[1] for listing in listings]
        records = [client.hgetall(record_key(chunk_id)) for chunk_id in ids]
    return [{name.decode(): value for name, value in record.items()} for record in records]


def resends_of(service: ServiceUnderTest, batch_id: str) -> int:
    """How often a sweep sent a chunk of the batch again."""
    return sum(int(record["sends"]) - 1 for record in chunk_records(service, batch_id))
