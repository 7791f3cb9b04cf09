"""The worker's settings, read once at start."""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from passwords.cost import TEST_PROFILE, TODAY, PasswordCost
from schemas.password_hashes import argon2
from schemas.password_hashes.firebase_scrypt import SIGNER_KEY_BYTES
from schemas.password_hashes.parsing import HashRules
from schemas.sealing import KeyFormatError, parse_key_ring
from startup.broker.redis_requirements import read_allowed
from startup.environment import EnvironmentReader
from startup.shared_settings import SharedSettings, read_shared_settings
from worker.customer.rules import FURTHER_COUNTRIES, SPECIAL_USE_DOMAINS, Rules
from worker.dependencies.mongodb_uri import read_database_name, read_mongodb_uri

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nacl.public import PrivateKey
    from pydantic import SecretBytes, SecretStr

LEAST_MEMORY_KIB_BY_TIME_COST: Final = {1: 47104, 2: 19456, 3: 12288, 4: 9216, 5: 7168}
"""Passes → least memory, for argon2id settings of equal strength at one lane (OWASP Password Storage Cheat Sheet).

More passes than these need no less than the last one.
"""

EVENTS_KEPT_DAYS: Final = 7
"""The default of INTAKE_EVENTS_KEPT_DAYS."""

_DAY_SECONDS: Final = 86400
"""The seconds of a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """Everything that the environment tells the worker."""

    shared: SharedSettings
    key_ring: Mapping[str, PrivateKey]
    mongodb_uri: SecretStr
    mongodb_database: str
    mongodb_timeout_seconds: float
    """How long one operation may take before it is tried again."""
    mongodb_away_seconds: float
    """How long tasks are held while MongoDB is away before others get them."""
    unreadable_wait_seconds: float
    """How long a request that no worker can read yet waits before it becomes a dead letter."""
    concurrency: int
    """Groups of tasks in flight. More than cores, since some wait for the journal while others hash."""
    prefetch_multiplier: int
    """Most tasks in a group. Multiplied by `concurrency`, the most tasks that a worker takes at a time."""
    chunks: int
    """Chunks of batches that are worked on side by side. One more is held ready."""
    hash_concurrency: int
    """Hashes at the same time: as many as there are cores. Each takes `password_cost.memory_kib`."""
    password_cost: PasswordCost
    test_profile: bool
    minimum_password_characters: int
    rules: Rules
    hash_rules: HashRules
    """Which hashes of other systems are taken."""
    maximum_starts: int
    """Starts after which a task that still has no outcome becomes a dead letter."""
    visibility_timeout_seconds: float
    """How long after a worker's last sign of life its tasks are delivered again."""
    sweep_interval_seconds: float
    sweep_grace_seconds: float
    """How long after it was sent a task may be missing from the queue before it is sent again."""
    tells_rows: bool
    """Whether rows of batches have events of their own."""
    events_kept_seconds: float
    """For how long events are kept at least."""
    unread_events_kept_seconds: float
    """For how long events are kept that a consumer group has not acknowledged."""
    redis_allowed: frozenset[str]
    """Findings about Redis that are warnings only."""
    health_file: str
    metrics_port: int
    """Where `GET /metrics` answers. 0: nowhere."""
    metrics_host: str
    celery_events: bool
    """Whether Celery's events are sent, for `celery events` and Flower."""
    celery_remote_control: bool
    """Whether commands of Celery's remote control that only read are answered."""


