"""The README's commands for many signups, run as a person runs them."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.contract.batch_client import BatchClient, a_row, lines
from tests.contract.service import an_email

if TYPE_CHECKING:
    from tests.contract.service import Service

README: Final = (Path(__file__).parents[2] / "README.md").read_text()
(SAMPLE,) = re.findall(r"^seq .*signups\.jsonl$", README, re.MULTILINE)
(COMMAND,) = re.findall(r"^curl [^`]*-T signups\.jsonl [^`]*$", README, re.MULTILINE)

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")


@pytest.fixture
def client(service: Service) -> BatchClient:
    """The caller whose token the commands have."""
    return BatchClient(service, sub=an_email())


def _run(command: str, client: BatchClient, folder: Path) -> Any:
    token = client.bearer["authorization"].removeprefix("Bearer ")
    command = command.replace("http://127.0.0.1:3005", client.service.shim.url)
    command = command.replace("$(.venv/bin/customer-intake token --sub me)", token)
    ran = subprocess.run(["/bin/sh", "-c", command], cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(ran.stdout)


def test_the_readmes_commands_make_a_file_and_send_it(client: BatchClient, tmp_path: Path) -> None:
    subprocess.run(["/bin/sh", "-c", SAMPLE], cwd=tmp_path, timeout=60, check=True)

    answer = _run(COMMAND, client, tmp_path)

    assert client.result(answer["batch"]["id"]).json()["batch"]["outcomes"] == {"created": 1000}


def test_the_readmes_command_sends_a_file(client: BatchClient, tmp_path: Path) -> None:
    """The file has more than a MiB, so that curl asks for consent first."""
    (tmp_path / "signups.jsonl").write_bytes(lines(*(a_row(tags=["x" * 1000]) for _ in range(2000))))

    answer = _run(COMMAND, client, tmp_path)

    assert (answer["batch"]["name"], answer["batch"]["rows"]) == ("signups", 2000)
    assert client.result(answer["batch"]["id"]).json()["batch"]["outcomes"] == {"created": 2000}


def test_the_readmes_command_sends_a_compressed_stream_and_waits(client: BatchClient, tmp_path: Path) -> None:
    assert "`gzip -c signups.jsonl | curl … -T - -H 'Content-Encoding: gzip'`" in README
    (tmp_path / "signups.jsonl").write_bytes(lines(*(a_row() for _ in range(500))))
    command = COMMAND.replace("-T signups.jsonl", "-T - -H 'Content-Encoding: gzip' -H 'Prefer: wait=60'")

    answer = _run(f"gzip -c signups.jsonl | {command}", client, tmp_path)

    assert answer["batch"]["outcomes"] == {"created": 500}


def test_curl_gets_a_refusal_while_it_still_sends(client: BatchClient, tmp_path: Path) -> None:
    (tmp_path / "signups.jsonl").write_bytes(a_row() + b"\n\xff\n" + gzip.compress(b"") + b"x" * 50_000_000)

    answer = _run(COMMAND, client, tmp_path)

    assert answer["data"]["errors"][0]["line"] == 2
    assert answer["batch"]["rows"] == 1
