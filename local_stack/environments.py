"""The environments of the shim and the worker: each gets the secrets it needs and no other."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local_stack.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from local_stack.secret_files import SecretFiles

DATABASE = "customer_intake"

_OURS = ("ID_KEY", "JWT_SECRET", "SEALING_PUBLIC_KEY", "SEALING_PRIVATE_KEYS", "REDIS_URL", "MONGODB_URI")
"""What the stack passes by itself. Set in the caller's shell as well, it would contradict that."""


@dataclass(frozen=True, slots=True)
class Environments:
    """Builds a child's environment from the caller's, so that a setting like INTAKE_LOG_LEVEL reaches it."""

    redis_url: str
    mongodb_uri: str
    secrets: SecretFiles
    database: str = DATABASE

    def __repr__(self) -> str:
        return "Environments()"  # the URL of Redis holds its password

    def shim(self, *, port: int) -> dict[str, str]:
        """For `python -m api_shim`."""
        return {
            **_inherited(os.environ),
            **self._shared(),
            "INTAKE_HOST": LOOPBACK,
            "INTAKE_PORT": str(port),
            "INTAKE_JWT_SECRET_FILE": str(self.secrets.jwt_secret),
            "INTAKE_SEALING_PUBLIC_KEY_FILE": str(self.secrets.sealing_public_key),
        }

    def worker(self, *, health_file: Path, metrics_port: int) -> dict[str, str]:
        """For `python -m worker`."""
        return {
            **_inherited(os.environ),
            **self._shared(),
            "INTAKE_MONGODB_URI": self.mongodb_uri,
            "INTAKE_MONGODB_DATABASE": self.database,
            "INTAKE_SEALING_PRIVATE_KEYS_FILE": str(self.secrets.sealing_private_keys),
            "INTAKE_WORKER_HEALTH_FILE": str(health_file),
            "INTAKE_WORKER_METRICS_PORT": str(metrics_port),
        }

    def _shared(self) -> dict[str, str]:
        return {"INTAKE_REDIS_URL": self.redis_url, "INTAKE_ID_KEY_FILE": str(self.secrets.id_key)}


def _inherited(environment: Mapping[str, str]) -> dict[str, str]:
    dropped = {f"INTAKE_{name}{suffix}" for name in _OURS for suffix in ("", "_FILE")}
    return {name: value for name, value in environment.items() if name not in dropped}
