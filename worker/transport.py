"""kombu's Redis transport with a book of deliveries that outlives its connection.

kombu books deliveries and acknowledgements through the very connection that may have been lost: with threads, a task
that ends after a loss cannot be acknowledged, and handing back what is held fails with an error that ends the worker
(kombu 5.7, `QoS.restore_unacked` on a closed connection). It also makes a new client for each booking, which is an
eighth of the transport's time. Here the book has a client of its own. Its form in Redis is kombu's.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

import structlog
from celery.worker import state
from kombu.transport import redis as kombu_redis
from kombu.transport import virtual
from kombu.utils.json import dumps
from redis.exceptions import RedisError

if TYPE_CHECKING:
    import redis

log = structlog.get_logger("worker.transport")


class Book(kombu_redis.QoS):
    """Who holds what, as kombu's `unacked` and `unacked_index` say it."""

    client: ClassVar[redis.Redis]

    def append(self, message: Any, delivery_tag: str) -> None:
        """Book a delivery.

        Raises:
            redis.RedisError: it is not booked; the consumer starts anew, and the sweeper finds what was popped.
        """
        route = message.delivery_info
        pipeline = self.client.pipeline()
        pipeline.zadd(self.unacked_index_key, {delivery_tag: time.time()})
        pipeline.hset(
            self.unacked_key,
            delivery_tag,
            dumps([message._raw, route["exchange"], route["routing_key"]]),  # noqa: SLF001
        )
        pipeline.execute()
        virtual.QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Take a delivery out of the book; where that fails it is delivered again and found to be finished."""
        try:
            self._strike(delivery_tag)
        except RedisError as error:
            log.warning("acknowledgement_lost", task_id=delivery_tag, exc_info=error)
        finally:
            virtual.QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Take it out of the book, and put it back at the queue's head where it is to be delivered again."""
        try:
            if requeue:
                kombu_redis.QoS.restore_by_tag(self, delivery_tag, client=self.client, leftmost=True)
            else:
                self._strike(delivery_tag)
        except RedisError as error:
            log.warning("rejection_lost", task_id=delivery_tag, exc_info=error)
        finally:
            virtual.QoS.ack(self, delivery_tag)

    def restore_unacked(self, client: object = None) -> None:
        """Hand back what is held, when the worker stops.

        After a lost connection nothing is handed back: the tasks still run here and their leases are renewed.
        """
        del client
        virtual.QoS._flush(self)  # noqa: SLF001 - as kombu's own does
        if state.should_stop is not None or state.should_terminate is not None:
            # The newest first, each to the head: the oldest ends in front.
            for delivery_tag in reversed(list(self._delivered)):
                try:
                    kombu_redis.QoS.restore_by_tag(self, delivery_tag, client=self.client, leftmost=True)
                except RedisError as error:
                    log.warning("hand_back_lost", task_id=delivery_tag, exc_info=error)
        self._delivered.clear()

    def _strike(self, delivery_tag: str) -> None:
        pipeline = self.client.pipeline()
        pipeline.zrem(self.unacked_index_key, delivery_tag)
        pipeline.hdel(self.unacked_key, delivery_tag)
        pipeline.execute()


def transport_with_book(client: redis.Redis) -> type[kombu_redis.Transport]:
    """Make kombu's Redis transport whose book is kept with this client."""
    book = type("Book", (Book,), {"client": client})
    channel = type("Channel", (kombu_redis.Channel,), {"QoS": book})
    return type("Transport", (kombu_redis.Transport,), {"Channel": channel})
