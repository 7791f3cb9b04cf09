"""A run of shims and a worker in which signups and batches succeed and are refused, recorded as Prometheus does."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

from local_stack.ports import free_port
from schemas.protocol.keys import QUEUE
from schemas.sealing import generate_key_pair
from tests.contract.batch_client import BatchClient, a_row, lines
from tests.contract.service import Service
from tests.deploy.monitoring.recording import FIRST_SCRAPE_AT, LAST_SCRAPE_AT, Recording
from tests.notifier.process import Notifying, to
from tests.support.receiver import a_receiver
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Environment, Starter

_LEFT_TO_OTHERS: Final = 'intake_tasks_deferred_total{reason="unknown_sealing_key"}'
_DELIVERED: Final = 'intake_webhook_events_total{ending="delivered",endpoint="crm"}'
_STATES: Final = "intake_webhook_endpoint_off{"


@pytest.fixture(scope="module")
def service(module_env: Environment, start_module_shim: Starter, start_module_worker: Starter) -> Iterator[Service]:
    """A shim and a worker that has a port for its metrics."""
    port = str(free_port())
    worker = start_module_worker(module_env, INTAKE_WORKER_METRICS_PORT=port, INTAKE_CELERY_EVENTS="1")
    running = Service(start_module_shim(module_env), worker)
    with running.http:
        yield running


@pytest.fixture(scope="module")
def with_other_key(
    module_env: Environment, start_module_shim: Starter, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A shim that seals to a key that the worker lacks, and takes one signup of each caller."""
    other_key: Path = tmp_path_factory.mktemp("monitoring") / "sealing-public-key"
    other_key.write_text(generate_key_pair().public_line)
    settings = {
        "INTAKE_PORT": str(free_port()),
        "INTAKE_SEALING_PUBLIC_KEY_FILE": str(other_key),
        "INTAKE_RATE_PER_SECOND": "0.001",
        "INTAKE_RATE_BURST": "1",
    }
    running = Service(start_module_shim(module_env, **settings))
    with running.http:
        yield running


@pytest.fixture(scope="module")
def without_copies(module_env: Environment, start_module_shim: Starter) -> Iterator[Service]:
    """A shim whose Redis has no replica, as it should have."""
    settings = {"INTAKE_PORT": str(free_port()), "INTAKE_REDIS_COPIES": "1", "INTAKE_REDIS_TIMEOUT_SECONDS": "0.4"}
    running = Service(start_module_shim(module_env, **settings))
    with running.http:
        yield running


@pytest.fixture(scope="module")
def notifier_url(
    module_env: Environment, start_module_notifier: Starter, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The root of a notifier's metrics. It sends events to a receiver that takes them."""
    port = str(free_port())
    file: Path = tmp_path_factory.mktemp("monitoring") / "endpoints.toml"
    notifying = Notifying(module_env, file, start_module_notifier)
    with a_receiver() as receiver, closing(notifying.client):
        notifying.begin(to(receiver), INTAKE_NOTIFIER_METRICS_PORT=port)
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def recording(notifier_url: str, service: Service, with_other_key: Service, without_copies: Service) -> Recording:
    """Two scrapes of every process, with the same work before each."""
    assert service.worker is not None
    worker_url = f"http://127.0.0.1:{service.worker.environment['INTAKE_WORKER_METRICS_PORT']}"
    targets = [
        *(("intake-shim", each.shim.url) for each in (service, with_other_key, without_copies)),
        ("intake-worker", worker_url),
        ("intake-notifier", notifier_url),
    ]
    recording = Recording()
    for number, at in enumerate((FIRST_SCRAPE_AT, LAST_SCRAPE_AT), start=1):
        delivered = _value(_metrics(service, notifier_url), _DELIVERED)
        _work(service)
        _be_refused(service)
        signed_in = with_other_key.bearer(sub=f"caller {number}")
        assert [with_other_key.create(signed_in).status_code for _ in range(2)] == [202, 429]
        assert without_copies.create().status_code == 503
        for shim, readiness in ((service, 200), (without_copies, 503)):
            assert shim.http.get(f"{shim.shim.url}/readyz").status_code == readiness
        _wait_for_more(_LEFT_TO_OTHERS, than=number - 1, url=worker_url, service=service)
        _wait_for_more(_DELIVERED, than=delivered, url=notifier_url, service=service)
        wait_until(
            lambda: _STATES in _metrics(service, notifier_url),
            timeout=60,
            what="the notifier tells the endpoints' states",
        )
        for job, url in targets:
            recording.add(_metrics(service, url), job=job, instance=url.removeprefix("http://"), at=at)
    return recording


def _wait_for_more(sample: str, *, than: float, url: str, service: Service) -> None:
    wait_until(lambda: _value(_metrics(service, url), sample) > than, timeout=60, what=f"{sample} has grown")


def _value(exposition: str, sample: str) -> float:
    lines = [line for line in exposition.splitlines() if line.startswith(f"{sample} ")]
    return float(lines[0].rpartition(" ")[2]) if lines else 0.0


def _metrics(service: Service, url: str) -> str:
    return service.http.get(f"{url}/metrics").text


def _work(service: Service) -> None:
    """Signups and rows that are stored, and some that are sent twice."""
    for _ in range(2):
        assert service.create({"prefer": "wait=20"}).status_code == 200
    for _ in range(2):
        assert service.create({"idempotency-key": "the-same"}, email="same@example.com").status_code == 202
    client = BatchClient(service)
    client.done(lines(a_row(), a_row(country="nowhere")))
    for _ in range(2):
        client.done(lines(a_row(email="batch@example.com")), name="the-same")


def _be_refused(service: Service) -> None:
    """Signups that break a rule, tokens that are not good, input that is no HTTP, and a message of somebody else."""
    assert not service.outcome({})["ok"]
    assert service.post(b"{").status_code == 400
    assert service.post(b"{}", {"authorization": "Bearer x"}).status_code == 401
    assert service.raw(b"no HTTP\r\n\r\n").startswith(b"HTTP/1.1 400")
    with service.redis() as client:
        client.lpush(QUEUE, b"not JSON")
