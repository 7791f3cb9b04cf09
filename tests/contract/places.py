"""All places that could hold something of a request, and the search through them."""

from __future__ import annotations

import base64
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from celery import Celery
from pymongo import MongoClient

from schemas.protocol.message import celery_routing

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis

    from tests.conftest import Running, Servers
    from tests.contract.service import Service


def forms_of(text: str) -> set[bytes]:
    """The text as it is, in hex, in UTF-16, and in base64 at each of the three places where it can begin."""
    raw = text.encode()
    forms = {raw, raw[::-1], raw.hex().encode(), raw.hex().upper().encode(), text.encode("utf-16-le")}
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # The first and last characters also hold bits of the text beside it, so they are left out.
            encoded = encode(b"\0" * shift + raw).rstrip(b"=")
            forms.add(encoded[(0, 2, 3)[shift] : -1])
    return forms


@dataclass(frozen=True)
class Places:
    """All places that could hold something of a request."""

    service: Service
    servers: Servers
    processes: list[Running]
    answers: list[bytes]

    def holding(self, text: str) -> set[str]:
        """The places that hold the text in any of its forms."""
        return self.holding_each(text)[text]

    def holding_each(self, *texts: str) -> dict[str, set[str]]:
        """The places that hold each of these texts in any of its forms. All is read once."""
        forms = {text: forms_of(text) for text in texts}
        places: dict[str, set[str]] = {text: set() for text in texts}
        for place, content in self._contents():
            for text in texts:
                if place not in places[text] and any(form in content for form in forms[text]):
                    places[text].add(place)
        return places

    def _contents(self) -> Iterator[tuple[str, bytes]]:
        with self.service.redis() as client:
            for key in client.scan_iter(count=1000):
                yield "redis", key + b"\0" + _value(client, key)
            # Commands as MONITOR, the slow log and the list of clients show them.
            yield "redis", repr(client.execute_command("SLOWLOG", "GET", "-1")).encode()
            yield "redis", repr(client.client_list()).encode()
        for path in self.servers.folder.rglob("*"):
            if path.is_file() and not path.is_relative_to(self.servers.folder / "secrets"):
                yield _name_of(path, self.servers), _data_of(path)
        with MongoClient[dict[str, Any]](self.service.environment["INTAKE_MONGODB_URI"]) as mongo:
            mongo.admin.command("fsync")
            for name in mongo.list_database_names():
                for collection in mongo[name].list_collection_names():
                    for document in mongo[name][collection].find():
                        yield "documents", repr(document).encode()
        for answer in self.answers:
            yield "answers", answer
        for process in self.processes:
            yield "logs", process.log().encode()
            yield "arguments", Path(f"/proc/{process.process.pid}/cmdline").read_bytes()
            if process.environment.get("INTAKE_CELERY_REMOTE_CONTROL"):
                yield "inspect", self._inspection()

    def _inspection(self) -> bytes:
        app = Celery("inspector", broker=self.service.environment["INTAKE_REDIS_URL"], set_as_current=False)
        app.conf.update(celery_routing())
        with app.connection_for_read() as connection:
            inspect = app.control.inspect(timeout=10, limit=1, connection=connection)
            shown = [inspect.active(), inspect.reserved(), inspect.scheduled(), inspect.stats()]
        app.close()
        assert all(shown)
        return json.dumps(shown, default=str).encode()


def _value(client: redis.Redis, key: bytes) -> bytes:
    kind = client.type(key)
    read: dict[bytes, Any] = {
        b"string": lambda: client.get(key),
        b"hash": lambda: client.hgetall(key),
        b"list": lambda: client.lrange(key, 0, -1),
        b"set": lambda: client.smembers(key),
        b"zset": lambda: client.zrange(key, 0, -1, withscores=True),
        b"stream": lambda: client.xrange(key),
    }
    return b"\0".join(_leaves(read[kind]() if kind in read else client.dump(key)))


def _leaves(value: Any) -> Iterator[bytes]:
    if isinstance(value, dict):
        yield from (leaf for pair in value.items() for leaf in _leaves(pair))
    elif isinstance(value, (list, tuple, set)):
        yield from (leaf for one in value for leaf in _leaves(one))
    else:
        yield value if isinstance(value, bytes) else str(value).encode()


def _data_of(path: Path) -> bytes:
    """What was written to the file. MongoDB reserves hundreds of megabytes, of which it has written little."""
    parts = []
    with path.open("rb", buffering=0) as file, suppress(OSError):  # how Linux tells that no data comes any more
        end = 0
        while True:
            start = os.lseek(file.fileno(), end, os.SEEK_DATA)
            end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            parts.append(os.pread(file.fileno(), end - start, start))
    return b"\0".join(parts)


def _name_of(path: Path, servers: Servers) -> str:
    return {"redis": "aof", "mongo": "mongo files"}.get(path.relative_to(servers.folder).parts[0], "logs")
