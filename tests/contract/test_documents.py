"""`/docs` and `/openapi.json`. They and `/metrics` can be switched off or moved to another port."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Final

import pytest

from local_stack.ports import free_port
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import httpx

    from tests.conftest import Environment, Starter
    from tests.contract.conftest import Serve
    from tests.contract.service import Service

BUNDLE: Final = "/docs/swagger-ui-bundle.js"


def _get(service: Service, path: str, **headers: str) -> httpx.Response:
    sent = {"accept-encoding": "identity", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return service.http.get(service.shim.url + path, headers=sent)


@pytest.mark.parametrize("path", [BUNDLE, "/docs", "/openapi.json"])
def test_a_document_is_compressed_for_a_client_that_takes_that(service: Service, path: str) -> None:
    plain = _get(service, path)
    with service.http.stream("GET", service.shim.url + path, headers={"accept-encoding": "br, gzip"}) as compressed:
        raw = b"".join(compressed.iter_raw())

    assert compressed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == compressed.headers["vary"] == "accept-encoding"
    assert plain.headers["etag"] != compressed.headers["etag"]
    assert path != BUNDLE or len(raw) < len(plain.content) / 3


@pytest.mark.parametrize("accepted", ["gzip;q=0", "br", "gzip; q=0.0, br", "x-gzip", ""])
def test_a_document_is_plain_for_a_client_that_does_not(service: Service, accepted: str) -> None:
    assert "content-encoding" not in _get(service, "/docs", accept_encoding=accepted).headers


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_a_client_that_has_a_document_is_not_sent_it_again(service: Service, form: str) -> None:
    etag = _get(service, BUNDLE).headers["etag"]

    again = _get(service, BUNDLE, if_none_match=form.format(etag))

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == etag
    assert _get(service, BUNDLE, if_none_match='"other"').status_code == 200


def test_the_page_cannot_be_framed_and_cannot_send_forms(service: Service) -> None:
    policy = dict(part.split(" ", 1) for part in _get(service, "/docs").headers["content-security-policy"].split("; "))

    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("frame-ancestors", "base-uri", "form-action")} == {"'none'"}


def test_head_tells_the_length_and_sends_nothing(service: Service) -> None:
    response = service.http.head(service.shim.url + BUNDLE)

    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["content-length"]) > 100_000


def test_documents_can_be_switched_off(isolated_env: Environment, start_shim: Starter, serve: Serve) -> None:
    service = serve(start_shim(isolated_env, INTAKE_DOCS="0"))

    for path in ("/docs", BUNDLE, "/openapi.json"):
        assert (response := service.get(path)).status_code == 404
        assert json.loads(response.content) == {"ok": False, "error": "not_found"}
    assert service.create().status_code == 202


@pytest.mark.parametrize("processes", ["1", "2"])
def test_metrics_can_have_a_port_of_their_own(
    isolated_env: Environment, start_shim: Starter, serve: Serve, processes: str
) -> None:
    port = free_port()
    service = serve(start_shim(isolated_env, INTAKE_METRICS_PORT=str(port), INTAKE_PROCESSES=processes))
    wait_until(lambda: service.shim.log().count("Application startup complete") == int(processes), what="all serve")
    service.create()

    apart = service.http.get(f"http://127.0.0.1:{port}/metrics")

    assert 'intake_accepts_total{result="accepted"} 1.0' in apart.text
    assert service.get("/metrics").status_code == 404
    for path in ("/healthz", "/docs", "/services/customer/v1/customer.create"):
        assert service.http.get(f"http://127.0.0.1:{port}{path}").status_code == 404
