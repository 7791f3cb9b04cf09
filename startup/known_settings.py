"""The names of all settings of the service, and a warning of variables that are none of them.

A misspelt variable would be ignored without a word, and its default be in force. It is warned of and not refused: while
releases change, a process of the old one may be given a setting of the new one. Processes share files of variables, so
each knows the settings of all. `tests/deploy/test_settings.py` compares the names with what the processes read.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Final

import structlog

from startup.environment import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_OR_IN_A_FILE: Final = (
    "CONSOLE_SESSION_KEY",
    "FIREBASE_SIGNER_KEY",
    "ID_KEY",
    "JWT_PUBLIC_KEYS",
    "JWT_SECRET",
    "MONGODB_URI",
    "REDIS_SENTINEL_PASSWORD",
    "REDIS_URL",
    "SEALING_PRIVATE_KEYS",
    "SEALING_PUBLIC_KEY",
)
"""Those that may also be in the file that `<name>_FILE` names."""

SETTINGS: Final = frozenset(
    {
        *_OR_IN_A_FILE,
        *(f"{name}_FILE" for name in _OR_IN_A_FILE),
        "ARGON2_MEMORY_KIB",
        "ARGON2_PARALLELISM",
        "ARGON2_TEST_PROFILE",
        "ARGON2_TIME_COST",
        "BATCH_MAX_BYTES",
        "BATCH_MAX_ROWS",
        "BATCH_WAIT_SECONDS",
        "BODY_SECONDS",
        "CELERY_EVENTS",
        "CELERY_REMOTE_CONTROL",
        "CONSOLE_HOST",
        "CONSOLE_PORT",
        "CONSOLE_SESSION_HOURS",
        "DOCS",
        "DRAIN_SECONDS",
        "EVENTS_KEPT_DAYS",
        "EXTRA_COUNTRIES",
        "HASH_CONCURRENCY",
        "HEAD_SECONDS",
        "HOST",
        "JWT_AUDIENCE",
        "JWT_ISSUER",
        "JWT_JWKS_REFRESH_SECONDS",
        "JWT_JWKS_URL",
        "JWT_LEEWAY_SECONDS",
        "JWT_SCOPE_CLAIM",
        "KEEP_ALIVE_SECONDS",
        "LOG_FORMAT",
        "LOG_LEVEL",
        "MAXIMUM_STARTS",
        "MAX_BODY_BYTES",
        "MAX_CONNECTIONS",
        "MAX_HEAD_BYTES",
        "MAX_OPEN_BATCHES",
        "MAX_OPEN_ROWS",
        "MAX_OPEN_TASKS",
        "MAX_REQUESTS",
        "MAX_UPLOADS",
        "MAX_WAITING",
        "METRICS_HOST",
        "METRICS_PORT",
        "MONGODB_AWAY_SECONDS",
        "MONGODB_DATABASE",
        "MONGODB_TIMEOUT_SECONDS",
        "NOTIFIER_METRICS_HOST",
        "NOTIFIER_METRICS_PORT",
        "PASSWORD_MINIMUM_CHARACTERS",
        "PORT",
        "PREFIX",
        "PROCESSES",
        "RATE_BURST",
        "RATE_PER_SECOND",
        "REDIS_ALLOW_EVICTION",
        "REDIS_ALLOW_NO_APPEND_ONLY_FILE",
        "REDIS_COPIES",
        "REDIS_SENTINEL_USERNAME",
        "REDIS_TIMEOUT_SECONDS",
        "RESULT_TTL_SECONDS",
        "ROW_EVENTS",
        "SCOPES",
        "SHUTDOWN_SECONDS",
        "SPECIAL_USE_DOMAINS",
        "SWEEP_GRACE_SECONDS",
        "SWEEP_INTERVAL_SECONDS",
        "TRACES",
        "TRACES_RATIO",
        "UNREADABLE_WAIT_SECONDS",
        "UNREAD_EVENTS_KEPT_DAYS",
        "VISIBILITY_TIMEOUT_SECONDS",
        "WEBHOOKS_ALLOWED_NETWORKS",
        "WEBHOOKS_ALLOW_HTTP",
        "WEBHOOKS_CA_FILE",
        "WEBHOOKS_CONNECTIONS",
        "WEBHOOKS_FILE",
        "WEBHOOKS_GIVE_UP_SECONDS",
        "WEBHOOKS_MAX_WAITING",
        "WEBHOOKS_OFF_SECONDS",
        "WEBHOOKS_RETRY_MAX_SECONDS",
        "WEBHOOKS_RETRY_SECONDS",
        "WEBHOOKS_TIMEOUT_SECONDS",
        "WORKER_CHUNKS",
        "WORKER_CONCURRENCY",
        "WORKER_HEALTH_FILE",
        "WORKER_METRICS_HOST",
        "WORKER_METRICS_PORT",
        "WORKER_PREFETCH_MULTIPLIER",
        "WRAP_FAST_HASHES",
        "WRITE_SECONDS",
    }
)
"""Every variable that a process reads, without `INTAKE_`."""

OF_NO_PROCESS: Final = frozenset({"TOKEN", "UID", "GID", "TLS_PORT"})
"""Variables of the command line and of the compose files, without `INTAKE_`."""

_NO_NAME: Final = re.compile(r"\W.*", re.ASCII | re.DOTALL)
"""What is no part of a name. Where somebody wrote `NAME: value`, the environment may take the value for one."""

_OF_A_SERVICE: Final = "_SERVICE_HOST"
"""How the name of a variable ends by which Kubernetes tells a pod of a Service."""

log = structlog.get_logger("startup.settings")


def tell_unknown_settings(variables: Iterable[str]) -> None:
    """Log one warning of all variables that begin with `INTAKE_` and are no setting. Never shows a value.

    Args:
        variables: the names of the variables of the environment.
    """
    unknown = list(unknown_settings(variables))
    if unknown:
        log.warning("unknown_settings", settings=unknown)


def unknown_settings(variables: Iterable[str]) -> Iterator[str]:
    """Yield the name of each unknown setting, with the one that may be meant in brackets where there is a like one."""
    names = sorted(each.removeprefix(PREFIX) for each in variables if each.startswith(PREFIX))
    # The variables of a Service begin with its name. One that is called `intake-…` must not be taken for settings.
    services = tuple(
        f"{each.removesuffix(_OF_A_SERVICE)}_{kind}"
        for each in names
        if each.endswith(_OF_A_SERVICE)
        for kind in ("SERVICE_", "PORT")
    )
    for each in names:
        if each in SETTINGS or each in OF_NO_PROCESS or each.startswith(services):
            continue
        name = _NO_NAME.sub("...", each)
        meant = difflib.get_close_matches(name.upper(), SETTINGS | OF_NO_PROCESS, n=1)
        yield PREFIX + name + (f" ({PREFIX}{meant[0]}?)" if meant else "")
