"""The console behind Debian's nginx with TLS, by the lines of docs/console.md and nothing else that nginx lacks."""

from __future__ import annotations

import os
import re
import shutil
import ssl
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from local_stack.ports import free_port
from local_stack.process import ManagedProcess
from schemas.overseeing import OPERATE_SCOPE
from tests.console.client import OWN_HEADER, Console
from tests.support.certificates import write_certificate
from tests.support.tokens import token
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

NGINX: Final = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
DOCUMENT: Final = (Path(__file__).parents[2] / "docs" / "console.md").read_text()

SECURE_COOKIE: Final = "__Host-intake-console"
NAME: Final = "console.example.com"
EVENTS: Final = 4
"""So many looks may be on their way when an operator acts, and not more."""

if NGINX is None and not os.environ.get("CI"):
    pytest.skip("there is no nginx here (Debian: apt-get install nginx-light)", allow_module_level=True)


def _configuration(folder: Path, console: Console, *, documented: int, without_host: int) -> str:
    """Nginx as it is by default, once with the documented lines and once without the header of them."""
    (lines,) = re.findall(r"```nginx\n(.*?)```", DOCUMENT, re.DOTALL)
    lines = lines.replace("http://127.0.0.1:3006", console.url)
    (header,) = re.findall(r"\n *proxy_set_header [^\n]+", lines)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return f"""
        pid {folder}/nginx.pid;
        daemon off;
        events {{}}
        http {{
          {"".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)}
          access_log off;
          gzip on;
          ssl_certificate {folder}/certificate.pem;
          ssl_certificate_key {folder}/key.pem;
          server {{ listen 127.0.0.1:{documented} ssl; {lines} }}
          server {{ listen 127.0.0.1:{without_host} ssl; {lines.replace(header, "")} }}
        }}"""


@pytest.fixture(scope="module")
def urls(module_console: Console, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Path]]:
    """The console by the documented lines, and without the header; and the certificate."""
    assert NGINX is not None, "CI has to have nginx: see .ci/run"
    folder = tmp_path_factory.mktemp("nginx")
    certificate = folder / "certificate.pem"
    write_certificate(certificate, folder / "key.pem")
    documented, without_host = free_port(), free_port()
    text = _configuration(folder, module_console, documented=documented, without_host=without_host)
    (folder / "nginx.conf").write_text(text)
    command = [NGINX, "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    nginx = ManagedProcess("nginx", command, log_path=folder / "output.log")
    nginx.start()
    try:
        with _browser(f"https://localhost:{documented}", certificate) as http:

            def answers() -> bool:
                assert nginx.alive, nginx.log_tail() + (folder / "error.log").read_text()
                try:
                    return http.get("/healthz").status_code == 200
                except httpx.TransportError:
                    return False

            wait_until(answers, what="nginx answers")
        yield f"https://localhost:{documented}", f"https://localhost:{without_host}", certificate
    finally:
        nginx.kill()


def _browser(url: str, certificate: Path, **headers: str) -> httpx.Client:
    trusted = ssl.create_default_context(cafile=certificate)
    return httpx.Client(
        verify=trusted, trust_env=False, timeout=30, base_url=url, headers={"accept-encoding": "gzip", **headers}
    )


def _log_in(http: httpx.Client, console: Console, *, origin: str) -> httpx.Response:
    bearer = token(console.running.environment, sub="olga", scope=OPERATE_SCOPE)
    headers = {"authorization": f"Bearer {bearer}", "origin": origin, "sec-fetch-site": "same-origin"}
    return http.post("/api/session", headers={**OWN_HEADER, **headers})


def test_by_the_documented_lines_an_operator_logs_in_looks_and_acts(
    urls: tuple[str, str, Path], module_console: Console
) -> None:
    url, _, certificate = urls
    # As a browser that has the page at this name, with a port that is not that of TLS.
    own = f"{NAME}:{httpx.URL(url).port}"
    with _browser(url, certificate, host=own) as http:
        cookie = _log_in(http, module_console, origin=f"https://{own}").headers["set-cookie"]
        assert cookie.startswith(f"{SECURE_COOKIE}=")
        assert cookie.endswith("; Secure")
        headers = {**OWN_HEADER, "cookie": cookie.partition(";")[0], "origin": f"https://{own}"}
        assert http.post("/api/pause", json={"what": "nothing"}, headers=headers).json()["ok"] is True
        foreign = {**headers, "origin": f"https://{NAME}"}
        assert http.post("/api/pause", json={"what": "nothing"}, headers=foreign).status_code == 403
        with _browser(url, certificate, host=own) as acting, http.stream("GET", "/api/live", headers=headers) as stream:
            looks = (line for line in stream.iter_lines() if '"paused":' in line)
            assert '"paused":{"what":"nothing"' in next(looks)
            acting.post("/api/pause", json={"what": "batches"}, headers=headers)
            # nginx would hold events back until it had some ten of them, of which all but the last would be old.
            assert any('"paused":{"what":"batches"' in look for look in islice(looks, EVENTS))
            acting.post("/api/pause", json={"what": "nothing"}, headers=headers)


def test_a_proxy_that_does_not_pass_on_the_host_is_named(urls: tuple[str, str, Path], module_console: Console) -> None:
    _, url, certificate = urls
    with _browser(url, certificate) as http:
        response = _log_in(http, module_console, origin=url)
    assert (response.status_code, response.json()["error"]) == (403, "foreign_page")
    assert "foreign_page: " in (Path(__file__).parents[2] / "console" / "page" / "main.js").read_text()
