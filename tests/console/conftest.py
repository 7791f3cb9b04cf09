"""A console for each module, without shim and worker; and a whole service with one."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.console.browsing import open_tab, running_browser
from tests.console.client import Console
from tests.contract.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx
    from playwright.sync_api import Browser

    from tests.conftest import Environment, Starter
    from tests.console.browsing import Tab


class OpenConsole(Protocol):
    """Starts a console for one test. Its client, or the given one, is closed when the test ends."""

    def __call__(self, environment: Environment, http: httpx.Client | None = None, **overrides: str) -> Console: ...


@pytest.fixture
def open_console(start_console: Starter) -> Iterator[OpenConsole]:
    """See `OpenConsole`."""
    with ExitStack() as clients:

        def make(environment: Environment, http: httpx.Client | None = None, **overrides: str) -> Console:
            running = start_console(environment, **overrides)
            console = Console(running) if http is None else Console(running, http)
            clients.callback(console.http.close)
            return console

        yield make


@pytest.fixture
def console(module_console: Console) -> Iterator[Console]:
    """The module's console, with a client of this test alone: nobody is logged in."""
    own = Console(module_console.running)
    yield own
    own.http.close()


@pytest.fixture
def operator(console: Console) -> Console:
    """The same, with an operator logged in."""
    assert console.log_in().status_code == 200
    return console


@pytest.fixture(scope="module")
def module_console(module_env: Environment, start_module_console: Starter) -> Iterator[Console]:
    """A console on the module's Redis."""
    console = Console(start_module_console(module_env))
    yield console
    console.http.close()


@pytest.fixture(scope="module")
def service(module_env: Environment, start_module_shim: Starter, start_module_worker: Starter) -> Iterator[Service]:
    """A shim and a worker on the module's Redis."""
    running = Service(start_module_shim(module_env), start_module_worker(module_env))
    yield running
    running.http.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for a module."""
    with running_browser() as browser:
        yield browser


@pytest.fixture
def tab(browser: Browser, console: Console) -> Iterator[Tab]:
    """A tab with the page in it, in which nothing may go wrong. Nobody is logged in."""
    with open_tab(browser) as tab:
        tab.page.goto(console.url)
        tab.page.wait_for_selector("#token:visible")
        # That nobody is logged in is told by a status, which the browser calls an error.
        tab.faults.clear()
        yield tab
        tab.assert_in_order(console.url)
