"""Signs what is sent, as Standard Webhooks wants it (https://www.standardwebhooks.com)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standardwebhooks import Webhook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pydantic import SecretBytes


class Signer:
    """Makes the headers by which a receiver knows who sent a webhook, and when."""

    def __init__(self, secrets: Sequence[SecretBytes]) -> None:
        """Sign with these. While they are exchanged there are several, and each signs."""
        self._webhooks = [Webhook(secret.get_secret_value()) for secret in secrets]

    def headers(self, event_id: str, body: bytes, *, at: datetime) -> dict[str, str]:
        """The headers of one try.

        Args:
            event_id: of the event. It is the same in each try, so that a receiver can tell a repeat.
            body: what is sent, in UTF-8.
            at: when the try is made: aware, in UTC, since the package takes any time for UTC.
        """
        text = body.decode()
        return {
            "webhook-id": event_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(each.sign(event_id, at, text) for each in self._webhooks),
        }