def read_worker_settings(environment: Mapping[str, str]) -> WorkerSettings:
    """Read and check everything at once.

    Raises:
        SettingsError: with a sentence for each variable that is missing or unusable.
    """
    reader = EnvironmentReader(environment)
    cores = usable_cores()
    test_profile = reader.flag("ARGON2_TEST_PROFILE")
    kept_seconds = _read_days(reader, "EVENTS_KEPT_DAYS", EVENTS_KEPT_DAYS)
    unread_seconds = _read_days(reader, "UNREAD_EVENTS_KEPT_DAYS", 30)
    if unread_seconds < kept_seconds:
        reader.fault("UNREAD_EVENTS_KEPT_DAYS", "must not be less than INTAKE_EVENTS_KEPT_DAYS")
    settings = WorkerSettings(
        shared=read_shared_settings(reader),
        key_ring=_read_key_ring(reader),
        mongodb_uri=read_mongodb_uri(reader),
        mongodb_database=read_database_name(reader),
        mongodb_timeout_seconds=reader.seconds("MONGODB_TIMEOUT_SECONDS", 8, minimum=0.5, maximum=20),
        mongodb_away_seconds=reader.seconds("MONGODB_AWAY_SECONDS", 10, minimum=0.5, maximum=600),
        unreadable_wait_seconds=reader.seconds("UNREADABLE_WAIT_SECONDS", 300, minimum=0, maximum=86400),
        concurrency=reader.integer("WORKER_CONCURRENCY", cores + 2, minimum=1, maximum=256),
        prefetch_multiplier=reader.integer("WORKER_PREFETCH_MULTIPLIER", 8, minimum=1, maximum=64),
        chunks=reader.integer("WORKER_CHUNKS", 3, minimum=1, maximum=16),
        hash_concurrency=reader.integer("HASH_CONCURRENCY", cores, minimum=1, maximum=256),
        password_cost=TEST_PROFILE if test_profile else _read_password_cost(reader),
        test_profile=test_profile,
        minimum_password_characters=reader.integer("PASSWORD_MINIMUM_CHARACTERS", 0, minimum=0, maximum=1024),
        rules=Rules(
            further_countries=_read_choices(reader, "EXTRA_COUNTRIES", FURTHER_COUNTRIES),
            special_use_domains=_read_choices(reader, "SPECIAL_USE_DOMAINS", SPECIAL_USE_DOMAINS),
        ),
        hash_rules=HashRules(
            wraps_fast_hashes=reader.flag("WRAP_FAST_HASHES"), signer_key_bytes=_read_signer_key_bytes(reader)
        ),
        maximum_starts=reader.integer("MAXIMUM_STARTS", 5, minimum=3, maximum=100),
        visibility_timeout_seconds=reader.seconds("VISIBILITY_TIMEOUT_SECONDS", 60, minimum=3, maximum=3600),
        sweep_interval_seconds=reader.seconds("SWEEP_INTERVAL_SECONDS", 5, minimum=0.1, maximum=300),
        sweep_grace_seconds=reader.seconds("SWEEP_GRACE_SECONDS", 15, minimum=0.1, maximum=3600),
        tells_rows=reader.flag("ROW_EVENTS"),
        events_kept_seconds=kept_seconds,
        unread_events_kept_seconds=unread_seconds,
        redis_allowed=read_allowed(reader),
        health_file=reader.text("WORKER_HEALTH_FILE", ""),
        metrics_port=reader.integer("WORKER_METRICS_PORT", 0, minimum=0, maximum=65535),
        metrics_host=reader.text("WORKER_METRICS_HOST", "127.0.0.1"),
        celery_events=reader.flag("CELERY_EVENTS"),
        celery_remote_control=reader.flag("CELERY_REMOTE_CONTROL"),
    )
    reader.check()
    return settings


def usable_cores() -> int:
    """The cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _read_choices(reader: EnvironmentReader, name: str, choices: frozenset[str]) -> frozenset[str]:
    chosen = frozenset(reader.text(name, "").split())
    if not chosen <= choices:
        reader.fault(name, f"must be some of {' '.join(sorted(choices))}, with spaces between")
    return chosen & choices


def _read_days(reader: EnvironmentReader, name: str, default: float) -> float:
    """A time in days, as seconds."""
    return _DAY_SECONDS * reader.number(name, default, minimum=0.001, maximum=3650, what="a number of days")


def _read_key_ring(reader: EnvironmentReader) -> dict[str, PrivateKey]:
    secret: SecretBytes = reader.secret("SEALING_PRIVATE_KEYS")
    raw = secret.get_secret_value()
    if not raw:
        return {}
    try:
        return parse_key_ring(raw)
    except KeyFormatError as error:
        reader.fault("SEALING_PRIVATE_KEYS", f"does not hold private keys: {error}")
        return {}


def _read_signer_key_bytes(reader: EnvironmentReader) -> int | None:
    """The length alone. The worker never verifies a password, so it does not keep the key."""
    secret = reader.optional_secret("FIREBASE_SIGNER_KEY")
    if secret is None:
        return None
    try:
        size = len(base64.b64decode(secret.get_secret_value(), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if size not in SIGNER_KEY_BYTES:
        sizes = f"{SIGNER_KEY_BYTES[0]} to {SIGNER_KEY_BYTES[-1]} bytes"
        reader.fault("FIREBASE_SIGNER_KEY", f"must be base64_signer_key of a project of Firebase: {sizes} in base64")
    return size


def _read_password_cost(reader: EnvironmentReader) -> PasswordCost:
    # Within what a login takes of a hash, or customers of this service could not log in.
    time_cost = reader.integer("ARGON2_TIME_COST", TODAY.time_cost, minimum=1, maximum=argon2.PASSES[-1])
    least = LEAST_MEMORY_KIB_BY_TIME_COST.get(time_cost, min(LEAST_MEMORY_KIB_BY_TIME_COST.values()))
    memory_kib = reader.integer(
        "ARGON2_MEMORY_KIB", max(TODAY.memory_kib, least), minimum=1024, maximum=argon2.MAXIMUM_KIB
    )
    if memory_kib < least:
        reader.fault("ARGON2_MEMORY_KIB", f"must be at least {least} with a time cost of {time_cost} (OWASP)")
    most = argon2.MAXIMUM_KIB_OF_ALL_PASSES // time_cost
    if memory_kib > most:
        reader.fault("ARGON2_MEMORY_KIB", f"must be at most {most} with a time cost of {time_cost}, for logins' sake")
    return PasswordCost(
        memory_kib=memory_kib,
        time_cost=time_cost,
        parallelism=reader.integer("ARGON2_PARALLELISM", TODAY.parallelism, minimum=1, maximum=argon2.LANES[-1]),
    )
