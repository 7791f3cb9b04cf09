"""The page in a real browser, where Redis or the console sends it what nobody has foreseen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import redis

from schemas.ids import new_task_id
from schemas.overseeing import OPERATE_SCOPE
from schemas.protocol.keys import record_key
from tests.console.browsing import log_in, open_tab
from tests.console.hostile import fill_with_hostile_values
from tests.support.tokens import token

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog

    from tests.conftest import Environment
    from tests.console.browsing import Tab
    from tests.console.client import Console

pytestmark = pytest.mark.slow

_SOME_LOOKS = """
() => new Promise((done) => {
  let looks = 0;
  const source = new EventSource("api/live");
  source.addEventListener("look", () => { if (++looks === 4) { source.close(); done(); } });
})
"""
"""Waits for some looks in a stream of its own. The page's has the same ones."""

_SENDS = """
window.EventSource = class extends EventTarget {
  constructor() {
    super();
    setTimeout(() => this.dispatchEvent(new MessageEvent("look", {data: JSON.stringify(%s)})));
  }
  close() {}
};
"""
"""A stream that has this look and no other."""

_ROWS = """
() => ["letters", "processes", "batches", "endpoints"].map((id) => document.querySelectorAll(`#${id} tbody tr`).length)
"""
"""How many rows each table has."""


def test_hostile_values_are_shown_as_text_and_change_nothing_else(
    browser: Browser, console: Console, module_env: Environment
) -> None:
    with redis.Redis.from_url(module_env["INTAKE_REDIS_URL"]) as client:
        fine = fill_with_hostile_values(client)
    for width in (1280, 360):
        with open_tab(browser, width=width) as tab:
            _looks_as_ever(tab, console, module_env, fine)


def _looks_as_ever(tab: Tab, console: Console, env: Environment, fine: str) -> None:
    dialogs: list[str] = []

    def refuse(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    tab.page.on("dialog", refuse)
    tab.page.goto(console.url)
    tab.page.wait_for_selector("#token:visible")
    tab.faults.clear()
    log_in(tab, env)
    tab.page.wait_for_selector(f'#letters tr[data-key="{fine}"]')
    tab.page.wait_for_selector("#endpoints tbody tr")
    before = tab.page.evaluate(_ROWS)
    tab.page.evaluate(_SOME_LOOKS)
    assert tab.page.evaluate(_ROWS) == before
    assert "onerror=alert(1)" in tab.text("#troubles")
    assert tab.page.locator("img").count() == 0
    assert tab.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert dialogs == []
    tab.assert_in_order(console.url)


@pytest.mark.parametrize(
    ("record", "told"),
    [({"state": "no such state"}, "Its log says why"), ("no hash", "Redis does not answer this, or refuses")],
)
def test_what_cannot_be_read_of_an_id_is_told_in_words(
    tab: Tab, module_env: Environment, record: dict[str, str] | str, told: str
) -> None:
    task_id = new_task_id()
    with redis.Redis.from_url(module_env["INTAKE_REDIS_URL"]) as client:
        stored: Any = client
        if isinstance(record, str):
            stored.set(record_key(task_id), record)
        else:
            stored.hset(record_key(task_id), mapping=record)
    log_in(tab, module_env)
    tab.page.fill("#asked", task_id)
    tab.page.press("#asked", "Enter")
    tab.page.wait_for_selector("#found .empty")
    assert told in tab.text("#found .empty")
    tab.faults.clear()  # the status


@pytest.mark.parametrize("look", [{}, {"processes": None}, {"processes": [], "points": [[1]]}])
def test_a_look_that_cannot_be_shown_is_not_taken_for_live(
    tab: Tab, module_env: Environment, look: dict[str, Any]
) -> None:
    tab.page.add_init_script(_SENDS % json.dumps(look))
    tab.page.reload()
    tab.page.fill("#token", token(module_env, sub="olga", scope=OPERATE_SCOPE))
    tab.page.press("#token", "Enter")
    tab.wait_for_text("#state", "cannot be shown")
    assert "Load the page anew" in tab.text("#troubles")
    assert tab.faults
    tab.faults.clear()
