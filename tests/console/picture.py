"""`python -m tests.console.picture FILE`: the picture of the console in the documents, of a service run for it."""

from __future__ import annotations

import json
import math
import sys
import tempfile
import threading
from itertools import count, islice
from pathlib import Path
from typing import Final

import httpx

from cli.local_tokens import console_link, jwt_secret_path, sign_token
from local_stack.stack import LocalStack
from tests.console.browsing import open_tab, running_browser
from tests.support.requests import a_request, as_body

_POINTS: Final = 200
"""Of the chart in the picture. There is one a second."""

_SIGNUPS: Final = 12
"""Sent with each point in the mean, some of them faulty."""

_MORE_OR_LESS: Final = 8
"""By so many signups it rises and falls."""

_WAVE_POINTS: Final = 15
"""By so many points the wave turns by one radian."""

_ROWS: Final = 8_000
"""Of the batch that runs in the picture. They take the longest, so that it still runs."""

_TAGS: Final = ["x" * 1000] * 8
"""Of each row. Long rows make chunks of few rows, which end one after the other and not in bursts."""

_BATCH_AT: Final = 140
"""The point with which the batch comes."""


def main() -> int:
    """Run a service, give it something to do, and write the picture."""
    with tempfile.TemporaryDirectory(prefix="console-picture-") as folder:
        stack = LocalStack(Path(folder), port=0, console_port=0, stopping=threading.Event())
        try:
            stack.start(print)
            _take(stack, Path(sys.argv[1]))
        finally:
            stack.stop()
    return 0


def _take(stack: LocalStack, target: Path) -> None:
    secret = jwt_secret_path(stack.directory)
    link = console_link(secret, stack.console_port or 0)
    headers = {"authorization": f"Bearer {sign_token(secret, sub='picture')}"}
    rows = b"\n".join(as_body(a_request(email=f"row.{number}@example.com", tags=_TAGS)) for number in range(_ROWS))
    with running_browser() as browser, open_tab(browser, height=1180) as tab, httpx.Client(headers=headers) as http:
        tab.page.goto(link)
        tab.wait_for_text("#state", "live")
        create = f"{stack.url}/services/customer/v1/customer.create"
        numbers = count()
        for point in range(_POINTS):
            if point == _BATCH_AT:
                rows_type = {"content-type": "application/x-ndjson"}
                http.post(f"{create}.batch", content=rows, headers=rows_type).raise_for_status()
            for number in islice(numbers, round(_SIGNUPS + _MORE_OR_LESS * math.sin(point / _WAVE_POINTS))):
                body = json.dumps(a_request(email=_email(number)))
                http.post(create, content=body, headers={"content-type": "application/json"}).raise_for_status()
            tab.wait_for_new_point()
        tab.page.check("input[name=span][value='300']")
        tab.wait_for_new_point()
        tab.wait_for_frame()
        tab.page.screenshot(path=target)


def _email(number: int) -> str:
    if number % 40 == 0:
        return "no email"
    return f"signup.{number // 20 if number % 20 == 0 else number}@example.com"


if __name__ == "__main__":
    sys.exit(main())
