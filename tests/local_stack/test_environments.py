"""Each process of the local stack gets the caller's settings and the secrets that it needs, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_stack.environments import Environments, callers_environment
from local_stack.secret_files import ensure_secret_files

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_setting_of_the_caller_reaches_the_worker_and_the_signer_key_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTAKE_WRAP_FAST_HASHES", "true")
    monkeypatch.setenv("INTAKE_FIREBASE_SIGNER_KEY_FILE", "signer-key")
    monkeypatch.setenv("INTAKE_ID_KEY", "canary")
    environments = Environments(
        redis_url="redis://",
        mongodb_uri="mongodb://",
        secrets=ensure_secret_files(tmp_path),
        base=callers_environment(),
    )
    worker = environments.worker(health_file=tmp_path / "health", metrics_port=0)
    shim = environments.shim(port=1)
    assert worker["INTAKE_WRAP_FAST_HASHES"] == "true"
    assert worker["INTAKE_FIREBASE_SIGNER_KEY_FILE"] == "signer-key"
    assert "INTAKE_FIREBASE_SIGNER_KEY_FILE" not in shim
    assert "INTAKE_ID_KEY" not in {**worker, **shim}


def test_the_notifier_gets_no_key_and_no_database_and_may_send_to_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ID_KEY", "SEALING_PRIVATE_KEYS_FILE", "MONGODB_URI", "JWT_SECRET", "FIREBASE_SIGNER_KEY"):
        monkeypatch.setenv(f"INTAKE_{name}", "canary")
    monkeypatch.setenv("INTAKE_WEBHOOKS_ALLOW_HTTP", "0")
    environments = Environments(
        redis_url="redis://",
        mongodb_uri="mongodb://",
        secrets=ensure_secret_files(tmp_path),
        base=callers_environment(),
    )
    notifier = environments.notifier(file=tmp_path / "endpoints.toml")
    assert {name: value for name, value in notifier.items() if name.startswith("INTAKE_")} == {
        "INTAKE_REDIS_URL": "redis://",
        "INTAKE_WEBHOOKS_FILE": str(tmp_path / "endpoints.toml"),
        "INTAKE_WEBHOOKS_ALLOW_HTTP": "0",
        "INTAKE_WEBHOOKS_ALLOWED_NETWORKS": "127.0.0.0/8 ::1/128",
    }
