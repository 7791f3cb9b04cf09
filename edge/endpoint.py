"""Makes an endpoint of a method. The faults that every method may raise become answers here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.answers import responses
from edge.bodies import BodyTooSlowError, PayloadTooLargeError
from edge.bounds import NoRoomError
from edge.request import HttpRequest, InvalidRequestPartError, UnsupportedMediaTypeError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Scope, Send

    from edge.answers.answer import Answer, StreamedAnswer


class Endpoint:
    """An ASGI application that calls one method and sends its answer."""

    def __init__(
        self,
        method: Callable[[HttpRequest], Awaitable[Answer | StreamedAnswer]],
        *,
        away: type[Exception] = NoRoomError,
    ) -> None:
        """`away` is raised by methods while what they depend on is away, and is answered as no room is."""
        self._method = method
        self._unavailable = (NoRoomError, away)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what the method answers, or the answer to the fault that it raised."""
        try:
            answer = await self._method(HttpRequest(scope, receive))
        except InvalidRequestPartError as error:
            answer = responses.validation_error(error.field, error.message)
        except UnsupportedMediaTypeError:
            answer = responses.unsupported_media_type()
        except PayloadTooLargeError:
            answer = responses.payload_too_large()
        except BodyTooSlowError:
            answer = responses.request_timeout()
        except self._unavailable:
            answer = responses.service_unavailable()
        await answer(scope, receive, send)
