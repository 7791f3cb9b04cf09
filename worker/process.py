"""One worker process: from the first connection to the exit code."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from celery.apps.worker import install_worker_int_handler, install_worker_term_handler
from prometheus_client import start_http_server

from startup.environment import SettingsError
from startup.identity import ANNOUNCE_SECONDS
from worker.consuming.health import check_health_file
from worker.periodic import run_periodically

if TYPE_CHECKING:
    from worker.app import Worker


def run(worker: Worker) -> int:
    """Consume until SIGTERM or SIGINT, and return the exit code.

    Raises:
        SettingsError: the worker cannot listen on the port of the metrics, or cannot write its health file.
    """
    if worker.settings.health_file:
        check_health_file(Path(worker.settings.health_file))
    # First, so that metrics can be read while MongoDB is away, and a port that is taken stops the start.
    _serve_metrics(worker)
    # A worker that waits for its servers tells what it waits for.
    run_periodically(
        worker.announce,
        name="announcements",
        interval_seconds=ANNOUNCE_SECONDS,
        stopping=threading.Event(),
        at_once=True,
    )
    # The unique index must be there before the first insert, or two customers of one email could be stored.
    for gate in worker.gates:
        gate.open_when_usable(worker.stopping)
        threading.Thread(target=gate.keep, args=(worker.stopping,), name=f"gate-{gate.dependency}", daemon=True).start()
    process = type("Process", (worker.celery.Worker,), {"install_platform_tweaks": _install_signals})(
        # argon2 releases the interpreter's lock. So threads hash on all cores, and share memory and clients.
        pool="threads",
        concurrency=worker.settings.concurrency,
        # Workers need not know of each other.
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    process.start()
    if worker.tracing is not None:
        worker.tracing.close()
    return int(process.exitcode or 0)


def _install_signals(_self: object, process: Any) -> None:
    """Install Celery's handlers of SIGTERM and SIGINT, and none of its others.

    On SIGUSR1 Celery would print the variables of every frame, on SIGUSR2 open a debugger to the network, and on SIGHUP
    start itself anew. startup/signals.py says what these signals do here.
    """
    install_worker_term_handler(process)
    install_worker_int_handler(process)


def _serve_metrics(worker: Worker) -> None:
    host, port = worker.settings.metrics_host, worker.settings.metrics_port
    if port:
        try:
            start_http_server(port, host, worker.metrics.registry)
        except (OSError, UnicodeError) as error:  # the second where it cannot be a host's name at all
            reason = getattr(error, "strerror", None) or "not an address of this machine"
            sentence = f"INTAKE_WORKER_METRICS_HOST, INTAKE_WORKER_METRICS_PORT: cannot listen there ({reason})"
            raise SettingsError([sentence]) from None
