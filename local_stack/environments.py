"""The environments of the shim and the worker, for the local stack, the tests and the benches alike.

A new setting that every process needs is added here and nowhere else.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from local_stack.ports import LOOPBACK
from startup.environment import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from local_stack.secret_files import SecretFiles

DATABASE: Final = "customer_intake"
"""The MongoDB database of the local stack."""

_STACKS_OWN: Final = (
    "ID_KEY",
    "JWT_SECRET",
    "CONSOLE_SESSION_KEY",
    "SEALING_PUBLIC_KEY",
    "SEALING_PRIVATE_KEYS",
    "REDIS_URL",
    "REDIS_SENTINEL_USERNAME",
    "REDIS_SENTINEL_PASSWORD",
    "MONGODB_URI",
)
"""Settings that the local stack chooses itself. One of the caller's beside it would be a contradiction."""


_WORKERS_OWN: Final = ("FIREBASE_SIGNER_KEY",)
"""Secrets of the caller that the worker alone gets."""

TO_THIS_MACHINE: Final = {
    "INTAKE_WEBHOOKS_ALLOW_HTTP": "1",
    "INTAKE_WEBHOOKS_ALLOWED_NETWORKS": "127.0.0.0/8 ::1/128",
}
"""Settings by which the notifier of the local stack sends to receivers on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environments:
    """Builds the environment of each process of one service. Each gets the secrets it needs and no other."""

    redis_url: str
    mongodb_uri: str
    secrets: SecretFiles
    base: Mapping[str, str]
    """What every process gets besides: see `callers_environment` and `environment_without_settings`."""
    database: str = DATABASE

    def __repr__(self) -> str:
        return "Environments()"  # the URL of Redis holds its password

    def shim(self, *, port: int, **settings: str) -> dict[str, str]:
        """For `python -m api_shim`. `settings` are further variables, by their whole names, and win over all others."""
        base = _without(self.base, _WORKERS_OWN)
        return {**base, **self._shared(), **self._of_shim(port), **settings}

    def worker(self, *, health_file: Path, metrics_port: int, **settings: str) -> dict[str, str]:
        """For `python -m worker`. `settings` as in `shim`; a `metrics_port` of 0 means no metrics."""
        of_process = {"INTAKE_WORKER_HEALTH_FILE": str(health_file), "INTAKE_WORKER_METRICS_PORT": str(metrics_port)}
        return {**self.base, **self._shared(), **self._of_worker(), **of_process, **settings}

    def notifier(self, *, file: Path, **settings: str) -> dict[str, str]:
        """For `python -m notifier` with this file of endpoints. It gets no key. `settings` as in `shim`.

        Receivers on this machine may be sent events, unless the base says otherwise.
        """
        base = _without(self.base, (*_STACKS_OWN, *_WORKERS_OWN))
        return {
            **TO_THIS_MACHINE,
            **base,
            "INTAKE_REDIS_URL": self.redis_url,
            "INTAKE_WEBHOOKS_FILE": str(file),
            **settings,
        }

    def console(self, *, port: int, **settings: str) -> dict[str, str]:
        """For `python -m console`. `settings` as in `shim`. It opens no request, and cannot make one."""
        base = _without(self.base, _WORKERS_OWN)
        of_console = {
            "INTAKE_CONSOLE_HOST": LOOPBACK,
            "INTAKE_CONSOLE_PORT": str(port),
            "INTAKE_CONSOLE_SESSION_KEY_FILE": str(self.secrets.console_session_key),
            "INTAKE_JWT_SECRET_FILE": str(self.secrets.jwt_secret),
            "INTAKE_REDIS_URL": self.redis_url,
        }
        return {**base, **of_console, **settings}

    def both(self, *, port: int, **settings: str) -> dict[str, str]:
        """One environment that starts a shim or a worker, for tests. `settings` as in `shim`."""
        return {**self.base, **self._shared(), **self._of_shim(port), **self._of_worker(), **settings}

    def _shared(self) -> dict[str, str]:
        return {"INTAKE_REDIS_URL": self.redis_url, "INTAKE_ID_KEY_FILE": str(self.secrets.id_key)}

    def _of_shim(self, port: int) -> dict[str, str]:
        return {
            "INTAKE_HOST": LOOPBACK,
            "INTAKE_PORT": str(port),
            "INTAKE_JWT_SECRET_FILE": str(self.secrets.jwt_secret),
            "INTAKE_SEALING_PUBLIC_KEY_FILE": str(self.secrets.sealing_public_key),
        }

    def _of_worker(self) -> dict[str, str]:
        return {
            "INTAKE_MONGODB_URI": self.mongodb_uri,
            "INTAKE_MONGODB_DATABASE": self.database,
            "INTAKE_SEALING_PRIVATE_KEYS_FILE": str(self.secrets.sealing_private_keys),
        }


def callers_environment() -> dict[str, str]:
    """This process's environment, so that a setting like INTAKE_LOG_LEVEL reaches the local stack's processes."""
    return _without(os.environ, _STACKS_OWN)


def environment_without_settings() -> dict[str, str]:
    """This process's environment without any setting: tests and benches run with settings of their own."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def _without(environment: Mapping[str, str], settings: Iterable[str]) -> dict[str, str]:
    dropped = {f"{PREFIX}{name}{suffix}" for name in settings for suffix in ("", "_FILE")}
    return {name: value for name, value in environment.items() if name not in dropped}
