"""The settings of shim and worker. All faults are told at once, each with the variable's name and without its value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from startup.environment import EnvironmentReader, SettingsError
from startup.shared_settings import SharedSettings, read_shared_settings

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "canary-of-a-secret-in-the-wrong-variable"
ID_KEY = "k" * 32


def read(**environment: str) -> SharedSettings:
    reader = EnvironmentReader({f"INTAKE_{name}": value for name, value in environment.items()})
    settings = read_shared_settings(reader)
    reader.check()
    return settings


def faults_of(**environment: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        read(**environment)
    assert str(caught.value) == "; ".join(caught.value.faults)
    return caught.value.faults


def test_one_variable_is_required_and_the_others_have_the_documented_defaults() -> None:
    settings = read(ID_KEY=ID_KEY)
    assert settings.redis_url.address == "redis://127.0.0.1:6379/0"
    assert settings.result_ttl_seconds == 86400
    assert (settings.log_level, settings.log_format) == ("info", "auto")


def test_all_faults_are_told_at_once() -> None:
    faults = faults_of(REDIS_URL="x", ID_KEY="short", RESULT_TTL_SECONDS="60", LOG_LEVEL="loud", LOG_FORMAT="xml")
    assert sorted(fault.split()[0] for fault in faults) == [
        "INTAKE_ID_KEY",
        "INTAKE_LOG_FORMAT",
        "INTAKE_LOG_LEVEL",
        "INTAKE_REDIS_URL",
        "INTAKE_RESULT_TTL_SECONDS",
    ]


@pytest.mark.parametrize("variable", ["REDIS_URL", "RESULT_TTL_SECONDS", "LOG_LEVEL", "LOG_FORMAT", "ID_KEY_FILE"])
def test_a_fault_names_the_variable_and_never_its_value(variable: str) -> None:
    environment = {variable: CANARY} if variable == "ID_KEY_FILE" else {variable: CANARY, "ID_KEY": ID_KEY}
    (fault,) = faults_of(**environment)
    assert fault.startswith(f"INTAKE_{variable} ")
    assert CANARY not in fault


def test_the_fault_of_a_missing_secret_names_both_of_its_variables() -> None:
    (fault,) = faults_of()
    assert fault.startswith("INTAKE_ID_KEY is required")
    assert "INTAKE_ID_KEY_FILE" in fault


def test_a_secret_can_come_from_a_file_without_the_white_space_around_it(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"\n{ID_KEY}\n")
    assert read(ID_KEY_FILE=str(tmp_path / "key")).id_key.get_secret_value() == ID_KEY.encode()


def test_a_secret_in_the_variable_and_in_a_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(ID_KEY)
    (fault,) = faults_of(ID_KEY=ID_KEY, ID_KEY_FILE=str(tmp_path / "key"))
    assert fault == "INTAKE_ID_KEY and INTAKE_ID_KEY_FILE are both set: set one of them"


def test_an_empty_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(" \n")
    assert faults_of(ID_KEY_FILE=str(tmp_path / "key")) == ("INTAKE_ID_KEY_FILE names an empty file",)


def test_a_file_that_cannot_be_read_is_a_fault_that_does_not_tell_its_path(tmp_path: Path) -> None:
    (fault,) = faults_of(ID_KEY_FILE=str(tmp_path))
    assert fault.startswith("INTAKE_ID_KEY_FILE names a file that cannot be read")
    assert str(tmp_path) not in fault


def test_a_key_of_fewer_than_32_bytes_is_a_fault(tmp_path: Path) -> None:
    assert faults_of(ID_KEY="k" * 31) == ("INTAKE_ID_KEY must be at least 32 bytes long",)
    (tmp_path / "key").write_text("k" * 31 + "\n")
    (fault,) = faults_of(ID_KEY_FILE=str(tmp_path / "key"))
    assert "at least 32 bytes" in fault


def test_no_secret_is_in_the_repr_of_settings() -> None:
    shown = repr(read(ID_KEY=ID_KEY, REDIS_URL=f"redis://me-{CANARY}:{CANARY}@h"))
    assert ID_KEY not in shown
    assert CANARY not in shown


def test_the_url_of_redis_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("rediss://me:p%23@h:6380/2\n")
    url = read(ID_KEY=ID_KEY, REDIS_URL_FILE=str(tmp_path / "url")).redis_url
    assert url.address == "rediss://h:6380/2"
    assert url.credentials() == {"username": "me", "password": "p#"}


def test_a_url_that_is_no_text_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "url").write_bytes(b"redis://:\xff@h")
    assert faults_of(ID_KEY=ID_KEY, REDIS_URL_FILE=str(tmp_path / "url")) == ("INTAKE_REDIS_URL must be text in UTF-8",)


@pytest.mark.parametrize("url", ["http://h", "redis:", "h:6379", "unix:///r.sock", "sentinel://h/m/0", "+sentinel://h"])
def test_a_url_that_is_not_of_redis_is_a_fault(url: str) -> None:
    (fault,) = faults_of(ID_KEY=ID_KEY, REDIS_URL=url)
    sentence = "must be a URL that starts with redis://, rediss://, or one of these with +sentinel"
    assert fault == f"INTAKE_REDIS_URL {sentence}"


def test_the_sentinels_have_a_user_and_a_password_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{CANARY}\n")
    url = read(
        ID_KEY=ID_KEY,
        REDIS_URL="redis+sentinel://me:mine@h/m/0",
        REDIS_SENTINEL_USERNAME="watcher",
        REDIS_SENTINEL_PASSWORD_FILE=str(tmp_path / "password"),
    ).redis_url
    assert url.credentials() == {"username": "me", "password": "mine"}
    assert url.sentinels is not None
    assert url.sentinels.commands()[0] == ("AUTH", "watcher", CANARY)
    assert CANARY not in repr(url)


def test_a_user_of_the_sentinels_without_a_password_is_a_fault() -> None:
    (fault,) = faults_of(ID_KEY=ID_KEY, REDIS_SENTINEL_USERNAME=CANARY)
    assert fault == "INTAKE_REDIS_SENTINEL_USERNAME needs INTAKE_REDIS_SENTINEL_PASSWORD beside it"


@pytest.mark.parametrize("value", ["86399", "0", "-1", "1e6", "86400.5", "2592001", "one day", "0x15180"])
def test_an_outcome_is_kept_for_a_whole_number_of_seconds_from_a_day_to_thirty(value: str) -> None:
    (fault,) = faults_of(ID_KEY=ID_KEY, RESULT_TTL_SECONDS=value)
    assert fault == "INTAKE_RESULT_TTL_SECONDS must be a whole number from 86400 to 2592000"


def test_space_around_a_value_is_ignored_and_an_empty_variable_counts_as_not_set() -> None:
    settings = read(ID_KEY=f" {ID_KEY} ", RESULT_TTL_SECONDS=" 90000 ", REDIS_URL="  ", LOG_LEVEL="")
    assert settings.result_ttl_seconds == 90000
    assert settings.redis_url.address == "redis://127.0.0.1:6379/0"
    assert settings.log_level == "info"
