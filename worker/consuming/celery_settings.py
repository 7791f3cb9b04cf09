"""Celery's settings as this worker needs them: every one that differs from Celery's default, with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from schemas.protocol.message import celery_routing
from startup.broker.silence import silence_arguments

if TYPE_CHECKING:
    from startup.broker.redis_url import RedisUrl

REDIS_TIMEOUT_SECONDS: Final = 5.0
"""How long one command may take. After that its connection counts as dead, as behind a firewall that forgot it."""

REDIS_CONNECT_SECONDS: Final = 3.0
"""How long connecting may take. While nobody has been promoted yet, Sentinels lead to a primary that is silent."""

HEALTH_CHECK_SECONDS: Final = 2
"""How often kombu looks whether Redis answers. It waits for a message a second at most (`brpop_timeout`), so a
connection to a Redis that stands still is given up after 3 to 5 s."""


def celery_settings(redis_url: RedisUrl, *, prefetch_multiplier: int) -> dict[str, Any]:
    """What `Celery.conf` is to hold.

    Args:
        redis_url: the broker.
        prefetch_multiplier: how many tasks the worker holds for each of its threads.
    """
    return {
        **celery_routing(),
        # Without user and password: Celery and kombu could print them. worker.consuming.transport adds them.
        "broker_url": redis_url.address,
        # kombu reads the TLS options here, since its transport is given as a class.
        "broker_use_ssl": redis_url.tls_arguments() or None,
        # A message counts against the prefetch limit until its task has ended. The sweeper redelivers, not Celery.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        # FINISH writes each outcome to the key where AsyncResult of any Celery client looks for it. A Celery result
        # of our own would be a second, different truth. So the worker has no result backend.
        "task_ignore_result": True,
        # Celery's own remote control: whoever reaches Redis could stop workers by it. It also writes to Redis as the
        # worker starts, on the connection on which tasks are taken. A Redis that is full refuses that write, and then
        # nothing would drain it. worker/celery_tools answers in its place where a setting says so.
        "worker_enable_remote_control": False,
        # Celery's own events need a request object for each message, which this worker does not make. They are sent by
        # worker/celery_tools where a setting says so. Nobody can switch them on from outside.
        "worker_send_task_events": False,
        "task_send_sent_event": False,
        # A thread's next group gathers while the threads work on others. But no other worker can work on what this
        # one holds.
        "worker_prefetch_multiplier": prefetch_multiplier,
        # All tasks cost alike, so a time limit of the pool's would gain nothing. The protocol bounds a task's time.
        "task_time_limit": None,
        "task_soft_time_limit": None,
        "broker_connection_retry_on_startup": True,
        "broker_connection_retry": True,
        "broker_connection_max_retries": None,
        # While Redis fails over it answers READONLY or UNBLOCKED. kombu takes that for an error of the channel, not
        # of the connection, and by default Celery ends the worker for it.
        "broker_channel_error_retry": True,
        # A task goes on when the connection drops: FINISH has a connection of its own.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "broker_transport_options": {
            # Leases in the task records say which worker holds what.
            "ack_emulation": False,
            # One queue is one list: no priorities.
            "priority_steps": [0],
            "socket_timeout": REDIS_TIMEOUT_SECONDS,
            "socket_connect_timeout": REDIS_CONNECT_SECONDS,
            **silence_arguments(),
            "health_check_interval": HEALTH_CHECK_SECONDS,
        },
        # Logs are set up by startup/logs.py, and nobody types into a worker.
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
    }
