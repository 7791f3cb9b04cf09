"""The message that the shim puts on the queue is the one that Celery itself would put there."""

from __future__ import annotations

import base64
import json
import warnings
from typing import TYPE_CHECKING, Any, Final

import pytest
from celery import Celery

from schemas.ids import is_task_id, new_task_id
from schemas.protocol.keys import QUEUE, TASK_NAME
from schemas.protocol.message import PLACEHOLDER_ID, MessageTemplate, celery_routing, queue, render_message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import redis

TASK_ID: Final = new_task_id()


@pytest.fixture
def celery_app(isolated_env: Mapping[str, str]) -> Iterator[Celery]:
    app = Celery("any-producer", broker=isolated_env["INTAKE_REDIS_URL"], set_as_current=False)
    app.conf.update(celery_routing())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # kombu leaves its pools to the garbage collector.
        yield app
        app.close()


def parts_that_may_differ(message: dict[str, Any]) -> dict[str, Any]:
    """Take out where the message comes from, and where an answer would go. The rest must be equal."""
    return {
        "origin": message["headers"].pop("origin"),
        "reply_to": message["properties"].pop("reply_to"),
        "delivery_tag": message["properties"].pop("delivery_tag"),
    }


def test_the_message_equals_what_celerys_own_redis_transport_writes(
    celery_app: Celery, redis_client: redis.Redis
) -> None:
    @celery_app.task(name=TASK_NAME, ignore_result=True)  # type: ignore[untyped-decorator] # celery has no types
    def customer_create() -> None:
        """Is sent and never run."""

    customer_create.apply_async(task_id=TASK_ID)

    (raw,) = redis_client.lrange(QUEUE, 0, -1)
    celerys, ours = json.loads(raw), json.loads(MessageTemplate().message(TASK_ID))
    parts_that_may_differ(celerys)
    assert parts_that_may_differ(ours) == {"origin": "customer-intake", "reply_to": "", "delivery_tag": TASK_ID}
    assert ours == celerys


def test_a_celery_consumer_takes_the_message_from_the_queue(celery_app: Celery, redis_client: redis.Redis) -> None:
    redis_client.lpush(QUEUE, MessageTemplate().message(TASK_ID))
    with celery_app.connection_for_read() as connection:
        received = queue()(connection.channel()).get(accept=["json"])
        assert received is not None
        assert (received.headers["id"], received.headers["task"]) == (TASK_ID, TASK_NAME)
        assert received.delivery_tag == TASK_ID
        received.ack()
    assert redis_client.llen(QUEUE) == 0


def test_the_message_has_the_task_id_in_every_place_where_celery_puts_it() -> None:
    message = json.loads(MessageTemplate().message(TASK_ID))
    assert message["headers"]["id"] == TASK_ID
    assert message["headers"]["root_id"] == TASK_ID
    assert message["properties"]["correlation_id"] == TASK_ID
    assert message["properties"]["delivery_tag"] == TASK_ID
    assert PLACEHOLDER_ID not in json.dumps(message)


def test_the_message_carries_no_arguments() -> None:
    message = json.loads(MessageTemplate().message(TASK_ID))
    args, kwargs, _embedded = json.loads(base64.b64decode(message["body"]))
    assert (args, kwargs) == ([], {})
    assert (message["headers"]["argsrepr"], message["headers"]["kwargsrepr"]) == ("()", "{}")


def test_two_messages_differ_only_in_their_ids() -> None:
    template, other = MessageTemplate(), new_task_id()
    assert template.message(TASK_ID).replace(TASK_ID.encode(), other.encode()) == template.message(other)


def test_the_placeholder_has_the_form_of_a_task_id_and_stands_only_where_the_id_does() -> None:
    assert is_task_id(PLACEHOLDER_ID)
    assert render_message() == MessageTemplate().message(PLACEHOLDER_ID)


def test_the_message_does_not_name_the_machine_or_the_process_that_made_it() -> None:
    message = json.loads(render_message())
    assert message["headers"]["origin"] == "customer-intake"
    assert message["properties"]["reply_to"] == ""
