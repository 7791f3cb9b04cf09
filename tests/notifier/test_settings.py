"""The notifier's settings: what is asked for, and what is told where one is wrong."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest

from notifier.__main__ import main
from notifier.settings import read_notifier_settings
from startup.environment import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

LEAST = {"INTAKE_WEBHOOKS_FILE": "/etc/endpoints.toml"}


class Recording(dict[str, str]):
    """An environment that notes which variables were read."""

    asked: set[str]

    def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override] # a narrower use
        self.__dict__.setdefault("asked", set()).add(key)
        return super().get(key, default)


def test_a_file_of_endpoints_is_all_that_is_required() -> None:
    settings = read_notifier_settings(LEAST)
    assert str(settings.file) == "/etc/endpoints.toml"
    assert (settings.sending.allowed, settings.sending.allow_http, settings.sending.timeout_seconds) == ((), False, 15)
    assert (settings.retries.first_seconds, settings.retries.give_up_seconds) == (5, 3 * 86400)
    with pytest.raises(SettingsError, match="INTAKE_WEBHOOKS_FILE is required"):
        read_notifier_settings({})


def test_no_key_and_no_database_is_asked_for() -> None:
    environment = Recording(LEAST)
    read_notifier_settings(environment)
    assert not [name for name in environment.asked if any(word in name for word in ("KEY", "MONGO", "JWT", "SEALING"))]


def test_networks_may_be_allowed() -> None:
    settings = read_notifier_settings({**LEAST, "INTAKE_WEBHOOKS_ALLOWED_NETWORKS": "10.1.0.0/16  fd00::/8"})
    assert settings.sending.allowed == (ip_network("10.1.0.0/16"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEBHOOKS_ALLOWED_NETWORKS", "10.0.0.1/8"),
        ("WEBHOOKS_ALLOWED_NETWORKS", "canary"),
        ("WEBHOOKS_TIMEOUT_SECONDS", "0"),
        ("WEBHOOKS_TIMEOUT_SECONDS", "61"),
        ("WEBHOOKS_CONNECTIONS", "0"),
        ("WEBHOOKS_ALLOW_HTTP", "canary"),
        ("WEBHOOKS_RETRY_SECONDS", "-1"),
        ("WEBHOOKS_RETRY_MAX_SECONDS", "nan"),
        ("WEBHOOKS_GIVE_UP_SECONDS", "1e9"),
        ("WEBHOOKS_OFF_SECONDS", "canary"),
        ("WEBHOOKS_MAX_WAITING", "0"),
        ("NOTIFIER_METRICS_PORT", "65536"),
        ("REDIS_URL", "canary"),
        ("LOG_LEVEL", "canary"),
    ],
)
def test_a_wrong_setting_is_named_and_not_repeated(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_notifier_settings({**LEAST, f"INTAKE_{name}": value})
    (fault,) = caught.value.faults
    assert fault.startswith(f"INTAKE_{name} ")
    assert "canary" not in fault


@pytest.mark.parametrize(
    ("content", "settings", "told"),
    [
        ("[[endpoint]]\n", {}, "INTAKE_WEBHOOKS_FILE: line 1: name must be"),
        (None, {}, "INTAKE_WEBHOOKS_FILE: cannot be read (FileNotFoundError)"),
        ("", {"INTAKE_WEBHOOKS_CA_FILE": "/dev/null"}, "INTAKE_WEBHOOKS_CA_FILE names no file of certificates"),
        ("", {"INTAKE_NOTIFIER_METRICS_PORT": "1", "INTAKE_NOTIFIER_METRICS_HOST": "192.0.2.1"}, "cannot listen there"),
    ],
)
def test_a_notifier_that_cannot_send_says_why_and_ends(
    *,
    content: str | None,
    settings: dict[str, str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "endpoints.toml"
    if content is not None:
        file.write_text(content)
    for name, value in {"INTAKE_WEBHOOKS_FILE": str(file), **settings}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("notifier.__main__.prepare_service", lambda _component: None)
    monkeypatch.setattr("notifier.__main__.configure_logs", lambda **_options: None)
    assert main() == 2
    assert told in capsys.readouterr().err
