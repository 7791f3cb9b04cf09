"""One worker process: from the first connection to the exit code."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from celery.apps.worker import install_worker_int_handler, install_worker_term_handler
from prometheus_client import start_http_server

from startup.environment import SettingsError

if TYPE_CHECKING:
    from worker.app import Worker


def run(worker: Worker) -> int:
    """Consume until SIGTERM or SIGINT; returns the exit code.

    Raises:
        SettingsError: the metrics' port cannot be had.
    """
    # First, so that it tells also while MongoDB is away, and a port that is taken stops the start.
    _serve_metrics(worker)
    # Before the first insert, or two customers of one email could get in.
    for gate in worker.gates:
        gate.open_when_usable(worker.stopping)
        threading.Thread(target=gate.keep, args=(worker.stopping,), name=f"gate-{gate.dependency}", daemon=True).start()
    process = type("Process", (worker.celery.Worker,), {"install_platform_tweaks": _install_signals})(
        # argon2 gives up the interpreter's lock: threads hash on all cores and share one process' memory and clients.
        pool="threads",
        concurrency=worker.settings.concurrency,
        # Workers need not know each other.
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    process.start()
    return int(process.exitcode or 0)


def _install_signals(_self: object, process: Any) -> None:
    """Celery's handlers of the signals to stop, and none of its others.

    On SIGUSR1 it would print the variables of every frame, on SIGUSR2 open a debugger to the network, on SIGHUP start
    itself anew. See startup/signals.py for what these do here.
    """
    install_worker_term_handler(process)
    install_worker_int_handler(process)


def _serve_metrics(worker: Worker) -> None:
    host, port = worker.settings.metrics_host, worker.settings.metrics_port
    if port:
        try:
            start_http_server(port, host, worker.metrics.registry)
        except OSError as error:
            reason = error.strerror or "not an address of this machine"
            sentence = f"INTAKE_WORKER_METRICS_HOST, INTAKE_WORKER_METRICS_PORT: cannot listen there ({reason})"
            raise SettingsError([sentence]) from None
