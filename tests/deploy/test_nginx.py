"""deploy/nginx.conf in front of a shim, with Debian's nginx and TLS. The shim's answers come through unchanged."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from local_stack.ports import free_port
from local_stack.process import ManagedProcess
from tests.contract.service import CREATE, RESULT, Service, an_email
from tests.deploy.test_compose import ROOT
from tests.support.certificates import write_certificate
from tests.support.requests import a_request, as_body
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Environment, Starter

NGINX: Final = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CONFIGURATION: Final = (ROOT / "deploy" / "nginx.conf").read_text()

if NGINX is None and not os.environ.get("CI"):
    pytest.skip("there is no nginx here (Debian: apt-get install nginx-light)", allow_module_level=True)


def for_this_machine(folder: Path, *, shim: str, tls: int, plain: int) -> str:
    """The file with the ports and paths of this machine."""
    changes = {
        "pid /run/nginx.pid;": f"pid {folder}/nginx.pid;\ndaemon off;",
        "/var/log/nginx/": f"{folder}/",
        "/etc/nginx/tls/": f"{folder}/",
        "listen 443 ": f"listen 127.0.0.1:{tls} ",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "server_name signups.example.com;": "server_name localhost;",
        "server 127.0.0.1:3005;": f"server 127.0.0.1:{shim};",
        "worker_processes auto;": "worker_processes 1;",
        "http {": "http {\n"
        + "".join(
            f"  {name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        ),
    }
    text = CONFIGURATION
    for before, after in changes.items():
        assert before in text, before
        text = text.replace(before, after)
    return text


@pytest.fixture(scope="module")
def behind(
    module_env: Environment,
    start_module_shim: Starter,
    start_module_worker: Starter,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Service, int]]:
    """A service whose clients come through nginx, and the port of nginx without TLS."""
    assert NGINX is not None, "CI has to have nginx: see .ci/run"
    folder = tmp_path_factory.mktemp("nginx")
    write_certificate(folder / "fullchain.pem", folder / "privkey.pem")
    shim, worker = start_module_shim(module_env), start_module_worker(module_env)
    tls, plain = free_port(), free_port()
    (folder / "nginx.conf").write_text(
        for_this_machine(folder, shim=module_env["INTAKE_PORT"], tls=tls, plain=plain), encoding="utf-8"
    )
    command = [NGINX, "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    nginx = ManagedProcess("nginx", command, log_path=folder / "output.log")
    nginx.start()
    trusted = ssl.create_default_context(cafile=folder / "fullchain.pem")
    url = f"https://localhost:{tls}"
    with httpx.Client(verify=trusted, timeout=30, trust_env=False, base_url=url) as client:

        def answers() -> bool:
            assert nginx.alive, nginx.log_tail() + (folder / "error.log").read_text()
            try:
                return client.get("/docs").status_code == 200
            except httpx.TransportError:
                return False

        try:
            wait_until(answers, timeout=20, what="nginx answers")
            yield Service(shim, worker, client), plain
        finally:
            nginx.kill()


def _post(service: Service, body: bytes, **headers: str) -> httpx.Response:
    sent = {"content-type": "application/json", **service.bearer(), **headers}
    return service.http.post(CREATE, content=body, headers=sent)


def test_a_signup_goes_through_with_its_request_id(behind: tuple[Service, int]) -> None:
    service, _ = behind

    response = _post(service, as_body(a_request(email=an_email())), prefer="wait=20", **{"x-request-id": "by-nginx"})

    assert (response.status_code, response.json()["ok"]) == (200, True)
    assert response.headers["x-request-id"] == "by-nginx"
    assert response.headers["strict-transport-security"]
    wait_until(lambda: "by-nginx" in service.shim.log(), what="the shim has the same id")


def test_the_result_is_at_the_location_that_the_answer_gives(behind: tuple[Service, int]) -> None:
    service, _ = behind
    accepted = _post(service, as_body(a_request(email=an_email())))

    response = service.http.get(f"{accepted.headers['location']}&wait=20", headers=service.bearer())

    assert accepted.headers["location"].startswith(RESULT)
    assert response.json()["customer"]["id"]


def test_the_largest_body_is_taken_and_a_larger_one_refused_in_json(behind: tuple[Service, int]) -> None:
    service, _ = behind
    body = as_body(a_request(email=an_email()))

    assert _post(service, body.ljust(256 * 1024)).status_code == 202
    refused = _post(service, body.ljust(300 * 1024))
    assert (refused.status_code, refused.json()["error"]) == (413, "payload_too_large")


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz", "/", "/services", "/metrics%0a"])
def test_paths_that_are_not_for_clients_cannot_be_reached(behind: tuple[Service, int], path: str) -> None:
    service, _ = behind

    response = service.http.get(path)

    assert (response.status_code, response.json()["error"]) == (404, "not_found")


def test_a_password_without_tls_is_not_passed_on(behind: tuple[Service, int]) -> None:
    service, plain = behind

    response = httpx.post(f"http://127.0.0.1:{plain}{CREATE}", content=b"{}", headers=service.bearer(), trust_env=False)

    assert response.status_code == 403


def test_it_speaks_http_2(behind: tuple[Service, int]) -> None:
    service, _ = behind
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    port = service.http.base_url.port or 0
    with socket.create_connection(("127.0.0.1", port), 10) as raw, context.wrap_socket(raw) as wrapped:
        assert wrapped.selected_alpn_protocol() == "h2"


def test_no_batch_is_kept_in_nginx() -> None:
    (batch,) = re.findall(r"location ~ [^\n]*batch \{(.*?)\n    \}", CONFIGURATION, re.DOTALL)

    assert {"proxy_request_buffering off;", "proxy_buffering off;", "client_max_body_size 0;"} <= {
        line.strip() for line in batch.splitlines()
    }
