"""The samples of the presets, planned as `submit` plans them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.importing.options import ImportOptions
from cli.importing.plan import make_plan
from cli.importing.preview import preview
from cli.importing.reading.input_file import InputFile
from schemas.customer import InvalidRequestError, parse_customer_request
from tests.cli.importing.plans import customers, faults, refusal, resent, rows_of, written
from tests.cli.presets.samples import COMMANDS, FOLDER, PASSWORDS

if TYPE_CHECKING:
    from pathlib import Path

KEY = b"0123456789abcdef0123456789abcdef"


def options_of(name: str) -> dict[str, Any]:
    """The options with which a sample goes in whole, as the plan takes them."""
    words = iter(COMMANDS[name]["options"])
    options: dict[str, Any] = {"defaults": {}, "mapping": {}}
    for word in words:
        match word:
            case "--from":
                options["preset"] = next(words)
            case "--default" | "--map":
                field, _, text = next(words).partition("=")
                options["defaults" if word == "--default" else "mapping"][field] = text
            case "--initial-passwords":
                options["initial_password_key"] = KEY
                next(words)
            case _:
                options[word.removeprefix("--").replace("-", "_")] = True
    return options


def faulty_fields(customer: dict[str, Any]) -> set[str]:
    """The fields of which the service would complain."""
    try:
        parse_customer_request(customer)
    except InvalidRequestError as error:
        return {fault["field"] for fault in error.faults}
    return set()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_sample_goes_in_whole_with_its_command(name: str) -> None:
    rows = rows_of(FOLDER / COMMANDS[name]["file"], **options_of(name))

    sent = customers(rows)

    assert {customer["email"] for customer in sent} == set(PASSWORDS[name])
    # Fast hashes are for workers that wrap them.
    allowed = {"passwordHash"} if COMMANDS[name]["worker"] else set()
    assert {field for customer in sent for field in faulty_fields(customer)} <= allowed


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_preview_of_a_sample_shows_nothing_secret(name: str) -> None:
    with InputFile(FOLDER / COMMANDS[name]["file"]) as source:
        plan = make_plan(source, ImportOptions(**options_of(name)))
        shown = list(preview(plan, source.content(), 100))
        sent = customers(list(plan.rows(source.content())))

    secrets = {customer[field] for customer in sent for field in ("password", "passwordHash") if field in customer}
    assert secrets
    assert [secret for secret in secrets if secret in "".join(shown)] == []
    assert all("customer" in json.loads(line) for line in shown)


def test_an_export_of_another_product_is_refused() -> None:
    told = refusal(FOLDER / COMMANDS["magento"]["file"], preset="shopify")

    assert "this is not Shopify" in told
    assert "Its columns are email, _website" in told


def test_a_list_that_was_taken_out_of_its_object_is_read_as_well(tmp_path: Path) -> None:
    """As `jq .users` or `jq -c '.users[]'` writes it."""
    options = options_of("keycloak")
    users = json.loads((FOLDER / COMMANDS["keycloak"]["file"]).read_bytes())["users"]
    whole = customers(rows_of(FOLDER / COMMANDS["keycloak"]["file"], **options))

    for text in (json.dumps(users, indent=2), "".join(f"{json.dumps(user)}\n" for user in users)):
        assert customers(rows_of(written(tmp_path / "users.json", text), **options)) == whole


def test_the_users_of_a_realm_are_found_among_its_other_lists(tmp_path: Path) -> None:
    users = json.loads((FOLDER / COMMANDS["keycloak"]["file"]).read_bytes())["users"]
    realm = {"realm": "shop", "roles": {"realm": [{"name": "admin"}]}, "groups": [{}], "users": users, "clients": [{}]}
    whole = customers(rows_of(FOLDER / COMMANDS["keycloak"]["file"], **options_of("keycloak")))

    path = written(tmp_path / "realm.json", json.dumps(realm, indent=2))

    assert customers(rows_of(path, **options_of("keycloak"))) == whole
    told = refusal(written(path, json.dumps({"realm": "shop", "clients": [{"id": "1"}]})), preset="keycloak")
    assert "it has no username" in told


def test_an_export_in_another_form_is_refused() -> None:
    told = refusal(FOLDER / COMMANDS["woocommerce"]["file"], preset="shopify")

    assert "this is one JSON array. Shopify's customer export would be a table" in told


def test_a_failed_file_of_an_export_gets_its_hashes_back(tmp_path: Path) -> None:
    original = written(
        tmp_path / "users.csv",
        "user_email,user_pass,display_name\na@example.com,$2y$1,Jane\nb@,$2y$2,Joe\nc@,$2y$3,Jim\n",
    )
    failed = written(tmp_path / "failed.csv", "_line,_error,_reason,user_email,display_name\n4,e,r,c@example.com,Jim\n")

    assert "--passwords-from ORIGINAL" in refusal(failed, preset="wordpress")
    assert customers(resent(failed, original, preset="wordpress")) == [
        {"email": "c@example.com", "passwordHash": "$2y$3", "firstName": "Jim"}
    ]


def test_the_list_of_an_export_may_have_no_name(tmp_path: Path) -> None:
    users = [{"username": "a", "email": "a@example.com"}]
    path = tmp_path / "users.json"

    for text in (json.dumps(users), json.dumps({"roles": [{"name": "x"}], "users": users}), json.dumps(users[0])):
        assert [customer["email"] for customer in customers(rows_of(written(path, text), preset="keycloak"))] == [
            "a@example.com"
        ]


def test_a_mapped_column_counts_more_than_what_the_preset_makes(tmp_path: Path) -> None:
    path = written(
        tmp_path / "users.csv", "user_email,user_pass,Hash\na@example.com,$2y$1,$2b$04$\nb@example.com,$2y$2, \n"
    )

    rows = rows_of(path, preset="wordpress", mapping={"passwordHash": "Hash"})

    assert [customer["passwordHash"] for customer in customers(rows)] == ["$2b$04$", "$2y$2"]
    assert [row.columns["passwordHash"] for row in rows] == ["Hash", "user_pass"]


def test_a_row_that_cannot_be_read_is_told_once(tmp_path: Path) -> None:
    path = written(tmp_path / "users.csv", "user_email,user_pass\na@example.com,$2y$1\nb@example.com\n")

    assert faults(rows_of(path, preset="wordpress")) == [(3, "", "it has 1 cells, and the table has 2 columns")]
