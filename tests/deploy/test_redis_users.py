"""The users of Redis in deploy/redis-users.acl have the rights that the sources need, and no others."""

from __future__ import annotations

from typing import Final

import pytest

from schemas.protocol.batch_keys import (
    BATCHES_KEY,
    OPEN_ROWS_KEY,
    WAITING_CHUNKS_KEY,
    batch_key,
    batches_key,
    open_batches_key,
)
from schemas.protocol.keys import (
    DEAD_KEY,
    EVENTS_KEY,
    EVENTS_TRIMMED_KEY,
    HELD_KEY,
    OPEN_KEY,
    PAUSED_KEY,
    QUEUE,
    RESENT_KEY,
    SWEEPER_LEASE_KEY,
    SWEEPER_PLACE_KEY,
    link_key,
    rate_key,
    record_key,
    result_key,
)
from schemas.protocol.lanes import CHUNKS
from schemas.protocol.overall import COUNTS_KEY, HISTORY_KEY, PROCESSES_KEY, PROCESSES_SEEN_KEY
from schemas.protocol.webhook_keys import NOTIFIER_KEY, endpoint_key
from startup.broker.redis_rights import PROBE_KEY, PROBE_LIST_KEY, PROCESSES, WORKER, Rights
from tests.deploy import redis_needs
from tests.support.redis_users import USERS_FILE

of_each_process = pytest.mark.parametrize("rights", PROCESSES, ids=lambda rights: rights.user)

PATTERNS: Final = {
    "BATCHES_KEY": {BATCHES_KEY},
    "CHUNKS.open_key": {CHUNKS.open_key},
    "CHUNKS.queue": {CHUNKS.queue},
    "CHUNKS.resent_key": {CHUNKS.resent_key},
    "DEAD_KEY": {DEAD_KEY},
    "EVENTS_KEY": {EVENTS_KEY},
    "EVENTS_TRIMMED_KEY": {EVENTS_TRIMMED_KEY},
    "HELD_KEY": {HELD_KEY},
    "OPEN_KEY": {OPEN_KEY},
    "OPEN_ROWS_KEY": {OPEN_ROWS_KEY},
    "HISTORY_KEY": {HISTORY_KEY},
    "PAUSED_KEY": {PAUSED_KEY},
    "PROCESSES_KEY": {PROCESSES_KEY},
    "PROCESSES_SEEN_KEY": {PROCESSES_SEEN_KEY},
    "QUEUE": {QUEUE},
    "RESENT_KEY": {RESENT_KEY},
    "SIGNUPS.queue": {QUEUE},
    "SWEEPER_LEASE_KEY": {SWEEPER_LEASE_KEY},
    "WAITING_CHUNKS_KEY": {WAITING_CHUNKS_KEY},
    "batch_key": {batch_key("*")},
    "batch_of": {batch_key("*")},
    "batches": {BATCHES_KEY},
    "batches_of": {batches_key("*")},
    "chunks_key": {batch_key("*")},
    "chunks_of": {batch_key("*")},
    "chunks_open": {CHUNKS.open_key},
    "chunks_queue": {CHUNKS.queue},
    "chunks_resent": {CHUNKS.resent_key},
    "chunks_waiting": {WAITING_CHUNKS_KEY},
    "claims_of": {batch_key("*")},
    "dead_letters": {DEAD_KEY},
    "events": {EVENTS_KEY},
    "held": {HELD_KEY},
    "lane.open_key": {OPEN_KEY, CHUNKS.open_key},
    "lane.place_key": {SWEEPER_PLACE_KEY, CHUNKS.place_key},
    "lane.queue": {QUEUE, CHUNKS.queue},
    "lane.resent_key": {RESENT_KEY, CHUNKS.resent_key},
    "news_of": set(),  # a channel
    "open_batches_of": {open_batches_key("*")},
    "history": {HISTORY_KEY},
    "open_rows": {OPEN_ROWS_KEY},
    "open_tasks": {OPEN_KEY},
    "overall_counts": {COUNTS_KEY},
    "paused": {PAUSED_KEY},
    "processes": {PROCESSES_KEY},
    "processes_seen": {PROCESSES_SEEN_KEY},
    "rate_key": {rate_key("*")},
    "NOTIFIER_KEY": {NOTIFIER_KEY},
    "endpoint_key": {endpoint_key("*")},
    "tries_key": {endpoint_key("*")},
    "waiting_key": {endpoint_key("*")},
    "link_key": {link_key("*")},
    "record_key": {record_key("*")},
    "record_of": {record_key("*")},
    "signups_queue": {QUEUE},
    "signups_resent": {RESENT_KEY},
    "result_key": {result_key("*")},
}
"""What the sources call a key → the patterns that stand for it in Redis' ACL."""

OF_LIBRARIES: Final = {"CLIENT|SETINFO", "ROLE", "SELECT"}
"""What connecting takes, with Sentinels or without."""

OF_SHARED_MODULES: Final = {
    "intake-shim": {"EVAL", "EVALSHA"},
    "intake-worker": {"EVAL", "EVALSHA", "EXEC", "INFO", "LLEN", "MULTI", "PING", "SCRIPT|LOAD"},
    "intake-notifier": {"EVALSHA"},
    "intake-console": {"EVALSHA", "PING", "SCRIPT|LOAD"},
    "intake-operator": {"EVALSHA", "SCRIPT|LOAD"},
}
"""What `schemas.protocol.call`, `startup.broker.calls`, the probe and kombu send for a process."""


def _patterns(names: set[str]) -> set[str]:
    return {pattern for name in names for pattern in PATTERNS[name]}


@of_each_process
def test_the_file_has_these_rights_in_its_lines(rights: Rights) -> None:
    (line,) = (line for line in USERS_FILE.read_text().splitlines() if line.startswith(f"user {rights.user} "))
    assert line.split(" ")[4:] == list(rights.rules())


@of_each_process
def test_the_commands_of_scripts_are_those_that_the_process_scripts_call(rights: Rights) -> None:
    assert set(rights.scripts) == redis_needs.commands_of_scripts(rights.user)


@of_each_process
def test_the_other_commands_are_those_that_the_process_modules_send(rights: Rights) -> None:
    shared = OF_LIBRARIES | OF_SHARED_MODULES[rights.user]
    assert set(rights.direct) == redis_needs.commands_sent_by(rights.user) | shared


@of_each_process
def test_the_keys_are_those_of_its_scripts_and_modules(rights: Rights) -> None:
    of_scripts = _patterns(redis_needs.names_of_keys(rights.user))
    of_modules = _patterns(redis_needs.names_of_keys_read(rights.user))
    read = of_modules | _patterns(redis_needs.names_of_keys_read_by_scripts(rights.user))
    of_probe = {PROBE_KEY, PROBE_LIST_KEY}
    assert {*rights.keys, *rights.written} - of_probe == of_scripts | (of_modules if rights is WORKER else set())
    assert set(rights.read) == read - {*rights.keys, *rights.written}
    assert len({*rights.keys, *rights.read, *rights.written}) == sum(
        map(len, (rights.keys, rights.read, rights.written))
    )


def test_redis_does_not_start_before_the_passwords_are_filled_in() -> None:
    text = USERS_FILE.read_text()
    assert "#PASSWORD_OF_" in text
    assert "nopass" not in "".join(line for line in text.splitlines() if not line.startswith("user default "))
