"""A million rows in one call."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from tests.contract.batch_client import BATCH, NDJSON, BatchClient
from tests.contract.service import an_email
from tests.support.requests import a_request, without

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.service import Service

ROWS: Final = 1_000_000
_BAD_EVERY: Final = 1000
HASH: Final = "$2b$10$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"
"""A hash that another system made. With it no row has to be hashed."""


def _body() -> Iterator[bytes]:
    document = without(a_request(), "password", "email") | {"passwordHash": HASH}
    end = json.dumps(document)[1:].encode()
    prefix = secrets.token_hex(4)
    for start in range(0, ROWS, _BAD_EVERY):
        emails = [f"{prefix}.{number}@example.com" for number in range(start + 1, start + _BAD_EVERY)]
        yield b"{}\n" + b"".join(b'{"email": "%b", %b\n' % (email.encode(), end) for email in emails)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_million_rows_each_get_their_own_outcome(service: Service) -> None:
    client = BatchClient(service, sub=an_email(), scope="customer:create customer:import")
    with httpx.Client(timeout=1200, trust_env=False) as http:
        headers = {"content-type": NDJSON, **client.bearer}
        accepted = http.post(f"{service.shim.url}{BATCH}?name=million", content=_body(), headers=headers).json()
        batch_id = accepted["batch"]["id"]
        assert accepted["batch"]["rows"] == ROWS

        told = failed = 0
        url = f"{service.shim.url}{BATCH}.rows?id={batch_id}&follow=true"
        with http.stream("GET", url, headers=client.bearer) as rows:
            for line in rows.iter_lines():
                told += 1
                assert line.startswith(f'{{"row":{told},"ok":')
                failed += line.startswith(f'{{"row":{told},"ok":false,"error":"validation_error"')

    bad = ROWS // _BAD_EVERY
    assert (told, failed) == (ROWS, bad)
    assert client.result(batch_id).json()["batch"]["outcomes"] == {"created": ROWS - bad, "validation_error": bad}
