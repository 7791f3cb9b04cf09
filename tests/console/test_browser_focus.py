"""The page in a real browser, for whoever works by keyboard or is far down the page: each act can be followed.

No worker runs here, so that dead letters and batches stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
import redis

from schemas.ids import new_task_id
from schemas.protocol.keys import DEAD_KEY, PAUSED_KEY
from tests.console.browsing import log_in
from tests.support.batches import Batches
from tests.support.records import Scripts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Environment
    from tests.console.browsing import Tab
    from tests.console.client import Console

pytestmark = pytest.mark.slow

_FOCUSED: Final = """document.activeElement.closest("tr")?.dataset.key
  ?? document.activeElement.getAttribute("aria-labelledby")"""
"""The row that has the focus, or the title of the part of the page that has it."""

_UNDER_HEADER: Final = """() => document.activeElement.getBoundingClientRect().top
  < document.querySelector("header").getBoundingClientRect().bottom"""
"""Whether the header hides what has the focus."""

_HIDE: Final = """(hidden) => {
  Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""
"""Makes the page believe that its tab is hidden, or seen again."""


@pytest.fixture
def scripts(module_env: Environment) -> Iterator[Scripts]:
    with redis.Redis.from_url(module_env["INTAKE_REDIS_URL"]) as client:
        client.delete(DEAD_KEY, PAUSED_KEY)
        yield Scripts(client)
        client.delete(DEAD_KEY, PAUSED_KEY)


def dead_letters(scripts: Scripts, number: int) -> list[str]:
    task_ids = [new_task_id() for _ in range(number)]
    for task_id in task_ids:
        scripts.accept(task_id)
        scripts.park(task_id, reason="a_reason")
    return task_ids


def press(tab: Tab, selector: str) -> None:
    """Press a button by keyboard, and answer yes."""
    tab.page.locator(selector).focus()
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector("#ask[open]")
    tab.page.locator("#ask-yes").focus()
    tab.page.keyboard.press("Enter")


def row(task_id: str) -> str:
    return f'#letters tr[data-key="{task_id}"]'


def test_the_focus_goes_to_the_row_that_takes_the_place_of_one_that_is_gone(
    tab: Tab, module_env: Environment, scripts: Scripts
) -> None:
    task_ids = dead_letters(scripts, 3)
    log_in(tab, module_env)
    for each in task_ids:
        tab.page.wait_for_selector(row(each))
    in_order = tab.page.evaluate("[...document.querySelectorAll('#letters tbody tr')].map((each) => each.dataset.key)")
    press(tab, f"{row(in_order[1])} .danger")
    tab.page.wait_for_selector(row(in_order[1]), state="detached")
    tab.page.wait_for_function(f"(id) => ({_FOCUSED}) === id", arg=in_order[2])
    press(tab, f"{row(in_order[2])} .danger")
    tab.page.wait_for_function(f"(id) => ({_FOCUSED}) === id", arg=in_order[0])
    press(tab, f"{row(in_order[0])} .danger")
    tab.page.wait_for_function(f"(id) => ({_FOCUSED}) === id", arg="letters-title")


def test_the_focus_stays_beside_a_button_that_can_no_longer_be_used(
    tab: Tab, module_env: Environment, scripts: Scripts
) -> None:
    assert scripts.client.exists(PAUSED_KEY) == 0
    log_in(tab, module_env)
    tab.page.wait_for_selector("[data-pause=all]:enabled")
    press(tab, "[data-pause=all]")
    tab.wait_for_text("#taking", "all is paused")
    tab.page.wait_for_function(f"(id) => ({_FOCUSED}) === id", arg="parts-title")


def test_what_became_of_an_act_is_in_sight_and_moves_nothing(
    tab: Tab, module_env: Environment, scripts: Scripts
) -> None:
    task_ids = dead_letters(scripts, 12)
    log_in(tab, module_env)
    tab.page.locator(row(task_ids[-1])).scroll_into_view_if_needed()
    press(tab, f"{row(task_ids[-1])} button:text-is('Requeue')")
    tab.wait_for_text("#notice", "1 sent again.")
    notice = tab.page.locator("#notice").bounding_box()
    assert notice is not None
    assert 0 <= notice["y"] <= 900 - notice["height"]
    assert tab.page.evaluate("getComputedStyle(document.querySelector('#notice')).position") == "fixed"


def test_what_was_found_is_shown_anew_after_an_act_on_it(tab: Tab, module_env: Environment, scripts: Scripts) -> None:
    (task_id,) = dead_letters(scripts, 1)
    log_in(tab, module_env)
    tab.page.click(f"{row(task_id)} .id")
    press(tab, "#found .acts button:text-is('Requeue')")
    tab.page.wait_for_selector("#found .way li:text('Waits')")
    assert tab.page.locator("#found .acts button").count() == 0
    tab.page.wait_for_function(f"(id) => ({_FOCUSED}) === id", arg="found-title")


def test_a_late_answer_does_not_take_the_place_of_what_was_asked_for_since(
    tab: Tab, module_env: Environment, scripts: Scripts
) -> None:
    first, second = dead_letters(scripts, 2)
    log_in(tab, module_env)
    found = tab.page.evaluate(
        """async ([first, second]) => {
          const {find} = await import("/found.js");
          const fetched = window.fetch;
          let go;
          const late = new Promise((done) => { go = done; });
          window.fetch = async (path, ...more) => {
            const answer = await fetched(path, ...more);
            if (path.includes(first)) await late;
            return answer;
          };
          const slow = find(first, {});
          await find(second, {});
          go();
          await slow;
          window.fetch = fetched;
          return document.querySelector("#found-title").textContent;
        }""",
        [first, second],
    )
    assert found == f"Task {second}"


def test_a_question_says_how_many_dead_letters_it_is_about(tab: Tab, module_env: Environment, scripts: Scripts) -> None:
    dead_letters(scripts, 3)
    log_in(tab, module_env)
    tab.page.wait_for_selector("#letters tbody tr:nth-child(3)")
    tab.page.click("#drop-all")
    assert "all 3 dead letters" in tab.text("#ask-text")
    tab.page.click("#ask button[value=no]")
    tab.page.select_option("#reason", "a_reason")
    tab.page.click("#requeue-all")
    assert "all 3 dead letters with the reason a_reason again" in tab.text("#ask-text")


def test_the_header_hides_nothing_that_has_the_focus(tab: Tab, module_env: Environment, scripts: Scripts) -> None:
    dead_letters(scripts, 12)
    log_in(tab, module_env)
    tab.page.wait_for_selector("#letters tbody tr:nth-child(12)")
    tab.page.set_viewport_size({"width": 1280, "height": 500})
    tab.page.locator("#letters tbody .danger").last.focus()
    for _ in range(30):
        tab.page.keyboard.press("Shift+Tab")
        assert not tab.page.evaluate(_UNDER_HEADER)
    tab.page.evaluate("scrollTo(0, document.body.scrollHeight)")
    tab.page.evaluate("document.querySelector('.skip').focus()")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_function("() => document.activeElement.id === 'numbers'")
    assert not tab.page.evaluate(_UNDER_HEADER)


def test_a_hidden_tab_says_of_nothing_that_it_is_well(tab: Tab, module_env: Environment, scripts: Scripts) -> None:
    dead_letters(scripts, 1)
    log_in(tab, module_env)
    tab.page.wait_for_function("() => document.title.startsWith('(3)')")
    tab.page.evaluate(_HIDE, True)
    assert tab.page.title() == "(?) customer-intake"
    assert (tab.text("#state"), tab.text("#troubles")) == ("connecting", "Looking whether anything is wrong …")
    tab.page.evaluate(_HIDE, False)
    tab.wait_for_text("#state", "live")
    tab.page.wait_for_function("() => document.title.startsWith('(3)')")


def test_whoever_is_logged_out_is_told_why_and_no_question_stays(
    tab: Tab, module_env: Environment, scripts: Scripts, console: Console
) -> None:
    Batches(scripts.client).open()
    log_in(tab, module_env)
    tab.page.click("#batches .danger >> nth=-1")
    tab.page.wait_for_selector("#ask[open]")
    # Another page of the same browser logs out.
    tab.page.evaluate("fetch('api/session', {method: 'DELETE', headers: {'x-intake-console': '1'}})")
    tab.page.wait_for_selector("#token:visible")
    tab.wait_for_text("#door-says", "Your session has ended. Log in again.")
    assert tab.page.locator("#ask[open]").count() == 0
    assert (tab.page.title(), console.running.process.alive) == ("customer-intake", True)
    tab.faults.clear()  # the 401
