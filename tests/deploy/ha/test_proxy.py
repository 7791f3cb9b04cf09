"""deploy/ha/nginx.sh with Debian's nginx in front of two shims. One of them dies, and no client notices."""

from __future__ import annotations

import os
import ssl
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from local_stack.ports import free_port
from local_stack.process import ManagedProcess
from tests.contract.service import CREATE, an_email
from tests.deploy.test_compose import ROOT
from tests.deploy.test_nginx import NGINX, for_this_machine
from tests.support.certificates import write_certificate
from tests.support.requests import a_request
from tests.support.tokens import token
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from tests.conftest import Environment, Starter

SCRIPT: Final = (ROOT / "deploy/ha/nginx.sh").read_text()
"""What starts nginx."""


def _script(folder: Path, configuration: Path, made: Path) -> str:
    """The script with the paths of this machine, and with what nginx prints before it has read its configuration."""
    text = SCRIPT
    changes = {
        "/etc/nginx/intake.conf": str(configuration),
        "/tmp/nginx.conf": str(made),  # noqa: S108 - of the container
        "exec nginx": f"exec nginx -e {folder}/error.log -p {folder}",
    }
    for before, after in changes.items():
        assert before in text, before
        text = text.replace(before, after)
    return text


def test_both_shims_are_in_the_configuration_and_nothing_else_is_changed(tmp_path: Path) -> None:
    original = ROOT / "deploy" / "nginx.conf"
    nginx = tmp_path / "nginx"
    nginx.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    nginx.chmod(0o755)
    made = tmp_path / "made"

    done = subprocess.run(
        ["sh", "-c", _script(tmp_path, original, made), "nginx.sh", "shim-1:3005", "shim-2:3005"],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )

    assert done.stdout.splitlines()[-4:] == ["-c", str(made), "-g", "daemon off;"]
    assert made.read_text() == original.read_text().replace(
        "server 127.0.0.1:3005;", " server shim-1:3005; server shim-2:3005;"
    )


def test_the_death_of_one_shim_is_hidden_from_clients(
    module_env: Environment, start_module_shim: Starter, tmp_path: Path
) -> None:
    assert NGINX is not None, "CI has to have nginx: see .ci/run"
    write_certificate(tmp_path / "fullchain.pem", tmp_path / "privkey.pem")
    other = {"INTAKE_PORT": str(free_port())}
    shims = [start_module_shim(module_env), start_module_shim(module_env, **other)]
    tls = free_port()
    configuration = tmp_path / "intake.conf"
    configuration.write_text(
        for_this_machine(tmp_path, shim="3005", tls=tls, plain=free_port()).replace("\ndaemon off;", "")
    )
    servers = [f"127.0.0.1:{shim.environment['INTAKE_PORT']}" for shim in shims]
    command = ["/bin/sh", "-c", _script(tmp_path, configuration, tmp_path / "nginx.conf"), "nginx.sh", *servers]
    path = f"{Path(NGINX).parent}:{os.environ['PATH']}"
    nginx = ManagedProcess("nginx", command, log_path=tmp_path / "output.log", environment={**os.environ, "PATH": path})
    nginx.start()
    trusted = ssl.create_default_context(cafile=tmp_path / "fullchain.pem")
    headers = {"authorization": f"Bearer {token(module_env)}"}
    with httpx.Client(
        verify=trusted, timeout=30, trust_env=False, base_url=f"https://localhost:{tls}", headers=headers
    ) as client:

        def statuses() -> list[int]:
            return [client.post(CREATE, json=a_request(email=an_email())).status_code for _ in range(10)]

        def answers() -> bool:
            assert nginx.alive, nginx.log_tail()
            try:
                return client.get("/docs").status_code == 200
            except httpx.TransportError:
                return False

        try:
            wait_until(answers, timeout=20, what="nginx answers")
            assert statuses() == [202] * 10
            assert all("customer.create" in shim.log() for shim in shims)
            shims[0].process.kill()
            assert statuses() == [202] * 10
        finally:
            nginx.kill()
