"""Stops a body that is too long while it arrives.

Clients send chunked bodies, whose length nobody announces, and Django stores a body whole before
it asks who is calling.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fabric.odata import errorbody
from fabric.odata.errors import PayloadTooLarge
from fabric.odata.negotiate import Format

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

# Somewhat more than a view reads, so that a body just too long is refused in its own format.
MOST = 2 * 1_048_576


def limited(application: Application, most: int = MOST) -> Application:
    """The application, never given more than so many bytes of a body."""

    async def limiting(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        received = 0

        async def counting() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            # Django drops what it has and says nothing, as for a client that went away.
            return message if received <= most else {"type": "http.disconnect"}

        await application(scope, counting, send)
        if received > most:
            await _refuse(send)

    return limiting


async def _refuse(send: Send) -> None:
    error = PayloadTooLarge("The body is too long.")
    body, content_type = errorbody.write(error, Format.ATOM)
    headers = [(b"content-type", content_type.encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
