"""The URI of MongoDB. A URI that pymongo would refuse is a fault at the start, which does not repeat the URI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymongo import MongoClient

from startup.environment import EnvironmentReader
from worker.dependencies.mongodb_uri import DEFAULT_URI, read_database_name, read_mongodb_uri

if TYPE_CHECKING:
    from pathlib import Path

PASSWORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
HOSTILE = st.text(st.sampled_from("#/@?:%[]&=+ \\é€1a"), min_size=1, max_size=12)


def faults_of(uri: str) -> list[str]:
    reader = EnvironmentReader({"INTAKE_MONGODB_URI": uri})
    read_mongodb_uri(reader)
    return reader.faults


@pytest.mark.parametrize(
    "uri",
    [
        DEFAULT_URI,
        "mongodb://a,b:1,[::1]:2/",
        "mongodb://me:secret@h/admin?replicaSet=rs0&w=majority&readPreference=secondary&tls=true",
        "mongodb+srv://me:secret@cluster.example.com/?retryWrites=true&w=majority",
    ],
)
def test_a_uri_that_the_driver_takes_is_no_fault_and_no_name_is_looked_up(uri: str) -> None:
    assert faults_of(uri) == []


@given(user=PASSWORDS, password=PASSWORDS)
def test_any_user_and_password_are_read_when_they_are_percent_encoded(user: str, password: str) -> None:
    assert faults_of(f"mongodb://{quote(user, safe='')}:{quote(password, safe='')}@h/?replicaSet=rs0") == []


@given(password=st.one_of(HOSTILE, PASSWORDS))
def test_a_password_without_percent_encoding_is_read_as_the_driver_reads_it_or_a_fault(password: str) -> None:
    uri = f"mongodb://me:{password}x@h:27017/?replicaSet=rs0"
    if not faults_of(uri):
        client: MongoClient[Any] = MongoClient(uri.strip(), connect=False)
        client.close()
        assert "host=['h:27017']" in repr(client)


@pytest.mark.parametrize("character", "/@?:%")
def test_no_piece_of_a_password_is_in_a_fault(character: str) -> None:
    (fault,) = faults_of(f"mongodb://me:canary{character}1x-canary@h/?replicaSet=rs0")
    assert "canary" not in fault
    assert "percent-encoded" in fault


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://",
        "mongodb://canary:port/",
        "mongodb://h/?canary=1",
        "mongodb://me:1/canary@h",
        "mongodb://me:1?canary@h",
        "mongodb+srv://canary:27017/",
        "mongodb://h/?srvServiceName=canary",
        "mongodb://h/?directConnection=true&loadBalanced=true&appName=canary",
        "mongodb://h/?authMechanism=MONGODB-X509&authSource=canary",
        "mongodb://h/?tlsCAFile=/canary",
        "mongodb://me:<canary>@h/",
        "mongodb://<canary>:<canary>@h/",
    ],
)
def test_any_other_text_is_a_fault_that_does_not_repeat_it(uri: str) -> None:
    (fault,) = faults_of(uri)
    assert "canary" not in fault


def test_an_option_with_an_impossible_value_is_told_by_its_name() -> None:
    (fault,) = faults_of("mongodb://h/?readPreference=canary&maxPoolSize=canary&w=majority")
    assert fault.endswith("does not take: readpreference, maxpoolsize")


def test_the_uri_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "uri").write_text("mongodb://me:secret@h/\n")
    reader = EnvironmentReader({"INTAKE_MONGODB_URI_FILE": str(tmp_path / "uri")})
    assert read_mongodb_uri(reader).get_secret_value() == "mongodb://me:secret@h/"
    reader.check()


@pytest.mark.parametrize("name", ["a.b", "a b", "a/b", "$a", "a" * 64, "é" * 32, "a*", "\udcff"])
def test_a_name_that_no_database_can_have_is_a_fault_at_the_start(name: str) -> None:
    reader = EnvironmentReader({"INTAKE_MONGODB_DATABASE": name})
    read_database_name(reader)
    (fault,) = reader.faults
    assert fault.startswith("INTAKE_MONGODB_DATABASE must be at most 63 bytes")
