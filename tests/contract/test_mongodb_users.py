"""With a MongoDB that asks for TLS, the role of docs/operations.md suffices, and more is refused."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from local_stack.service_process import WORKER, service_process
from startup.broker import tls_faults
from tests.contract.batch_client import BatchClient, a_row, lines
from tests.contract.service import an_email
from tests.support.certificates import Authority
from tests.support.guarded_mongo import DATABASE, PASSWORD, USER, GuardedMongo, guarded_mongo, one_file
from tests.support.waiting import wait_until
from worker.customer.customers import MongoCustomers
from worker.dependencies.errors import MisconfiguredError
from worker.dependencies.mongo_errors import EMAIL_INDEX
from worker.dependencies.mongo_tls import ADVICE, TLS_FAILED, MongoTls, ask_why

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pymongo.database import Database

    from tests.conftest import Environment, Servers, Starter
    from tests.contract.conftest import Serve
    from tests.support.certificates import Issued


@pytest.fixture(scope="module")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedMongo]:
    folder = tmp_path_factory.mktemp("guarded_mongo")
    authority = Authority(folder / "authority")
    with guarded_mongo(folder / "server", authority, authority.issue("server")) as running:
        yield running


@pytest.fixture
def environment(isolated_env: Environment, mongo: GuardedMongo) -> Environment:
    return {**isolated_env, "INTAKE_MONGODB_URI": mongo.uri(), "INTAKE_MONGODB_DATABASE": DATABASE}


def test_signups_batches_and_validation_work(
    environment: Environment, mongo: GuardedMongo, start_shim: Starter, start_worker: Starter, serve: Serve
) -> None:
    worker = start_worker(environment)
    service = serve(start_shim(environment), worker)
    caller, email, twice = BatchClient(service, sub=an_email()), an_email(), an_email()

    created = service.create({"prefer": "wait=20"}, email=email)
    again = service.create({"prefer": "wait=20"}, email=email)
    batch = caller.done(lines(*(a_row() for _ in range(50)), a_row(email=email)))
    validated = caller.done(lines(a_row(email=twice), a_row(email=twice), a_row(email=email)), mode="validate")

    assert created.json()["ok"] is True
    assert again.json()["error"] == "duplicate_key"
    assert batch["outcomes"] == {"created": 50, "duplicate_key": 1}
    assert sum(validated["outcomes"].values()) == 3
    assert "dependency_refuses" not in worker.log()
    with mongo.as_root() as client:
        assert client[DATABASE]["customers"].index_information()[EMAIL_INDEX]["unique"] is True
        assert client[DATABASE]["customers"].count_documents({}) == 51


REFUSED: Final[dict[str, Callable[[Database[dict[str, Any]]], object]]] = {
    "update": lambda database: database["customers"].update_one({}, {"$set": {"lastName": "Other"}}),
    "remove": lambda database: database["customers"].delete_many({}),
    "drop": lambda database: database["customers"].drop(),
    "dropIndex": lambda database: database["customers"].drop_index(EMAIL_INDEX),
    "collMod": lambda database: database.command("collMod", "customers", validator={}),
    "rename": lambda database: database["customers"].rename("others"),
    "listCollections": lambda database: database.command("listCollections"),
    "dropDatabase": lambda database: database.command("dropDatabase"),
    "another collection": lambda database: database["others"].insert_one({}),
    "read another collection": lambda database: database["others"].find_one(),
    "another database": lambda database: database.client["others"]["customers"].insert_one({}),
    "read another database": lambda database: database.client["others"]["customers"].find_one(),
    "users": lambda database: database.client.admin.command("usersInfo", 1),
    "make a user": lambda database: database.client.admin.command("createUser", "x", pwd="x", roles=["root"]),
    "shut down": lambda database: database.client.admin.command("shutdown"),
}
"""What the role does not allow."""


@pytest.mark.parametrize("what", REFUSED)
def test_more_is_refused(mongo: GuardedMongo, what: str) -> None:
    with MongoClient[dict[str, Any]](mongo.uri()) as client:
        with pytest.raises(OperationFailure) as caught:
            REFUSED[what](client[DATABASE])
        assert caught.value.code == 13


def _told(uri: str) -> tuple[str, str]:
    """The code of what is told with this URI, and what it concerns."""
    with MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=1500) as client:
        customers = MongoCustomers(client, database=DATABASE, tls=MongoTls.of(uri))
        with pytest.raises(MisconfiguredError) as caught:
            customers.prepare()
        assert PASSWORD not in str(caught.value) + caught.value.advice
        return caught.value.code, caught.value.concerns


def test_what_is_wrong_with_tls_is_told_by_name(mongo: GuardedMongo, tmp_path: Path) -> None:
    trusted = f"&tls=true&tlsCAFile={mongo.authority.certificate}"
    another = Authority(tmp_path, "another")
    foreign = one_file(another.issue("foreign"))
    assert _told(mongo.uri(tls=trusted)) == (TLS_FAILED, tls_faults.CLIENT_MISSING)
    assert _told(mongo.uri(tls=f"{trusted}&tlsCertificateKeyFile={foreign}")) == (TLS_FAILED, tls_faults.CLIENT_REFUSED)
    assert _told(mongo.uri(tls="")) == (TLS_FAILED, tls_faults.TLS_NEEDED)
    unknown = f"&tls=true&tlsCAFile={another.certificate}"
    assert _told(mongo.uri(tls=unknown)) == (TLS_FAILED, tls_faults.UNKNOWN_CA)


def test_a_server_without_tls_is_told(stack: Servers, mongo: GuardedMongo) -> None:
    uri = f"{stack.mongo.uri}&tls=true&tlsCAFile={mongo.authority.certificate}"
    assert _told(uri) == (TLS_FAILED, tls_faults.NO_TLS)


@contextmanager
def _shows(certificate: Issued) -> Iterator[int]:
    """A port where whoever connects is shown this certificate. MongoDB itself does not start with one out of date."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)

    def show(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError), context.wrap_socket(connection, server_side=True):
            pass

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=show, args=(listening,))
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


