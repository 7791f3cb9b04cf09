"""kombu's Redis transport without the book of deliveries that it keeps in Redis.

kombu books each delivery and each acknowledgement in `unacked`, which takes two transactions a task and more time than
all else that it does, does not cover what was popped and not yet booked, and breaks when the connection is lost while
tasks run (kombu 5.7 ends the consumer). The task's record does the same better: START takes a lease with the same call
that hands over the request, FINISH ends it, and the sweeper sends again what no worker holds. So acknowledgements
are not emulated (kombu's option `ack_emulation`), and nothing is handed back when a connection ends.
"""

from __future__ import annotations

from kombu.transport import redis as kombu_redis


class Channel(kombu_redis.Channel):
    """A channel that hands nothing back: what its worker holds is worked on, or its lease runs out."""

    do_restore = False


class Transport(kombu_redis.Transport):
    """kombu's Redis transport with that channel."""

    Channel = Channel
