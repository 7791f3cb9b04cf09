"""The file of endpoints as it lies on a disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from notifier.endpoints.endpoints import Endpoints, read_endpoints
from notifier.endpoints.endpoints_file import EndpointsFileError
from startup.environment import SettingsError
from tests.notifier.samples import SECRET

if TYPE_CHECKING:
    from pathlib import Path

GOOD = f'[[endpoint]]\nname = "crm"\nurl = "https://a.b"\nsecrets = ["{SECRET}"]\n'


def faults(file: Path) -> list[str]:
    with pytest.raises(EndpointsFileError) as raised:
        read_endpoints(file, allow_http=False)
    return list(raised.value.faults)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "endpoints.toml"


def test_a_file_that_is_not_there_is_told(file: Path) -> None:
    assert faults(file) == ["cannot be read (FileNotFoundError)"]


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    assert faults(tmp_path) == ["is no ordinary file"]


def test_a_pipe_is_not_waited_for(file: Path) -> None:
    os.mkfifo(file)
    assert faults(file) == ["is no ordinary file"]


def test_a_link_to_a_file_is_followed(file: Path, tmp_path: Path) -> None:
    """As Kubernetes mounts secrets."""
    (tmp_path / "data").write_text(GOOD)
    file.symlink_to(tmp_path / "data")
    (endpoint,) = read_endpoints(file, allow_http=False)
    assert endpoint.name == "crm"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_told(file: Path) -> None:
    file.write_text(GOOD)
    file.chmod(0)
    assert faults(file) == ["cannot be read (PermissionError)"]


def test_of_a_huge_file_no_more_is_read_than_a_file_may_have(file: Path) -> None:
    with file.open("wb") as opened:
        opened.truncate(1 << 40)
    assert faults(file) == ["must have at most 1048576 bytes"]


def test_without_a_good_file_at_the_start_the_setting_is_named(file: Path) -> None:
    told: list[bool] = []
    with pytest.raises(SettingsError) as raised:
        Endpoints(file, allow_http=False, on_faulty=told.append)
    assert raised.value.faults == ("INTAKE_WEBHOOKS_FILE: cannot be read (FileNotFoundError)",)


def test_a_file_that_is_gone_changes_nothing_until_it_is_back(file: Path) -> None:
    told: list[bool] = []
    file.write_text(GOOD)
    endpoints = Endpoints(file, allow_http=False, on_faulty=told.append)
    file.unlink()
    assert endpoints.read_again() is False
    assert [each.name for each in endpoints.all] == ["crm"]
    file.write_text(GOOD.replace("crm", "erp"))
    assert endpoints.read_again() is True
    assert [each.name for each in endpoints.all] == ["erp"]
    assert told == [True, False]
