"""A real browser for the tests of the page, and all that goes wrong in it."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest
from playwright.sync_api import sync_playwright

from schemas.overseeing import OPERATE_SCOPE
from tests.support.tokens import token
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.sync_api import Browser, Page

_PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
"""What a Chromium is called where it is installed."""

_SHIFT_OBSERVER: Final = """
window.shifts = 0;
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) if (!each.hadRecentInput) window.shifts += each.value;
}).observe({type: "layout-shift", buffered: true});
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
"""
"""Counts in the page how far its parts move without being asked to, and notes what its policy forbids."""

_NEWEST_POINT: Final = "async () => (await (await fetch('/api/hour')).json()).at.at(-1) ?? 0"
"""When the newest point of the last hour was."""


def browser_program() -> str:
    """The path of a Chromium. Skips the test where there is none, but never in CI, which installs it."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if found is None and not os.environ.get("CI"):
        pytest.skip("there is no Chromium here (Debian: apt install chromium), so the console's page is not tested")
    assert found is not None, "CI must have a Chromium"
    return found


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A browser without a window."""
    program = browser_program()
    with sync_playwright() as playwright:
        # The sandbox of Chromium does not run for root, as whom CI runs.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Tab:
    """A page in a browser, with what it asked for and what went wrong in it."""

    page: Page
    asked: list[str] = field(default_factory=list)
    """The URLs of all requests."""
    faults: list[str] = field(default_factory=list)
    """Messages of errors."""

    def assert_in_order(self, url: str) -> None:
        """Fail the test where the page asked another host, broke its policy, or had an error."""
        assert [each for each in self.asked if not each.startswith((f"{url}/", "data:"))] == []
        assert self.page.evaluate("window.violations") == []
        assert self.faults == []

    def text(self, selector: str) -> str:
        """The text of an element, without the white space around it."""
        return self.page.inner_text(selector).strip()

    def wait_for_text(self, selector: str, text: str, *, seconds: float = 20) -> None:
        """Wait until the element has exactly this text."""
        self.page.wait_for_function(
            "([selector, text]) => document.querySelector(selector)?.textContent.trim() === text",
            arg=[selector, text],
            timeout=1000 * seconds,
        )

    def wait_for_frame(self) -> None:
        """Wait until the browser has drawn what the page shows now."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def wait_for_new_point(self) -> None:
        """Wait until the last hour has a newer point than now. There is one a second."""
        newest = self.page.evaluate(_NEWEST_POINT)
        wait_until(lambda: self.page.evaluate(_NEWEST_POINT) > newest, what="the last hour has a newer point")


def log_in(tab: Tab, environment: Mapping[str, str], *, scope: str = OPERATE_SCOPE) -> None:
    """Log in on the page of this tab with a token, and wait for the first look."""
    tab.page.fill("#token", token(environment, sub="olga", scope=scope))
    tab.page.press("#token", "Enter")
    tab.wait_for_text("#state", "live")


@contextmanager
def open_tab(
    browser: Browser,
    *,
    width: int = 1280,
    height: int = 900,
    scheme: Literal["dark", "light"] = "light",
    **options: Any,
) -> Iterator[Tab]:
    """A tab of a new browser context: it shares no cookie with others."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **options)
    context.add_init_script(_SHIFT_OBSERVER)
    page = context.new_page()
    tab = Tab(page)
    page.on("request", lambda request: tab.asked.append(request.url))
    page.on("pageerror", lambda error: tab.faults.append(str(error)))
    page.on("console", lambda message: tab.faults.append(message.text) if message.type == "error" else None)
    yield tab
    context.close()
