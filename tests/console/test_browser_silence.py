"""The page in a real browser where the console neither answers nor ends a connection: frozen, or out of reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.console.browsing import log_in, open_tab

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.conftest import Environment
    from tests.console.conftest import OpenConsole

pytestmark = pytest.mark.slow


def test_a_stream_that_stands_still_is_not_taken_for_live(
    browser: Browser, isolated_env: Environment, open_console: OpenConsole
) -> None:
    console = open_console(isolated_env)
    with open_tab(browser) as tab:
        tab.page.clock.install()
        tab.page.goto(console.url)
        log_in(tab, isolated_env)
        console.running.process.pause()
        try:
            tab.page.clock.fast_forward(16_000)
            tab.page.wait_for_function("() => document.querySelector('#state').textContent.startsWith('stale since')")
            assert "The console does not answer." in tab.text("#troubles")
        finally:
            console.running.process.resume()
        tab.wait_for_text("#state", "live")


def test_what_is_asked_of_a_console_that_has_gone_is_told_in_words(
    browser: Browser, isolated_env: Environment, open_console: OpenConsole
) -> None:
    console = open_console(isolated_env)
    with open_tab(browser) as tab:
        tab.page.goto(console.url)
        log_in(tab, isolated_env)
        tab.page.wait_for_selector("[data-pause=all]:enabled")
        console.running.process.kill()
        tab.page.fill("#asked", "4OoNnHngoO54hulirUpkSC")
        tab.page.press("#asked", "Enter")
        tab.page.wait_for_selector("#found .empty")
        assert "The console does not answer." in tab.text("#found")
        tab.page.click("[data-pause=all]")
        tab.page.click("#ask-yes")
        tab.wait_for_text(
            "#notice", "The console did not answer. Nobody knows whether an act is done: look before you ask again."
        )
