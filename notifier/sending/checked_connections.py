"""Makes the connections over which events are sent, to addresses that were judged and to nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from httpcore2 import AnyIOBackend, AsyncNetworkBackend, ConnectError

from notifier.sending.addresses import refusal_of_text
from notifier.sending.answer_stream import AnswerStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from httpcore2 import SOCKET_OPTION, AsyncNetworkStream

    from notifier.sending.addresses import Network


class CheckedConnections(AsyncNetworkBackend):
    """Connects to addresses. A name is refused: it would be resolved again, and nobody would judge the answer."""

    def __init__(self, *, allowed: Sequence[Network]) -> None:
        """`allowed`: networks that an operator allows, whatever they are."""
        self._allowed = allowed
        self._backend = AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's name
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Connect to an address.

        Raises:
            ConnectError: it is a name, or an address that nothing may be sent to, or nobody answers there.
        """
        refusal = refusal_of_text(host, allowed=self._allowed)
        if refusal is not None:
            raise ConnectError(refusal)
        stream = await self._backend.connect_tcp(
            host, port, timeout=timeout, local_address=local_address, socket_options=socket_options
        )
        return AnswerStream(stream)
