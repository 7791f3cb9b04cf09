"""The page in a real browser: each act does what its button says, by keyboard as well, and all text can be read.

No worker runs here, so that dead letters and batches stay as they are.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Literal

import pytest
import redis

from schemas.ids import new_task_id
from schemas.overseeing import OPERATE_SCOPE, READ_SCOPE
from schemas.protocol.keys import DEAD_KEY, PAUSED_KEY
from tests.console.browsing import log_in, open_tab
from tests.support.batches import Batches
from tests.support.records import Scripts
from tests.support.tokens import token
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.conftest import Environment
    from tests.console.browsing import Tab
    from tests.console.client import Console

pytestmark = pytest.mark.slow


@pytest.fixture
def scripts(module_env: Environment) -> Iterator[Scripts]:
    with redis.Redis.from_url(module_env["INTAKE_REDIS_URL"]) as client:
        client.delete(DEAD_KEY, PAUSED_KEY)
        yield Scripts(client)
        client.delete(DEAD_KEY, PAUSED_KEY)


def a_dead_letter(scripts: Scripts, *, reason: str = "a_reason") -> str:
    task_id = new_task_id()
    scripts.accept(task_id)
    scripts.park(task_id, reason=reason)
    return task_id


def answer(tab: Tab, *, yes: bool = True) -> None:
    tab.page.wait_for_selector("#ask[open]")
    tab.page.click("#ask-yes" if yes else "#ask button[value=no]")


def test_a_dead_letter_is_sent_again_after_a_question(tab: Tab, module_env: Environment, scripts: Scripts) -> None:
    task_id = a_dead_letter(scripts)
    log_in(tab, module_env)
    row = tab.page.locator(f'#letters tr[data-key="{task_id}"]')
    row.locator("text=Requeue").click()
    answer(tab, yes=False)
    assert scripts.client.zcard(DEAD_KEY) == 1
    row.locator("text=Requeue").click()
    answer(tab)
    row.wait_for(state="detached")
    assert scripts.client.zcard(DEAD_KEY) == 0


def test_what_is_wrong_is_said_first(tab: Tab, module_env: Environment, scripts: Scripts) -> None:
    log_in(tab, module_env)
    tab.wait_for_text("#troubles li:nth-child(1)", "No worker runs: what is accepted waits.")
    tab.wait_for_text("#troubles li:nth-child(2)", "No shim runs: signups are not taken.")
    assert tab.page.title() == "(2) customer-intake"
    a_dead_letter(scripts)
    told = "1 dead letter waits for you: mend the reason, which stands below, then requeue it."
    tab.wait_for_text("#troubles li:nth-child(3)", told)
    assert tab.page.title() == "(3) customer-intake"


def test_dead_letters_of_a_reason_are_dropped(tab: Tab, module_env: Environment, scripts: Scripts) -> None:
    for reason in ("one", "one", "other"):
        a_dead_letter(scripts, reason=reason)
    log_in(tab, module_env)
    tab.wait_for_text("#dead", "3")
    tab.page.wait_for_selector("#reason option[value=one]", state="attached")
    tab.page.select_option("#reason", "one")
    tab.page.wait_for_function("() => document.querySelectorAll('#letters tbody tr').length === 2")
    tab.page.click("#drop-all")
    answer(tab)
    wait_until(lambda: scripts.client.zcard(DEAD_KEY) == 1, what="two are dropped")


def test_a_batch_is_canceled(tab: Tab, module_env: Environment, scripts: Scripts) -> None:
    batch_id = Batches(scripts.client).open()
    log_in(tab, module_env)
    row = tab.page.locator(f'#batches tr[data-key="{batch_id}"]')
    row.locator("text=Cancel").click()
    answer(tab)
    wait_until(lambda: scripts.client.hget(f"intake:batch:{batch_id}", "canceled") == b"1", what="it is canceled")


def test_work_is_paused_and_resumed(tab: Tab, module_env: Environment, scripts: Scripts) -> None:
    log_in(tab, module_env)
    tab.page.click("text=Pause batches")
    answer(tab)
    tab.wait_for_text("#taking", "batches are paused")
    assert "Batches are paused by olga, since " in tab.text("#troubles")
    assert scripts.client.hget(PAUSED_KEY, "by") == b"olga"
    tab.page.click("text=Resume")
    answer(tab)
    tab.wait_for_text("#taking", "nothing is paused")


def test_whoever_may_only_look_finds_no_button_that_works(tab: Tab, module_env: Environment, scripts: Scripts) -> None:
    a_dead_letter(scripts)
    log_in(tab, module_env, scope=READ_SCOPE)
    tab.page.wait_for_selector("#letters tbody tr")
    acts = tab.page.locator("#letters tbody button:not(.id), #pausing button, #letters-acts button")
    assert acts.count() == 7
    assert [acts.nth(place).is_enabled() for place in range(acts.count())] == [False] * acts.count()


def test_whoever_logs_in_next_finds_the_buttons_of_their_own_scope(
    tab: Tab, module_env: Environment, scripts: Scripts
) -> None:
    task_id = a_dead_letter(scripts)
    requeue = f'#letters tr[data-key="{task_id}"] button:text-is("Requeue")'
    log_in(tab, module_env, scope=READ_SCOPE)
    tab.page.wait_for_selector(f"{requeue}:disabled")
    tab.page.click("#log-out")
    tab.page.wait_for_selector("#token:visible")
    log_in(tab, module_env)
    tab.page.wait_for_selector(f"{requeue}:enabled")
    tab.page.wait_for_selector("#drop-all:enabled")


def test_all_that_were_seen_are_sent_again_whatever_the_clock_of_the_device_says(
    tab: Tab, module_env: Environment, scripts: Scripts
) -> None:
    a_dead_letter(scripts)
    tab.page.clock.set_system_time(time.time() - 3600)
    log_in(tab, module_env)
    tab.page.wait_for_selector("#letters tbody tr")
    tab.page.click("#requeue-all")
    answer(tab)
    wait_until(lambda: scripts.client.zcard(DEAD_KEY) == 0, what="it is sent again")


def test_a_letter_that_is_listed_is_sent_again_also_if_it_is_newer_than_the_look(
    tab: Tab, console: Console, module_env: Environment, scripts: Scripts
) -> None:
    console.log_in()
    old = console.look()
    look = json.dumps({**old, "at": old["at"] - 60_000, "dead": {**old["dead"], "count": 1}})
    stream = f"retry: 100\n\nevent: look\ndata: {look}\n\n"
    tab.page.route("**/api/live", lambda route: route.fulfill(content_type="text/event-stream", body=stream))
    a_dead_letter(scripts)
    tab.page.fill("#token", token(module_env, sub="olga", scope=OPERATE_SCOPE))
    tab.page.press("#token", "Enter")
    tab.page.wait_for_selector("#letters tbody tr")
    tab.page.click("#requeue-all")
    answer(tab)
    wait_until(lambda: scripts.client.zcard(DEAD_KEY) == 0, what="it is sent again")


def test_a_letter_that_was_parked_again_is_told_anew(tab: Tab, module_env: Environment, scripts: Scripts) -> None:
    task_id = a_dead_letter(scripts, reason="first")
    log_in(tab, module_env)
    row = f'#letters tr[data-key="{task_id}"]'
    tab.page.wait_for_selector(f"{row} .reason:text-is('first')")
    scripts.requeue(task_id)
    scripts.park(task_id, reason="second")
    # The list is read anew, since there is one more.
    a_dead_letter(scripts)
    tab.page.wait_for_selector(f"{row} .reason:text-is('second')")


def test_everything_is_reached_by_keyboard(tab: Tab, module_env: Environment, scripts: Scripts) -> None:
    task_id = a_dead_letter(scripts)
    log_in(tab, module_env)
    tab.page.wait_for_selector(f'#letters tr[data-key="{task_id}"]')
    reached = set()
    for _ in range(60):
        tab.page.keyboard.press("Tab")
        reached.add(tab.page.evaluate("document.activeElement.id || document.activeElement.textContent"))
    assert {"asked", "log-out", "Pause all", "Pause batches", "reason", "requeue-all", "drop-all", "Drop"} <= reached
    tab.page.locator("#letters tbody .danger").focus()
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector("#ask[open]")
    tab.page.keyboard.press("Escape")
    tab.page.wait_for_selector("#ask:not([open])", state="attached")
    assert tab.page.evaluate("document.activeElement.textContent") == "Drop"


def test_acts_are_in_sight_on_a_phone(
    browser: Browser, console: Console, module_env: Environment, scripts: Scripts
) -> None:
    a_dead_letter(scripts)
    Batches(scripts.client).open()
    with open_tab(browser, width=360) as tab:
        tab.page.goto(console.url)
        log_in(tab, module_env)
        for selector in ("#letters tbody .danger", "#batches tbody .danger"):
            box = tab.page.locator(selector).last.bounding_box()
            assert box is not None
            assert box["x"] + box["width"] <= tab.page.evaluate("document.documentElement.clientWidth")
        assert "parked" in tab.page.evaluate(
            "[...document.querySelectorAll('#letters td')].map((each) => each.dataset.heading)"
        )


@pytest.mark.usefixtures("scripts")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_sticks_out_and_all_text_can_be_read(
    browser: Browser, console: Console, module_env: Environment, width: int, scheme: Literal["light", "dark"]
) -> None:
    with redis.Redis.from_url(module_env["INTAKE_REDIS_URL"]) as client:
        a_dead_letter(Scripts(client), reason="a_reason_that_is_far_longer_than_a_telephone_is_wide")
    with open_tab(browser, width=width, scheme=scheme) as tab:
        tab.page.goto(console.url)
        log_in(tab, module_env)
        tab.page.wait_for_selector("#letters tbody tr")
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.page.evaluate(_TOO_FAINT) == []


_TOO_FAINT = """() => {
  const light = ([r, g, b]) => [r, g, b].map((each) => each / 255)
    .map((each) => (each <= .04045 ? each / 12.92 : ((each + .055) / 1.055) ** 2.4))
    .reduce((sum, each, place) => sum + each * [.2126, .7152, .0722][place], 0);
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll("#page *")) {
    const own = [...element.childNodes].some((each) => each.nodeType === 3 && each.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest(":disabled, .away, option")) continue;
    const [one, other] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    const contrast = (Math.max(one, other) + .05) / (Math.min(one, other) + .05);
    if (contrast < 4.5) faint.push(`${element.tagName} ${element.textContent.slice(0, 20)} ${contrast.toFixed(1)}`);
  }
  return faint;
}"""
"""Texts whose contrast is below 4.5 : 1, as WCAG 2 asks for at level AA."""
