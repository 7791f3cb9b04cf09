"""Which service a run submits to, by which token and under which name of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from local_stack.state_file import ProcessIdentity, StackState, write_state
from tests.cli.submission import SECONDS, end, feed, lines_of, start, submit
from tests.contract.service import Service, an_email
from tests.support.requests import a_request
from tests.support.tokens import token

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Servers

BATCH: Final = "/services/customer/v1/customer.create.batch"


def test_a_pipe_needs_a_batch_name(service: Service) -> None:
    ended = submit(service, "--lines", "-", stdin="{}\n")

    assert ended.code == 2
    assert "--batch" in ended.stderr


@pytest.mark.parametrize("claims", [{"exp": 1}, {"scope": "customer:read"}], ids=["expired", "no scope"])
def test_a_wrong_token_ends_the_run_also_while_stdin_is_open(service: Service, claims: dict[str, Any]) -> None:
    wrong = token(service.environment, **claims)
    process = start(service.environment, "--lines", "-", "--batch", an_email(), INTAKE_TOKEN=wrong)
    feed(process, lines_of([a_request(email=an_email())]))
    process.wait(SECONDS)

    ended = end(process)

    assert ended.code == 2
    assert "the service refuses the token" in ended.stderr
    assert wrong not in ended.stdout + ended.stderr


def test_the_token_can_come_from_a_file(service: Service, batch: Path, tmp_path: Path) -> None:
    another, path = an_email(), tmp_path / "token"
    path.write_text(token(service.environment, sub=another) + "\n")

    ended = submit(service, "--lines", str(batch), "--token-file", str(path), INTAKE_TOKEN="")

    assert ended.code == 0
    (batch_of_another,) = service.get(f"{BATCH}.list", service.bearer(sub=another)).json()["batches"]
    assert batch_of_another["outcomes"] == {"created": 50}


def test_another_url_needs_a_token(service: Service, batch: Path) -> None:
    assert submit(service, "--lines", str(batch), INTAKE_TOKEN="").code == 2


def test_the_local_stack_needs_neither_url_nor_token(
    service: Service, stack: Servers, batch: Path, tmp_path: Path
) -> None:
    (tmp_path / "secrets").symlink_to(stack.secrets.jwt_secret.parent)
    write_state(tmp_path, StackState(ProcessIdentity.own(), url=service.shim.url))

    assert submit(service, "--lines", str(batch), "--data-dir", str(tmp_path), INTAKE_TOKEN="").code == 0


def test_where_no_local_stack_runs_a_url_is_asked_for(service: Service, batch: Path, tmp_path: Path) -> None:
    ended = submit(service, "--lines", str(batch), "--data-dir", str(tmp_path))

    assert ended.code == 2
    assert "--url" in ended.stderr


@pytest.mark.parametrize(
    "path", ["", "/", "/services", "/services/customer/v1/customer.create", "/customer/v1/customer.create.batch"]
)
def test_the_url_is_the_service_s_root_or_the_method_s(service: Service, batch: Path, path: str) -> None:
    assert submit(service, "--lines", str(batch), "--url", service.shim.url + path).code == 0


def test_a_url_that_leads_elsewhere_ends_the_run(service: Service, batch: Path) -> None:
    ended = submit(service, "--lines", str(batch), "--url", f"{service.shim.url}/elsewhere")

    assert ended.code == 2
    assert "is the URL right?" in ended.stderr
