"""Who may look, who may act, and what no other page can make a browser do."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from console.settings import read_console_settings
from schemas.overseeing import OPERATE_SCOPE, READ_SCOPE
from startup.environment import SettingsError
from tests.console.client import MOST_EVENTS, OWN_HEADER, Console
from tests.support.tokens import token

if TYPE_CHECKING:
    from tests.conftest import Environment
    from tests.console.conftest import OpenConsole

LOOKS = ("session", "live", "hour", "find?id=x", "dead-letters")
ACTS = ("dead-letters/requeue", "dead-letters/drop", "batches/cancel", "endpoints/switch", "pause")


def test_a_token_logs_in_once_and_then_the_cookie_does(console: Console) -> None:
    response = console.log_in()
    assert response.status_code == 200
    assert response.json() | {"until": 0} == {"ok": True, "name": "olga", "may_operate": True, "until": 0}
    assert console.get("session").json()["name"] == "olga"


def test_no_script_and_no_other_site_gets_at_the_cookie(console: Console) -> None:
    cookie = console.log_in().headers["set-cookie"]
    assert cookie.startswith("intake-console=")
    assert "; HttpOnly; SameSite=Strict; " in cookie
    assert "; Path=/; " in cookie


def test_away_from_this_machine_the_cookie_needs_tls(console: Console) -> None:
    bearer = token(console.running.environment, scope=READ_SCOPE)
    headers = {**OWN_HEADER, "authorization": f"Bearer {bearer}", "host": "console.example.com"}
    cookie = console.http.post(f"{console.url}/api/session", headers=headers).headers["set-cookie"]
    assert cookie.startswith("__Host-intake-console=")
    assert cookie.endswith("; Secure")


@pytest.mark.parametrize(
    ("claims", "status", "error"),
    [
        ({"scope": "customer:create"}, 403, "insufficient_scope"),
        ({"scope": ""}, 403, "insufficient_scope"),
        ({"exp": 1}, 401, "invalid_token"),
        ({"sub": None}, 401, "invalid_token"),
    ],
)
def test_other_tokens_do_not_log_in(console: Console, claims: dict[str, Any], status: int, error: str) -> None:
    bearer = token(console.running.environment, **{"scope": READ_SCOPE, **claims})
    headers = {**OWN_HEADER, "authorization": f"Bearer {bearer}"}
    response = console.http.post(f"{console.url}/api/session", headers=headers)
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("path", LOOKS)
def test_nobody_looks_without_a_session(console: Console, path: str) -> None:
    response = console.get(path)
    assert (response.status_code, response.json()["error"]) == (401, "no_session")


@pytest.mark.parametrize("path", ACTS)
def test_nobody_acts_without_a_session(console: Console, path: str) -> None:
    assert console.act(path).status_code == 401


@pytest.mark.parametrize("path", ACTS)
def test_whoever_may_only_look_is_refused_by_each_act(console: Console, path: str) -> None:
    assert console.log_in(scope=READ_SCOPE).json()["may_operate"] is False
    response = console.act(path, id="0" * 22, what="all", all=True, until=time.time())
    assert (response.status_code, response.json()["error"]) == (403, "insufficient_scope")
    assert OPERATE_SCOPE in response.headers["www-authenticate"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {**OWN_HEADER, "sec-fetch-site": "cross-site"},
        {**OWN_HEADER, "sec-fetch-site": "same-site"},
        {**OWN_HEADER, "origin": "https://evil.example.com"},
        {**OWN_HEADER, "origin": "null"},
    ],
    ids=["without our header", "another site", "another host of the site", "another origin", "no origin"],
)
@pytest.mark.parametrize("path", [*ACTS, "session"])
def test_no_other_page_can_act_with_the_cookie(operator: Console, path: str, headers: dict[str, str]) -> None:
    response = operator.http.post(f"{operator.url}/api/{path}", json={"what": "all"}, headers=headers)
    assert (response.status_code, response.json()["error"]) == (403, "foreign_page")


def test_our_own_page_acts(operator: Console) -> None:
    headers = {**OWN_HEADER, "sec-fetch-site": "same-origin", "origin": operator.url}
    response = operator.http.post(f"{operator.url}/api/pause", json={"what": "nothing"}, headers=headers)
    assert response.json() == {"ok": True, "changed": False}


@pytest.mark.parametrize("path", LOOKS)
def test_no_other_page_can_look_with_the_cookie(operator: Console, path: str) -> None:
    response = operator.http.get(f"{operator.url}/api/{path}", headers={"sec-fetch-site": "cross-site"})
    assert response.status_code == 403


def test_a_session_ends_with_its_token(console: Console) -> None:
    expires_at = int(time.time()) + 100
    assert console.log_in(exp=expires_at).json()["until"] == expires_at


def test_logging_out_makes_the_browser_forget(operator: Console) -> None:
    assert operator.http.delete(f"{operator.url}/api/session", headers=OWN_HEADER).status_code == 200
    assert operator.get("session").status_code == 401


def test_logging_out_ends_the_session_on_every_page_that_looks_with_it(operator: Console) -> None:
    copied = httpx.Cookies(operator.http.cookies)
    other = Console(operator.running, httpx.Client(timeout=30, trust_env=False, cookies=copied))
    with other.http, other.events() as events:
        assert next(events)[0] == "look"
        assert operator.http.delete(f"{operator.url}/api/session", headers=OWN_HEADER).status_code == 200
        assert list(islice(events, MOST_EVENTS))[-1] == ("closing", {})
        assert other.get("session").status_code == 401
    assert operator.log_in().status_code == 200
    assert operator.get("session").status_code == 200


def test_a_look_ends_with_its_session(console: Console) -> None:
    console.log_in(exp=int(time.time()) + 2)
    with console.events() as events:
        assert list(islice(events, MOST_EVENTS))[-1] == ("closing", {})


def test_a_cookie_that_another_key_signed_is_no_session(
    console: Console, module_env: Environment, open_console: OpenConsole
) -> None:
    other = open_console(module_env, INTAKE_CONSOLE_SESSION_KEY_FILE="", INTAKE_CONSOLE_SESSION_KEY="x" * 32)
    other.log_in()
    console.http.cookies = other.http.cookies
    assert console.get("session").status_code == 401


def test_a_cookie_may_come_beside_a_few_of_its_name_and_not_behind_hundreds(operator: Console) -> None:
    good = operator.http.cookies["intake-console"]

    def status(*values: str) -> int:
        headers = {**OWN_HEADER, "cookie": "; ".join(f"intake-console={each}" for each in values)}
        return httpx.get(f"{operator.url}/api/session", headers=headers, trust_env=False).status_code

    assert status("é".encode().hex(), good) == 200
    assert status(*["eyJhbGciOiJIUzI1NiJ9.e30.AAAA"] * 300, good) == 401


def test_a_session_outlives_a_restart(module_env: Environment, open_console: OpenConsole) -> None:
    console = open_console(module_env)
    console.log_in()
    restarted = open_console(module_env, console.http)
    assert restarted.get("session").json()["name"] == "olga"


def test_a_bearer_token_is_no_session_cookie(console: Console) -> None:
    bearer = token(console.running.environment, scope=OPERATE_SCOPE)
    console.http.cookies.set("intake-console", bearer)
    assert console.get("session").status_code == 401


def test_logging_in_is_logged_with_the_name_and_without_the_token(console: Console) -> None:
    console.log_in(sub="a-name-for-the-log")
    (line,) = [each for each in console.acts("operator_logged_in") if each["by"] == "a-name-for-the-log"]
    assert line["may_operate"] is True
    assert "eyJ" not in console.running.log()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONSOLE_PORT", "0"),
        ("CONSOLE_SESSION_KEY", "short"),
        ("CONSOLE_SESSION_HOURS", "0"),
        ("CONSOLE_SESSION_HOURS", "169"),
        ("REDIS_TIMEOUT_SECONDS", "0"),
        ("LOG_LEVEL", "all"),
    ],
)
def test_settings_that_cannot_be_used_stop_the_start(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"INTAKE_{name} "):
        read_console_settings({"INTAKE_JWT_SECRET": "s" * 32, f"INTAKE_{name}": value})


def test_the_console_needs_no_key_that_opens_or_seals_requests() -> None:
    settings = read_console_settings({"INTAKE_JWT_SECRET": "s" * 32})
    assert (settings.host, settings.port, settings.session_key) == ("127.0.0.1", 3006, None)
