"""A link logs in once: whichever console it comes to, whenever, and however many use it at the same moment."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx

from local_stack.ports import free_port
from local_stack.redis_server import RedisServer
from schemas.ids import new_task_id
from schemas.overseeing import LINK_CLAIM, READ_SCOPE
from tests.console.client import OWN_HEADER
from tests.support.tokens import token

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Environment
    from tests.console.client import Console
    from tests.console.conftest import OpenConsole


def a_link(**claims: Any) -> dict[str, Any]:
    """The claims of a link that nobody has used."""
    return {LINK_CLAIM: new_task_id(), **claims}


def told(response: httpx.Response) -> tuple[int, str | None]:
    return response.status_code, response.json().get("error")


def test_a_link_logs_in_once(console: Console) -> None:
    link = a_link()
    assert told(console.log_in(**link)) == (200, None)
    assert told(console.log_in(**link)) == (401, "link_used")


def test_a_session_of_a_link_outlives_the_link(console: Console) -> None:
    now = int(time.time())
    response = console.log_in(**a_link(exp=now + 60))
    assert response.json()["until"] > now + 3600


def test_a_link_logs_in_once_in_all_consoles_and_after_their_restarts(
    console: Console, module_env: Environment, open_console: OpenConsole
) -> None:
    older, link = a_link(iat=int(time.time()) - 3000), a_link()
    assert told(console.log_in(**link)) == (200, None)
    other = open_console(module_env)
    assert told(other.log_in(**link)) == (401, "link_used")
    # It was made long before this console was started. Nobody has used it.
    assert told(other.log_in(**older)) == (200, None)
    assert told(console.log_in(**older)) == (401, "link_used")


def test_of_many_who_use_a_link_at_the_same_moment_one_is_logged_in(
    console: Console, module_env: Environment, open_console: OpenConsole
) -> None:
    urls = [each.url for each in (console, open_console(module_env))] * 10
    bearer = token(module_env, scope=READ_SCOPE, **a_link())
    headers = {**OWN_HEADER, "authorization": f"Bearer {bearer}"}

    def use(url: str) -> tuple[int, str | None]:
        return told(httpx.post(f"{url}/api/session", headers=headers, timeout=30, trust_env=False))

    with ThreadPoolExecutor(len(urls)) as pool:
        answers = list(pool.map(use, urls))
    assert sorted(answers, key=str) == [(200, None), *[(401, "link_used")] * (len(urls) - 1)]


def test_a_link_is_refused_while_redis_is_away_and_works_once_afterwards(
    tmp_path: Path, isolated_env: Environment, open_console: OpenConsole
) -> None:
    server = RedisServer(tmp_path / "redis", free_port())
    server.start()
    try:
        console = open_console(isolated_env, INTAKE_REDIS_URL=server.url, INTAKE_REDIS_TIMEOUT_SECONDS="0.5")
        link = a_link()
        server.kill()
        assert told(console.log_in(**link)) == (503, "link_unchecked")
        assert [each["reason"] for each in console.acts("link_unchecked")] == ["ConnectionError"]
        assert "set-cookie" not in console.log_in(**link).headers
        # A token that is no link needs no Redis: that is when people look.
        assert told(console.log_in()) == (200, None)
        server.start()
        assert told(console.log_in(**link)) == (200, None)
        assert told(console.log_in(**link)) == (401, "link_used")
    finally:
        server.kill()
