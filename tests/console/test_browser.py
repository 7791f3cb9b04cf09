"""The page in a real browser: what is shown is what was submitted."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from local_stack.ports import free_port
from local_stack.redis_server import RedisServer
from schemas.overseeing import LINK_CLAIM, OPERATE_SCOPE
from tests.console.browsing import log_in, open_tab
from tests.contract.batch_client import BatchClient, a_row, lines
from tests.support.tokens import token
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.conftest import Environment
    from tests.console.browsing import Tab
    from tests.console.client import Console
    from tests.console.conftest import OpenConsole
    from tests.contract.service import Service

pytestmark = pytest.mark.slow

_SHIFT_THAT_NOBODY_SEES = 0.02


def test_a_token_logs_in_and_is_gone_from_the_page(tab: Tab, module_env: Environment) -> None:
    log_in(tab, module_env)
    assert tab.text("#who") == "olga"
    assert tab.page.input_value("#token") == ""
    assert tab.page.evaluate("document.cookie") == ""
    assert tab.page.evaluate("localStorage.length + sessionStorage.length") == 0
    tab.page.reload()
    tab.wait_for_text("#state", "live")
    tab.page.click("#log-out")
    tab.page.wait_for_selector("#token:visible")


def test_a_token_without_a_scope_is_refused_in_words(tab: Tab, module_env: Environment) -> None:
    tab.page.fill("#token", token(module_env, scope="customer:create"))
    tab.page.press("#token", "Enter")
    tab.page.wait_for_function("() => document.querySelector('#door-says').textContent.includes('scope')")
    assert tab.page.is_visible("#token")
    tab.faults.clear()  # the refusal's status


def test_a_link_logs_in_once_and_is_gone_from_the_address(
    browser: Browser, console: Console, module_env: Environment
) -> None:
    claims: dict[str, Any] = {LINK_CLAIM: "of the browser", "iat": int(time.time()) + 1}
    link = f"{console.url}/#{token(module_env, scope=OPERATE_SCOPE, **claims)}"
    with open_tab(browser) as first:
        first.page.goto(link)
        first.wait_for_text("#state", "live")
        assert first.page.url == f"{console.url}/"
        first.assert_in_order(console.url)
    with open_tab(browser) as second:
        second.page.goto(link)
        second.page.wait_for_function("() => document.querySelector('#door-says').textContent.includes('used before')")


def test_the_numbers_are_those_of_what_was_submitted(tab: Tab, module_env: Environment, service: Service) -> None:
    log_in(tab, module_env)
    before = _ledger(tab)
    service.create({"prefer": "wait=20"})
    service.create({"prefer": "wait=20"}, email="no email")
    BatchClient(service).done(lines(a_row(), a_row(), a_row()))
    wait_until(lambda: _ledger(tab)["accepted"] == [before["accepted"][0] + 2, before["accepted"][1] + 3], what="shown")
    assert _ledger(tab)["="] == [0, 0]
    tab.wait_for_text("#kept", "0 unaccounted for")
    tab.wait_for_text("#waiting", "0")
    assert "customer_invalid_email" in tab.text("#outcomes")
    assert tab.page.locator("#chart canvas").count() == 1
    tab.wait_for_text("#troubles", "All is well.")
    for kind in ("console", "shim", "worker"):
        tab.page.wait_for_selector(f"#processes tbody td:text-is('{kind}')")


def test_each_look_moves_nothing(tab: Tab, module_env: Environment, service: Service) -> None:
    log_in(tab, module_env)
    tab.page.wait_for_selector("#chart canvas")
    tab.page.wait_for_selector("#processes tbody td:text-is('worker')")
    service.create({"prefer": "wait=20"})
    wait_until(lambda: _ledger(tab)["finished"] != [0, 0], what="there are outcomes")
    tab.wait_for_frame()
    before = _ledger(tab)["finished"][0]
    tab.page.evaluate("window.shifts = 0")
    for _ in range(5):
        service.create({"prefer": "wait=20"})
    wait_until(lambda: _ledger(tab)["finished"][0] >= before + 5, what="the signups are shown")
    tab.wait_for_new_point()
    tab.wait_for_frame()
    assert tab.page.evaluate("window.shifts") < _SHIFT_THAT_NOBODY_SEES


def test_a_task_is_found_and_its_way_is_shown(tab: Tab, module_env: Environment, service: Service) -> None:
    task_id = service.create().json()["task"]["id"]
    service.result(task_id)
    log_in(tab, module_env)
    tab.page.fill("#asked", task_id)
    tab.page.press("#asked", "Enter")
    tab.page.wait_for_selector("#found .way")
    way = re.sub(r"\s+", " ", tab.text("#found .way"))
    assert ["Accepted" in way, "Started" in way, "Finished" in way] == [True] * 3
    assert tab.page.evaluate("document.activeElement.id") == "found"
    assert "created" in tab.text("#found")


def test_what_is_not_there_is_told_in_words(tab: Tab, module_env: Environment) -> None:
    log_in(tab, module_env)
    tab.page.fill("#asked", "nothing")
    tab.page.press("#asked", "Enter")
    tab.page.wait_for_selector("#found .empty")
    tab.faults.clear()  # the 404


def test_a_hidden_tab_asks_for_nothing(tab: Tab, module_env: Environment, console: Console) -> None:
    log_in(tab, module_env)
    hide = """(hidden) => { Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
      document.dispatchEvent(new Event("visibilitychange")); }"""
    ended = console.running.log().count('"route": "/api/live"')
    tab.page.evaluate(hide, True)
    wait_until(lambda: console.running.log().count('"route": "/api/live"') > ended, what="the stream ends")
    tab.page.evaluate(hide, False)
    tab.page.wait_for_function(
        "() => performance.getEntriesByType('resource').filter((each) => each.name.endsWith('/api/hour')).length > 1"
    )


def test_the_hour_is_read_once_redis_is_back(
    browser: Browser, isolated_env: Environment, open_console: OpenConsole, tmp_path: Path
) -> None:
    redis = RedisServer(tmp_path / "redis", free_port())
    redis.start()
    console = open_console(isolated_env, INTAKE_REDIS_URL=redis.url, INTAKE_REDIS_TIMEOUT_SECONDS="0.5")
    with open_tab(browser) as tab:
        redis.process.pause()
        tab.page.goto(console.url)
        tab.page.fill("#token", token(isolated_env, sub="olga", scope=OPERATE_SCOPE))
        tab.page.press("#token", "Enter")
        with tab.page.expect_response(lambda answer: answer.url.endswith("/api/hour") and answer.status == 503):
            tab.page.wait_for_function("() => document.querySelector('#state').textContent.startsWith('stale since')")
        with tab.page.expect_response(lambda answer: answer.url.endswith("/api/hour") and answer.ok):
            redis.process.resume()
    redis.kill()


def test_a_page_that_finds_no_place_says_so_and_gets_one_later(tab: Tab, module_env: Environment) -> None:
    full = "event: full\ndata: {}\n\n"
    tab.page.route("**/api/live", lambda route: route.fulfill(content_type="text/event-stream", body=full), times=1)
    tab.page.fill("#token", token(module_env, scope=OPERATE_SCOPE))
    tab.page.press("#token", "Enter")
    tab.wait_for_text("#state", "no place")
    assert "tries again" in tab.text("#troubles")
    tab.wait_for_text("#state", "live")


def test_a_fault_of_the_console_is_not_told_as_one_of_redis(tab: Tab, module_env: Environment) -> None:
    tab.page.evaluate("""() => { window.EventSource = class extends EventTarget {
      constructor() {
        super();
        const data = JSON.stringify({since: 0, reason: "console_failed"});
        setTimeout(() => this.dispatchEvent(new MessageEvent("stale", {data})));
      }
      close() {}
    }; }""")
    tab.page.fill("#token", token(module_env, scope=OPERATE_SCOPE))
    tab.page.press("#token", "Enter")
    tab.page.wait_for_function("() => document.querySelector('#troubles').textContent.includes('The console failed')")
    assert "Redis" not in tab.text("#troubles")


def test_the_chart_drops_what_is_above_the_time_once_the_clock_was_set_back(tab: Tab, module_env: Environment) -> None:
    log_in(tab, module_env)
    tab.page.evaluate("document.querySelector('#log-out').click()")
    tab.page.wait_for_selector("#token:visible")
    times = tab.page.evaluate("""async () => {
      const {Chart} = await import("/chart.js");
      const chart = new Chart();
      const add = (...times) => chart.add(times.map((at) => [at, 1, 1, 1]));
      add(100, 101, 102, 103);
      add(102);
      const repeated = [...chart.columns[0]];
      add(101.5);
      return [repeated, chart.columns[0]];
    }""")
    assert times == [[100, 101, 102, 103], [100, 101, 101.5]]


def test_a_tab_without_a_session_asks_for_no_looks_when_it_is_seen_again(
    tab: Tab, module_env: Environment, console: Console
) -> None:
    log_in(tab, module_env)
    tab.page.click("#log-out")
    tab.page.wait_for_selector("#token:visible")
    tab.asked.clear()
    tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    tab.page.evaluate("fetch('healthz')")
    wait_until(lambda: f"{console.url}/healthz" in tab.asked, what="the page goes on")
    assert f"{console.url}/api/live" not in tab.asked


def test_the_page_says_that_it_is_stale_and_comes_back(
    browser: Browser, isolated_env: Environment, open_console: OpenConsole
) -> None:
    console = open_console(isolated_env)
    with open_tab(browser) as tab:
        tab.page.goto(console.url)
        log_in(tab, isolated_env)
        console.running.process.kill()
        tab.page.wait_for_function("() => document.querySelector('#state').textContent.startsWith('stale since')")
        assert "The console does not answer." in tab.text("#troubles")
        assert tab.page.locator("#servers .pill").all_text_contents() == ["unknown", "unknown"]
        open_console(isolated_env, INTAKE_CONSOLE_PORT=console.running.environment["INTAKE_CONSOLE_PORT"])
        tab.wait_for_text("#state", "live")


def _ledger(tab: Tab) -> dict[str, list[int]]:
    rows = tab.page.locator("#ledger tbody tr")
    cells = [rows.nth(place).locator("th, td").all_inner_texts() for place in range(rows.count())]
    found = {name: [int(re.sub(r"[^0-9-]", "", each) or 0) for each in numbers] for name, *numbers in cells}
    return {name.lstrip("\N{MINUS SIGN} "): numbers for name, numbers in found.items()}
