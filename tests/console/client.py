"""A console, and an operator who is logged in to it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import httpx

from schemas.overseeing import OPERATE_SCOPE, READ_SCOPE
from tests.support.tokens import token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Running

OWN_HEADER: Final = {"x-intake-console": "1"}
"""What the page sends with each of its calls."""

MOST_EVENTS: Final = 15
"""How many events may come before the first look. There is one a second."""

BOTH_SCOPES: Final = f"{READ_SCOPE} {OPERATE_SCOPE}"


@dataclass(frozen=True)
class Console:
    """A running console. Its client keeps cookies, as a browser does."""

    running: Running
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30, limits=httpx.Limits(), trust_env=False))

    @property
    def url(self) -> str:
        """The root of the page."""
        return f"http://127.0.0.1:{self.running.environment['INTAKE_CONSOLE_PORT']}"

    def log_in(self, *, scope: str = BOTH_SCOPES, sub: str = "olga", **claims: Any) -> httpx.Response:
        """Begin a session with a token that has these claims."""
        bearer = token(self.running.environment, sub=sub, scope=scope, **claims)
        return self.http.post(f"{self.url}/api/session", headers={**OWN_HEADER, "authorization": f"Bearer {bearer}"})

    def get(self, path: str, **query: str) -> httpx.Response:
        """GET what the page asks for."""
        return self.http.get(f"{self.url}/api/{path}", params=query or None, headers=OWN_HEADER)

    def act(self, path: str, **body: Any) -> httpx.Response:
        """POST an act."""
        return self.http.post(f"{self.url}/api/{path}", json=body, headers=OWN_HEADER)

    @contextmanager
    def events(self) -> Iterator[Iterator[tuple[str, Any]]]:
        """The events of the live stream, each as its name and its content."""
        with self.http.stream("GET", f"{self.url}/api/live") as response:
            assert response.status_code == 200
            assert response.headers["content-type"] == "text/event-stream"
            yield _events(response)

    def look(self) -> dict[str, Any]:
        """The next look. Fails the test where the console has none to show."""
        told: list[tuple[str, Any]] = []
        with self.events() as events:
            for name, content in islice(events, MOST_EVENTS):
                if name == "look":
                    look: dict[str, Any] = content
                    return look
                told.append((name, content))
        raise AssertionError(f"the console shows no look, but: {told[-1:]}")

    def acts(self, event: str) -> list[dict[str, Any]]:
        """The log lines of acts."""
        lines = [json.loads(line) for line in self.running.log().splitlines() if f'"{event}"' in line]
        return [line for line in lines if line["event"] == event]


def _events(response: httpx.Response) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in response.iter_lines():
        field_name, _, value = line.partition(": ")
        if field_name == "event":
            name = value
        elif field_name == "data":
            yield name, json.loads(value)
