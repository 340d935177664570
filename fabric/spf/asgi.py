"""The way into SPF: bodies are stopped when they are too long, calls are answered by threads.

Clients send chunked bodies, whose length nobody announces, and Django stores a body whole before
it asks who is calling.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import HttpResponse
from django.urls import set_script_prefix

from fabric.odata import errorbody
from fabric.odata.errors import PayloadTooLarge
from fabric.odata.negotiate import Format

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

# Somewhat more than a view reads, so that a body just too long is refused in its own format.
MOST = 2 * 1_048_576
THREADS = 16


class Threads(ASGIHandler):
    """Django's handler, but a call is answered by one thread, and threads stay.

    Nothing of ours is asynchronous, and Django's own changes threads seven times in a call, each
    call in a new one. Threads that stay keep their connections to the database.
    """

    def __init__(self) -> None:
        # Past Django's own, which would load everything for the event loop.
        super(ASGIHandler, self).__init__()
        self.load_middleware(is_async=False)
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="spf")

    async def handle(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Read the body, have a thread answer, send the answer."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with body:
            loop = asyncio.get_running_loop()
            response = await loop.run_in_executor(self.threads, self._answer, scope, body)
        await self.send_response(response, send)

    def _answer(
        self, scope: MutableMapping[str, Any], body: tempfile.SpooledTemporaryFile[bytes]
    ) -> HttpResponse:
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(scope, body)
        response: HttpResponse = refusal if request is None else self.get_response(request)
        # Its content is whole; what closing it ends, this thread's connection above all, is ours.
        response.close()
        return response


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
