"""An HTTP server that verifies webhooks."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from standardwebhooks import Webhook, WebhookVerificationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MOST_BYTES: Final = 1024 * 1024
"""How long a webhook may be."""
_MOST_DIGITS: Final = 10
"""Digits of a length that is read. Python makes no number of some thousands."""
_SHOWN: Final = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
"""An id that is shown as it came. Others could play tricks on a terminal."""
_SILENT_SECONDS: Final = 60.0
"""How long a client may say nothing."""


def serve(
    host: str,
    port: int,
    *,
    ready: Callable[[int], Sequence[bytes]],
    answer: int,
    on_received: Callable[[dict[str, Any]], None],
) -> None:
    """Serve until an exception ends it, such as Ctrl-C.

    Args:
        host: the address to listen on.
        port: the port; 0 for any free one.
        ready: is called once the port is known, and gives the secrets. One of them must have signed.
        answer: the status of the answer to what is good.
        on_received: is told of each webhook: its `id`, the `event`, whether it came `again`, how many `milliseconds`
            after it happened, and the `fault` where it is not good.

    Raises:
        OSError: it cannot listen there.
    """
    lock = threading.Lock()
    seen: set[str] = set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = _SILENT_SECONDS

        def do_POST(self) -> None:
            length = self.headers.get("content-length", "")
            if not length.isdecimal() or len(length) > _MOST_DIGITS or int(length) > _MOST_BYTES:
                self.close_connection = True
                self._answer(411 if not length.isdecimal() else 413)
                return
            received = _verified(webhooks, self.rfile.read(int(length)), dict(self.headers.items()))
            with lock:
                received["again"] = received["id"] in seen
                if not received["fault"]:
                    seen.add(received["id"])
                on_received(received)
            self._answer(answer if not received["fault"] else 400)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Print nothing but webhooks."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with Server((host, port), Handler) as server:
        webhooks = [Webhook(secret) for secret in ready(server.server_address[1])]
        server.serve_forever()


def _verified(webhooks: Sequence[Webhook], body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    fault = "it has no secret to be verified with"
    for webhook in webhooks:
        try:
            event = webhook.verify(body, headers)
        except WebhookVerificationError as error:
            fault = str(error)
        except (ValueError, RecursionError):
            # The package lets through what is wrong with the signature's or the body's form.
            fault = "malformed"
        else:
            return _described({name.lower(): value for name, value in headers.items()}["webhook-id"], event)
    return {"id": "", "event": {}, "milliseconds": 0.0, "fault": fault}


def _described(event_id: str, event: Any) -> dict[str, Any]:
    event = event if isinstance(event, dict) else {}
    try:
        at = datetime.fromisoformat(str(event.get("timestamp")))
        # The sender's clock may be ahead of this one.
        milliseconds = max(0.0, 1000 * (datetime.now(UTC) - at).total_seconds())
    except (ValueError, TypeError):
        milliseconds = 0.0
    shown = event_id if _SHOWN.fullmatch(event_id) else ascii(event_id)
    return {"id": shown, "event": event, "milliseconds": milliseconds, "fault": ""}
