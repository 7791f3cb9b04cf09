"""The members of MongoDB of docker-compose.ha.yml: the health check of the first initiates the set, and only once.

mongosh is not at hand, so the commands of its script are sent by the driver.
"""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING, Any

import pymongo
import pytest
from pymongo import WriteConcern
from pymongo.errors import OperationFailure, PyMongoError

from local_stack.mongo_server import REPLICA_SET, MongoMember
from local_stack.ports import free_port
from tests.deploy.test_compose import HA
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def _told(member: MongoMember) -> dict[str, Any]:
    """What a member says of itself; nothing where it does not answer."""
    with member.client() as client:
        try:
            return client.admin.command("hello")
        except PyMongoError:
            return {}


@pytest.fixture
def members(tmp_path: Path) -> Iterator[list[MongoMember]]:
    made = [MongoMember(tmp_path / name, free_port(), name=name) for name in ("mongo-1", "mongo-2", "mongo-3")]
    try:
        for member in made:
            member.start()
        for member in made:
            wait_until(partial(_told, member), timeout=60, what=f"{member.name} answers")
        yield made
    finally:
        for member in made:
            member.kill()


@pytest.mark.slow
def test_a_member_that_has_lost_its_disk_makes_no_second_set_and_gets_its_data_again(
    members: list[MongoMember], tmp_path: Path
) -> None:
    first, second, _ = members
    wanted = {
        "_id": REPLICA_SET,
        "members": [{"_id": number, "host": member.address} for number, member in enumerate(members, start=1)],
    }
    script = str(HA["services"]["mongo-1"]["healthcheck"]["test"])
    with first.client() as client:
        with pytest.raises(OperationFailure) as refused:
            client.admin.command("replSetGetStatus")
        assert f"!== '{(refused.value.details or {})['codeName']}'" in script
        with pymongo.timeout(60):
            client.admin.command("replSetInitiate", wanted)
    wait_until(lambda: _told(first).get("isWritablePrimary"), timeout=60, what="there is a primary")
    with first.client() as client, pymongo.timeout(60):
        on_all = WriteConcern(w=len(members))
        client.kept.get_collection("customers", write_concern=on_all).insert_one({"_id": "kept"})

    first.kill()
    shutil.rmtree(tmp_path / "mongo-1")
    first.start()
    wait_until(partial(_told, first), timeout=60, what="the empty member answers")
    with first.client() as client, pymongo.timeout(60), pytest.raises(OperationFailure):
        client.admin.command("replSetInitiate", wanted)

    wait_until(lambda: _told(first).get("secondary"), timeout=60, what="the empty member follows the others")
    with first.client() as client:
        assert client.kept.customers.find_one() == {"_id": "kept"}
    assert _told(second)["setName"] == REPLICA_SET
