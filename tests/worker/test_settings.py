"""The worker's settings have the documented defaults. Hashing is never cheaper than OWASP advises."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

import pytest

from passwords.cost import TEST_PROFILE, PasswordCost
from schemas.password_hashes.parsing import HashRules, parse_password_hash
from schemas.sealing import generate_key_pair
from startup.environment import SettingsError
from worker.customer.rules import Rules
from worker.settings import WorkerSettings, read_worker_settings, usable_cores

if TYPE_CHECKING:
    from pathlib import Path

PAIR: Final = generate_key_pair()
REQUIRED: Final = {"ID_KEY": "k" * 32, "SEALING_PRIVATE_KEYS": PAIR.private_line}


def read(**environment: str) -> WorkerSettings:
    return read_worker_settings({f"INTAKE_{name}": value for name, value in (REQUIRED | environment).items()})


def faults_of(**environment: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        read(**environment)
    return caught.value.faults


def test_the_defaults_are_the_documented_ones() -> None:
    settings = read()
    assert settings.mongodb_uri.get_secret_value() == "mongodb://127.0.0.1:27017/?replicaSet=rs0"
    assert settings.mongodb_database == "customer_intake"
    assert settings.mongodb_timeout_seconds == 8
    assert settings.concurrency == usable_cores() + 2
    assert settings.prefetch_multiplier == 8
    assert settings.hash_concurrency == usable_cores()
    assert settings.password_cost == PasswordCost(memory_kib=19456, time_cost=2, parallelism=1)
    assert not settings.test_profile
    assert settings.minimum_password_characters == 0
    assert settings.rules == Rules()
    assert settings.hash_rules == HashRules()
    assert settings.maximum_starts == 5
    assert settings.visibility_timeout_seconds == 60
    assert (settings.sweep_interval_seconds, settings.sweep_grace_seconds) == (5, 15)
    assert not settings.tells_rows
    assert (settings.events_kept_seconds, settings.unread_events_kept_seconds) == (7 * 86400, 30 * 86400)
    assert (settings.health_file, settings.metrics_host, settings.metrics_port) == ("", "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("time_cost", "least"), [(1, 47104), (2, 19456), (3, 12288), (4, 9216), (5, 7168), (6, 7168), (10, 7168)]
)
def test_hashing_is_never_cheaper_than_owasps_equivalents(time_cost: int, least: int) -> None:
    settings = read(ARGON2_TIME_COST=str(time_cost), ARGON2_MEMORY_KIB=str(least))
    assert settings.password_cost == PasswordCost(memory_kib=least, time_cost=time_cost, parallelism=1)
    (fault,) = faults_of(ARGON2_TIME_COST=str(time_cost), ARGON2_MEMORY_KIB=str(least - 1))
    assert fault == f"INTAKE_ARGON2_MEMORY_KIB must be at least {least} with a time cost of {time_cost} (OWASP)"


@pytest.mark.parametrize(("time_cost", "most"), [(1, 262144), (4, 262144), (5, 209715), (16, 65536)])
def test_hashing_never_costs_more_than_a_login_takes(time_cost: int, most: int) -> None:
    settings = read(ARGON2_TIME_COST=str(time_cost), ARGON2_MEMORY_KIB=str(most), ARGON2_PARALLELISM="8")
    digits = "A" * 43
    made = f"$argon2id$v=19$m={settings.password_cost.memory_kib},t={time_cost},p=8${digits[:22]}${digits}"
    assert parse_password_hash(made) == "argon2id"
    (fault,) = faults_of(ARGON2_TIME_COST=str(time_cost), ARGON2_MEMORY_KIB=str(most + 1))
    assert fault.startswith("INTAKE_ARGON2_MEMORY_KIB must be ")


@pytest.mark.parametrize("setting", ["ARGON2_TIME_COST", "ARGON2_PARALLELISM"])
def test_neither_passes_nor_lanes_are_more_than_a_login_takes(setting: str) -> None:
    (fault,) = faults_of(**{setting: "17"})
    assert fault.startswith(f"INTAKE_{setting} must be a whole number from 1 to ")


def test_with_one_pass_the_memory_is_as_large_as_one_pass_needs() -> None:
    assert read(ARGON2_TIME_COST="1").password_cost.memory_kib == 47104


def test_the_cheap_profile_for_tests_must_be_asked_for_and_shows_in_the_settings() -> None:
    settings = read(ARGON2_TEST_PROFILE="1")
    assert settings.password_cost == TEST_PROFILE
    assert settings.test_profile


def test_all_faults_of_shared_and_own_settings_are_told_at_once() -> None:
    faults = faults_of(
        ID_KEY="short",
        SEALING_PRIVATE_KEYS=PAIR.public_line,
        MONGODB_URI="postgres://me:canary@h",
        MAXIMUM_STARTS="2",
        ARGON2_MEMORY_KIB="2048",
        WORKER_CONCURRENCY="0",
    )
    assert sorted(fault.split()[0] for fault in faults) == [
        "INTAKE_ARGON2_MEMORY_KIB",
        "INTAKE_ID_KEY",
        "INTAKE_MAXIMUM_STARTS",
        "INTAKE_MONGODB_URI",
        "INTAKE_SEALING_PRIVATE_KEYS",
        "INTAKE_WORKER_CONCURRENCY",
    ]
    assert "canary" not in "".join(faults)


def test_events_that_somebody_still_needs_are_not_kept_for_less_than_others() -> None:
    (fault,) = faults_of(EVENTS_KEPT_DAYS="40")
    assert fault == "INTAKE_UNREAD_EVENTS_KEPT_DAYS must not be less than INTAKE_EVENTS_KEPT_DAYS"


SIGNER_KEY: Final = base64.b64encode(b"canary" * 10 + b"....").decode()


def test_wrapping_and_the_signer_key_are_rules_for_hashes_and_the_key_is_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "signer-key"
    file.write_text(f"{SIGNER_KEY}\n")
    settings = read(WRAP_FAST_HASHES="true", FIREBASE_SIGNER_KEY_FILE=str(file))
    assert settings.hash_rules == HashRules(wraps_fast_hashes=True, signer_key_bytes=64)
    assert read(FIREBASE_SIGNER_KEY=SIGNER_KEY).hash_rules == HashRules(signer_key_bytes=64)
    assert SIGNER_KEY[:20] not in repr(settings)
    assert "canary" not in repr(settings)


@pytest.mark.parametrize("key", ["canary!", SIGNER_KEY[:-1], SIGNER_KEY[:40], SIGNER_KEY * 5], ids=range(4))
def test_a_signer_key_that_no_project_has_is_a_fault_without_the_key(key: str) -> None:
    (fault,) = faults_of(FIREBASE_SIGNER_KEY=key)
    assert fault.startswith("INTAKE_FIREBASE_SIGNER_KEY must be base64_signer_key of a project of Firebase")
    assert key not in fault


def test_without_private_keys_nothing_starts() -> None:
    with pytest.raises(SettingsError) as caught:
        read_worker_settings({"INTAKE_ID_KEY": "k" * 32})
    (fault,) = caught.value.faults
    assert fault.startswith("INTAKE_SEALING_PRIVATE_KEYS is required")


def test_a_key_ring_that_cannot_be_parsed_is_a_fault_without_the_keys() -> None:
    broken = PAIR.private_line[:-4]
    (fault,) = faults_of(SEALING_PRIVATE_KEYS=broken)
    assert fault.startswith("INTAKE_SEALING_PRIVATE_KEYS does not hold private keys")
    assert broken.split(":")[1] not in fault


def test_several_private_keys_are_one_ring() -> None:
    other = generate_key_pair()
    assert set(read(SEALING_PRIVATE_KEYS=f"{PAIR.private_line}\n{other.private_line}").key_ring) == {
        PAIR.key_id,
        other.key_id,
    }


def test_no_secret_is_in_the_repr_of_the_settings() -> None:
    shown = repr(read(MONGODB_URI="mongodb://me:canary@h/?replicaSet=rs0"))
    assert "canary" not in shown
    assert "k" * 32 not in shown
    assert PAIR.private_line.split(":")[1] not in shown


def test_further_countries_and_special_use_domains_are_separated_by_spaces() -> None:
    settings = read(EXTRA_COUNTRIES=" XK IC ", SPECIAL_USE_DOMAINS="test local")
    assert settings.rules == Rules(
        further_countries=frozenset({"XK", "IC"}), special_use_domains=frozenset({"test", "local"})
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EXTRA_COUNTRIES", "xk"),
        ("EXTRA_COUNTRIES", "XK,IC"),
        ("EXTRA_COUNTRIES", "XKX"),
        ("EXTRA_COUNTRIES", "BL AN"),
        ("EXTRA_COUNTRIES", "canary"),
        ("SPECIAL_USE_DOMAINS", ".test"),
        ("SPECIAL_USE_DOMAINS", "TEST"),
        ("SPECIAL_USE_DOMAINS", "canary.example"),
    ],
)
def test_a_country_or_a_domain_that_may_not_be_chosen_is_a_fault(name: str, value: str) -> None:
    (fault,) = faults_of(**{name: value})
    assert fault.startswith(f"INTAKE_{name} must be some of ")
    assert "canary" not in fault
