"""Looks an endpoint's host up, anew for each try, and keeps the addresses that something may be sent to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Final

from notifier.sending.addresses import refusal_of_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from notifier.sending.addresses import Network

_MOST_ADDRESSES: Final = 4
"""Addresses of a host that one try goes through."""


class NameUnknownError(Exception):
    """The host has no address, or nobody could be asked for it."""


class AddressRefusedError(Exception):
    """The host has no address but those that nothing may be sent to."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Resolver:
    """Resolves the host of one endpoint.

    A thread of its own asks: the system's resolver may be silent for long, and must hold up no other endpoint, nor the
    end of the process. Calls that come while it is asked share its answer.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        allowed: Sequence[Network],
        look_up: Callable[[str, int], Sequence[str]] | None = None,
    ) -> None:
        """Resolve this host.

        Args:
            host: a name or an address.
            port: what the addresses are asked for.
            allowed: networks that an operator allows, whatever they are.
            look_up: gives the addresses of a host. By default it is the system's resolver.
        """
        self._host, self._port = host, port
        self._allowed = allowed
        self._look_up = look_up or system_look_up
        self._asking: asyncio.Future[Sequence[str]] | None = None

    async def addresses(self) -> list[str]:
        """The addresses to try, the best first.

        Raises:
            NameUnknownError: there is none.
            AddressRefusedError: there is none that something may be sent to.
        """
        if self._asking is None or self._asking.done():
            self._asking = self._ask()
        try:
            # A try that is out of time must not end the look-up for the others.
            found = await asyncio.shield(self._asking)
        except (OSError, UnicodeError):
            raise NameUnknownError from None
        judged = [(each, refusal_of_text(each, allowed=self._allowed)) for each in dict.fromkeys(found)]
        good = [address for address, refusal in judged if refusal is None]
        if good:
            return good[:_MOST_ADDRESSES]
        for _, refusal in judged:
            raise AddressRefusedError(str(refusal))
        raise NameUnknownError

    def close(self) -> None:
        """Look nothing up any more. A look-up that hangs is left to its thread."""
        if self._asking is not None:
            self._asking.cancel()

    def _ask(self) -> asyncio.Future[Sequence[str]]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[str]] = loop.create_future()

        def settle(found: Sequence[str] | Exception) -> None:
            if answer.done():
                return
            if isinstance(found, Exception):
                answer.set_exception(found)
            else:
                answer.set_result(found)

        def ask() -> None:
            found: Sequence[str] | Exception
            try:
                found = self._look_up(self._host, self._port)
            except Exception as error:  # noqa: BLE001 - it is raised where somebody waits
                found = error
            # The loop may have ended meanwhile.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, found)

        threading.Thread(target=ask, name="resolver", daemon=True).start()
        return answer


def system_look_up(host: str, port: int) -> Sequence[str]:
    """The addresses that the system's resolver gives, in the order in which it advises to try them.

    Raises:
        OSError: it gives none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
