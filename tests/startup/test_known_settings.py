"""Variables that begin with `INTAKE_` and are no setting are told by their names, with the name that may be meant."""

from __future__ import annotations

import pytest

from startup.known_settings import unknown_settings


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("INTAKE_REDIS_ULR", "INTAKE_REDIS_ULR (INTAKE_REDIS_URL?)"),
        ("INTAKE_ARGON2_MEMORY", "INTAKE_ARGON2_MEMORY (INTAKE_ARGON2_MEMORY_KIB?)"),
        ("INTAKE_MONGO_URI_FILE", "INTAKE_MONGO_URI_FILE (INTAKE_MONGODB_URI_FILE?)"),
        ("INTAKE_log_level", "INTAKE_log_level (INTAKE_LOG_LEVEL?)"),
        ("INTAKE_LOG_LEVEL_FILE", "INTAKE_LOG_LEVEL_FILE (INTAKE_LOG_LEVEL?)"),
        ("INTAKE_QQ", "INTAKE_QQ"),
        ("INTAKE_", "INTAKE_"),
    ],
)
def test_an_unknown_setting_is_told_with_the_nearest_known_one(variable: str, told: str) -> None:
    assert list(unknown_settings([variable, "PATH"])) == [told]


def test_settings_of_another_process_and_variables_of_commands_are_known() -> None:
    variables = ["INTAKE_MONGODB_URI", "INTAKE_WEBHOOKS_FILE", "INTAKE_ID_KEY_FILE", "INTAKE_TOKEN", "INTAKE_UID"]
    assert not list(unknown_settings(variables))


@pytest.mark.parametrize("variable", ["INTAKE_ID_KEY: canary", "INTAKE_ID_KEY\ncanary", "INTAKE_ID_KEY-canary"])
def test_a_value_that_became_a_part_of_a_name_is_not_told(variable: str) -> None:
    assert list(unknown_settings([variable])) == ["INTAKE_ID_KEY... (INTAKE_ID_KEY?)"]


def test_what_kubernetes_tells_of_a_service_is_no_setting() -> None:
    of_a_service = [
        *("INTAKE_SHIM_SERVICE_HOST", "INTAKE_SHIM_SERVICE_PORT", "INTAKE_SHIM_SERVICE_PORT_HTTP", "INTAKE_SHIM_PORT"),
        *("INTAKE_SHIM_PORT_3005_TCP", "INTAKE_SHIM_PORT_3005_TCP_ADDR"),
    ]
    assert not list(unknown_settings(of_a_service))
    assert list(unknown_settings([*of_a_service, "INTAKE_SHIM_URL"])) == ["INTAKE_SHIM_URL"]
