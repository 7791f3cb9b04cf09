"""`python -m tests.console.picture FILE`: the picture of the console in the documents, of a service run for it."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
from pathlib import Path
from typing import Final

import httpx

from cli.local_tokens import console_link, jwt_secret_path, sign_token
from local_stack.stack import LocalStack
from tests.console.browsing import open_tab, running_browser
from tests.support.requests import a_request, as_body

_SIGNUPS: Final = 900
"""Sent a few at a time, some of them faulty."""

_ROWS: Final = 40_000
"""Of the batch that runs in the picture."""

_BATCH_AFTER: Final = 700
"""The batch comes when so many signups were sent."""

_POINTS: Final = 120
"""Of the chart in the picture. There is one a second."""


def main() -> int:
    """Run a service, give it something to do, and write the picture."""
    # Quick hashes, which protect nothing. The picture shows a page, and not how fast this machine is.
    os.environ["INTAKE_ARGON2_TEST_PROFILE"] = "1"
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
    rows = b"\n".join(as_body(a_request(email=f"row.{number}@example.com")) for number in range(_ROWS))
    with running_browser() as browser, open_tab(browser, height=1180) as tab, httpx.Client(headers=headers) as http:
        tab.page.goto(link)
        tab.wait_for_text("#state", "live")
        create = f"{stack.url}/services/customer/v1/customer.create"
        for number in range(_SIGNUPS):
            if number == _BATCH_AFTER:
                rows_type = {"content-type": "application/x-ndjson"}
                http.post(f"{create}.batch", content=rows, headers=rows_type).raise_for_status()
            email = (
                "no email" if number % 40 == 0 else f"signup.{number // 20 if number % 20 == 0 else number}@example.com"
            )
            body = json.dumps(a_request(email=email))
            http.post(create, content=body, headers={"content-type": "application/json"}).raise_for_status()
            if number * _POINTS // _SIGNUPS < (number + 1) * _POINTS // _SIGNUPS:
                tab.wait_for_new_point()
        tab.page.check("input[name=span][value='300']")
        tab.wait_for_new_point()
        tab.wait_for_frame()
        tab.page.screenshot(path=target)


if __name__ == "__main__":
    sys.exit(main())
