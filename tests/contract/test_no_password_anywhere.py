"""A password that was submitted can be read nowhere afterwards, whatever the outcome of its request."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING

import pytest

from schemas.batch.content import Mode
from schemas.protocol.keys import DEAD_KEY, OPEN_KEY
from schemas.sealing import generate_key_pair
from tests.contract.batch_client import BATCH, BatchClient, a_row, lines
from tests.contract.places import Places, forms_of
from tests.contract.service import RESULT, an_email
from tests.support.requests import a_password_hash, a_request, an_address, an_import, as_body
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from tests.conftest import Environment, Servers, Starter
    from tests.contract.conftest import Serve


TALKATIVE = {"INTAKE_LOG_LEVEL": "debug", "INTAKE_CELERY_REMOTE_CONTROL": "1"}
"""A worker that tells all that it can, in its log and to `celery inspect`."""


def _a_canary() -> str:
    """A password that no other request has."""
    return f"canary-{secrets.token_hex(12)}"


def test_the_search_finds_a_text_in_each_place(
    stack: Servers, isolated_env: Environment, start_shim: Starter, start_worker: Starter, serve: Serve
) -> None:
    """The other tests mean something only if this one passes."""
    marker = f"marker{secrets.token_hex(12)}"
    shim, worker = start_shim(isolated_env, INTAKE_LOG_LEVEL="debug"), start_worker(isolated_env, **TALKATIVE)
    service = serve(shim, worker)
    response = service.create({"prefer": "wait=20", "x-request-id": marker}, firstName=marker)
    assert response.json()["ok"] is True

    found = Places(service, stack, [shim, worker], [response.content]).holding(marker)

    # The outcome, which the client may read, has the first name. So the first name is in Redis and in its AOF.
    assert found == {"redis", "aof", "mongo files", "documents", "answers", "logs"}


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_the_search_finds_base64_and_hex(shift: int) -> None:
    text = f"secret-{secrets.token_hex(12)}"
    around = b"x" * shift + text.encode() + b"yz"

    assert any(form in base64.b64encode(around) for form in forms_of(text))
    assert any(form in around.hex().encode() for form in forms_of(text))


def test_a_password_is_nowhere_once_its_request_has_its_outcome(
    stack: Servers, isolated_env: Environment, start_shim: Starter, start_worker: Starter, serve: Serve
) -> None:
    canary = _a_canary()
    shim = start_shim(isolated_env, INTAKE_LOG_LEVEL="debug")
    worker = start_worker(isolated_env, **TALKATIVE)
    service = serve(shim, worker)
    document = a_request(email=an_email(), password=canary)
    bodies = [
        as_body(document),
        as_body(document | {"firstName": "Other"}),
        as_body(document | {"lastName": 1, canary[:3]: canary}),
        as_body(document | {"password": [canary]}),
        as_body(document | {"password": canary + "\0"}),
        as_body(document | {"password": canary * 60}),
        as_body(document | {"email": "no email"}),
        as_body(document | {"addresses": [an_address(country="XX")]}),
        as_body(document)[:-1],
        as_body(document).replace(b'"password"', b'"password": "x", "password"'),
        as_body(document)[:-1] + b', "x": "\\ud800"}',
    ]
    answers = [service.post(body, {"prefer": "wait=20"}) for body in bodies]
    answers += [service.post(bodies[0], {"idempotency-key": "a"}), service.post(bodies[1], {"idempotency-key": "a"})]
    answers += [service.post(bodies[0], {"content-type": "text/plain"}), service.post(bodies[0], path=RESULT)]
    answers.append(service.post(bodies[0], {"authorization": ""}))
    answers.append(service.get("/metrics"))
    service.wait_until_idle()

    assert [answer.status_code for answer in answers[:11]] == [200] * 8 + [400] * 3
    contents = [answer.content for answer in answers]
    assert Places(service, stack, [shim, worker], contents).holding(canary) == set()


def test_a_password_is_nowhere_while_its_task_waits(
    stack: Servers, isolated_env: Environment, start_shim: Starter, serve: Serve
) -> None:
    canary = _a_canary()
    shim = start_shim(isolated_env)
    service = serve(shim)
    response = service.create({"prefer": "wait=1"}, password=canary)
    with service.redis() as client:
        assert client.zcard(OPEN_KEY) == 1

    assert Places(service, stack, [shim], [response.content]).holding(canary) == set()


def test_a_password_is_nowhere_while_its_task_is_a_dead_letter(
    stack: Servers, isolated_env: Environment, start_shim: Starter, start_worker: Starter, serve: Serve
) -> None:
    canary = _a_canary()
    ring = {
        "INTAKE_SEALING_PRIVATE_KEYS": generate_key_pair().private_line,
        "INTAKE_SEALING_PRIVATE_KEYS_FILE": "",
        "INTAKE_UNREADABLE_WAIT_SECONDS": "0",
    }
    shim, worker = start_shim(isolated_env), start_worker(isolated_env, **ring, **TALKATIVE)
    service = serve(shim, worker)
    answers = [service.create({"prefer": "wait=1"}, password=canary)]
    with service.redis() as client:
        wait_until(lambda: client.zcard(DEAD_KEY) == 1, what="the task is a dead letter")
    answers.append(service.result(answers[0].json()["task"]["id"]))
    assert answers[1].status_code == 500

    contents = [answer.content for answer in answers]
    assert Places(service, stack, [shim, worker], contents).holding(canary) == set()


def test_a_password_in_a_batch_is_nowhere(
    stack: Servers, isolated_env: Environment, start_shim: Starter, start_worker: Starter, serve: Serve
) -> None:
    """Results are stored compressed, so the search reads the answers that show them."""
    canary = _a_canary()
    shim = start_shim(isolated_env, INTAKE_LOG_LEVEL="debug")
    client = BatchClient(serve(shim))
    row = a_row(password=canary)
    rows = [
        row,
        a_row(password=canary, lastName=1, **{canary[:3]: canary}),
        a_row(password=[canary]),
        a_row(password=canary * 60),
        a_row(password=canary, email="no email"),
        row[:-1],
        row.replace(b'"password"', b'"password": "x", "password"'),
        row + b" " + b"x" * 300_000,
    ]
    unreadable = lines(row, b'"\xff' + row)
    answers = [client.upload(body, mode=mode) for mode in Mode for body in (lines(*rows), unreadable)]
    assert [answer.status_code for answer in answers] == [202, 400] * 2
    waiting = Places(client.service, stack, [shim], [answer.content for answer in answers])
    assert waiting.holding(canary) == set()

    worker = start_worker(isolated_env, **TALKATIVE)
    for answer in list(answers):
        batch_id = answer.json()["batch"]["id"]
        answers += [client.result(batch_id), client.service.get(f"{BATCH}.rows", client.bearer, id=batch_id)]

    assert [answer.text.count("\n") for answer in answers[5::2]] == [8, 1] * 2
    worked = Places(client.service, stack, [shim, worker], [answer.content for answer in answers])
    assert worked.holding(canary) == set()


IMPORTERS = "customer:create customer:import"
"""The scopes of a caller that may import hashes."""


def test_an_imported_hash_is_nowhere_but_in_its_customer(
    stack: Servers, isolated_env: Environment, start_shim: Starter, start_worker: Starter, serve: Serve
) -> None:
    single, row, refused = a_password_hash(), a_password_hash(), a_password_hash()
    shim = start_shim(isolated_env, INTAKE_LOG_LEVEL="debug")
    worker = start_worker(isolated_env, **TALKATIVE)
    service = serve(shim, worker)
    may, client = service.bearer(scope=IMPORTERS), BatchClient(service, scope=IMPORTERS)
    document = an_import(refused, email=an_email())
    bodies = [
        as_body(an_import(single, email=an_email())),
        as_body(document | {"password": "x"}),
        as_body(document | {"lastName": 1, "tags": [1, refused]}),
        as_body(document | {"passwordHash": [refused]}),
        as_body(document | {"passwordHash": refused + "\0"}),
        as_body(document | {"passwordHash": refused * 9}),
        as_body(document | {"passwordHash": refused.rpartition("$")[2]}),
        as_body(document | {"passwordHash": refused.replace("$1000$", "$9$")}),
        as_body(document)[:-1],
    ]
    answers = [service.post(body, {"prefer": "wait=20", **may}) for body in bodies]
    answers.append(service.post(as_body(document)))
    rows = [as_body(an_import(row, email=an_email())), *bodies[1:], a_row()]
    answers.append(client.upload(lines(*rows), {"prefer": "wait=30"}))
    answers.append(BatchClient(service).upload(lines(as_body(document)), {"prefer": "wait=30"}))
    answers += [service.get(f"{BATCH}.rows", may, id=answer.json()["batch"]["id"]) for answer in answers[-2:]]
    service.wait_until_idle()

    assert [answer.status_code for answer in answers] == [200] * 8 + [400, 403] + [200] * 4
    places = Places(service, stack, [shim, worker], [answer.content for answer in answers])
    digests = [each.rpartition("$")[2] for each in (single, row, refused)]
    found = places.holding_each(*digests)
    assert [found[each] for each in digests] == [{"documents", "mongo files"}] * 2 + [set()]


@pytest.mark.slow
def test_a_fast_hash_that_is_wrapped_is_nowhere(
    stack: Servers, isolated_env: Environment, start_shim: Starter, start_worker: Starter, serve: Serve
) -> None:
    single, row, refused = (secrets.token_hex(16) for _ in range(3))
    shim = start_shim(isolated_env, INTAKE_LOG_LEVEL="debug")
    worker = start_worker(isolated_env, **TALKATIVE, INTAKE_WRAP_FAST_HASHES="true")
    service = serve(shim, worker)
    client = BatchClient(service, scope=IMPORTERS)
    bodies = [
        as_body(an_import(single, email=an_email())),
        as_body(an_import(f"{refused}:salt", email=an_email())),
        as_body(an_import(f"$digest$sha1${refused}", email=an_email())),
    ]
    answers = [service.post(body, {"prefer": "wait=20", **service.bearer(scope=IMPORTERS)}) for body in bodies]
    rows = [as_body(an_import(f"md5$pepper${row}", email=an_email())), *bodies[1:], a_row()]
    answers.append(client.upload(lines(*rows), {"prefer": "wait=30"}))
    answers.append(service.get(f"{BATCH}.rows", client.bearer, id=answers[-1].json()["batch"]["id"]))
    service.wait_until_idle()

    assert sum(each["password_hash"].startswith("$wrapped$") for each in service.customers()) == 2
    places = Places(service, stack, [shim, worker], [answer.content for answer in answers])
    assert list(places.holding_each(single, row, refused).values()) == [set()] * 3


@pytest.mark.slow
def test_an_imported_hash_is_nowhere_while_its_task_waits(
    stack: Servers, isolated_env: Environment, start_shim: Starter, serve: Serve
) -> None:
    single, row = a_password_hash(), a_password_hash()
    shim = start_shim(isolated_env)
    service = serve(shim)
    answers = [
        service.post(as_body(an_import(single)), service.bearer(scope=IMPORTERS)),
        BatchClient(service, scope=IMPORTERS).upload(lines(as_body(an_import(row, email=an_email())))),
    ]
    assert [answer.status_code for answer in answers] == [202, 202]

    places = Places(service, stack, [shim], [answer.content for answer in answers])
    found = places.holding_each(*(each.rpartition("$")[2] for each in (single, row)))
    assert list(found.values()) == [set(), set()]
