"""A real MongoDB that asks for TLS, and for users as docs/operations.md makes them."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from local_stack.mongo_server import MongoMember, MongoReplicaSet
from local_stack.ports import free_port
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.certificates import Authority, Issued

DATABASE: Final = "customer_intake"
USER: Final = "intake-worker"
PASSWORD: Final = "canary-of-mongodb"
_ROOT: Final = "root"
_GUIDE: Final = Path(__file__).parents[2] / "docs" / "operations.md"
_COMMAND: Final = re.compile(r'^db\.getSiblingDB\("admin"\)\.runCommand\((\{.*\})\)$', re.MULTILINE)


def one_file(issued: Issued) -> Path:
    """Certificate and key in one file, as MongoDB and its drivers want them."""
    path = issued.certificate.with_suffix(".both.pem")
    path.write_bytes(issued.certificate.read_bytes() + issued.key.read_bytes())
    return path


@dataclass(frozen=True)
class GuardedMongo:
    """A running server."""

    member: MongoMember
    own: Path
    """The tests' client certificate."""
    authority: Authority

    def uri(self, user: str = USER, password: str = PASSWORD, *, tls: str | None = None) -> str:
        """The URI with which this user signs in, with these options of TLS in place of the right ones."""
        right = f"&tls=true&tlsCAFile={self.authority.certificate}&tlsCertificateKeyFile={self.own}"
        options = f"replicaSet=rs0&authSource=admin{right if tls is None else tls}"
        return f"mongodb://{user}:{password}@{self.member.address}/?{options}"

    def as_root(self) -> MongoClient[dict[str, Any]]:
        """A client that may do everything."""
        return MongoClient(self.uri(_ROOT), serverSelectionTimeoutMS=1000)


def commands_of_the_guide() -> list[dict[str, Any]]:
    """The commands that make role and user."""
    return [json.loads(text) for text in _COMMAND.findall(_GUIDE.read_text().replace('"PASSWORD"', f'"{PASSWORD}"'))]


@contextmanager
def guarded_mongo(folder: Path, authority: Authority, certificate: Issued) -> Iterator[GuardedMongo]:
    """A server with this certificate that asks clients for theirs."""
    folder.mkdir(parents=True)
    key_file = folder / "key"
    key_file.write_text("k" * 64)
    key_file.chmod(0o600)
    port = free_port()
    # Users are made before MongoDB asks for them.
    open_set = MongoReplicaSet(folder / "mongo", [port])
    open_set.start()
    with MongoClient[dict[str, Any]](open_set.uri) as client:
        client.admin.command("createUser", _ROOT, pwd=PASSWORD, roles=["root"])
        for command in commands_of_the_guide():
            client.admin.command(command)
    open_set.stop()
    member = MongoMember(
        folder / "mongo" / "member-0",
        port,
        name="mongo-guarded",
        options=[
            *("--auth", "--keyFile", str(key_file), "--tlsMode", "requireTLS"),
            *("--tlsCertificateKeyFile", str(one_file(certificate)), "--tlsCAFile", str(authority.certificate)),
        ],
    )
    member.start()
    guarded = GuardedMongo(member, one_file(authority.issue("client_of_mongo")), authority)
    try:
        wait_until(lambda: _is_primary(guarded), timeout=60, what="a primary that asks for passwords")
        yield guarded
    finally:
        member.kill()


def _is_primary(guarded: GuardedMongo) -> bool:
    try:
        with guarded.as_root() as client:
            return bool(client.admin.command("hello")["isWritablePrimary"])
    except PyMongoError:
        return False