@pytest.mark.parametrize(
    ("host", "days", "told"),
    [
        ("localhost", (-3, -1), tls_faults.EXPIRED),
        ("localhost", (1, 3), tls_faults.NOT_YET_VALID),
        ("elsewhere.example.com", (-1, 1), tls_faults.WRONG_HOST),
    ],
)
def test_what_is_wrong_with_the_servers_certificate_is_told(
    tmp_path: Path, host: str, days: tuple[int, int], told: str
) -> None:
    authority = Authority(tmp_path)
    with _shows(authority.issue("server", host=host, days=days)) as port:
        assert ask_why([("127.0.0.1", port)], MongoTls(tls=True, ca_file=str(authority.certificate))) == told


@pytest.mark.parametrize("fault", ["a wrong password", "a user that is not there"])
def test_a_user_who_cannot_sign_in_is_told(mongo: GuardedMongo, fault: str) -> None:
    uri = mongo.uri(password="wrong") if fault == "a wrong password" else mongo.uri("nobody")
    assert _told(uri)[0] == "AuthenticationFailed"


def test_a_worker_tells_why_and_works_on_nothing(environment: Environment, mongo: GuardedMongo, tmp_path: Path) -> None:
    trusted = f"&tls=true&tlsCAFile={mongo.authority.certificate}"
    environment = {
        **environment,
        "INTAKE_MONGODB_URI": mongo.uri(tls=trusted),
        "INTAKE_WORKER_HEALTH_FILE": str(tmp_path / "health"),
    }
    worker = service_process("worker", WORKER, environment, log_path=tmp_path / "log")
    worker.start()
    try:
        wait_until(lambda: worker.has_logged(tls_faults.CLIENT_MISSING), timeout=60, what="the worker says why")
        assert TLS_FAILED in worker.log_path.read_text()
        assert PASSWORD not in worker.log_path.read_text()
    finally:
        worker.kill()


def test_of_a_server_that_is_as_asked_for_nothing_is_told(mongo: GuardedMongo, stack: Servers) -> None:
    assert ask_why([("127.0.0.1", mongo.member.port)], MongoTls.of(mongo.uri(USER))) is None
    assert ask_why([("127.0.0.1", stack.mongo.members[0].port)], MongoTls.of(stack.mongo.uri)) is None


def test_each_fault_has_its_advice() -> None:
    assert set(ADVICE) == set(tls_faults.SENTENCES)
