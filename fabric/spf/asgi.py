"""The way into SPF: bodies are stopped when they are too long, calls are answered by threads.

Clients send chunked bodies, whose length nobody announces, and Django stores a body whole before
it asks who is calling. Long answers are sent while they are made: `delivery`.
"""

from __future__ import annotations

import asyncio
import gc
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, cast

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import set_script_prefix

from fabric.odata import errorbody
from fabric.odata.errors import BadRequest, ODataError, PayloadTooLarge
from fabric.odata.negotiate import error_format
from fabric.spf.delivery import Line, Message, Receive, Send

Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

# Somewhat more than a view reads, so that a body just too long is refused in its own format.
MOST = 2 * 1_048_576
THREADS = 16
# Whoever has not sent a body after so many seconds is not waited for: nobody knows who it is yet.
BODY_SECONDS: Final = 120.0


class Threads(ASGIHandler):
    """Django's handler, but a call is answered by one thread, and threads stay.

    Nothing of ours is asynchronous, and Django's own changes threads seven times in a call, each
    call in a new one. Threads that stay keep their connections to the database; the thread that
    reads the rows of a long answer is also the one that sends them, unless they are taken slowly.
    """

    def __init__(self) -> None:
        # Past Django's own, which would load everything for the event loop.
        super(ASGIHandler, self).__init__()
        self.load_middleware(is_async=False)
        # What is loaded now stays: long feeds would have it looked through again and again.
        gc.freeze()
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="spf")

    async def handle(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Read the body, have a thread answer, send the answer, or what is left of it."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with body:
            loop = asyncio.get_running_loop()
            line = Line(loop, receive, send)
            response = await loop.run_in_executor(self.threads, self._answer, scope, body, line)
        if response is not None:
            await self.send_response(response, send)
        else:
            await line.finish()

    def _answer(
        self,
        scope: MutableMapping[str, Any],
        body: tempfile.SpooledTemporaryFile[bytes],
        line: Line,
    ) -> HttpResponse | None:
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(scope, body)
        response = refusal if request is None else self.get_response(request)
        try:
            if isinstance(response, StreamingHttpResponse):
                line.deliver(response, is_wanted=scope["method"] != "HEAD")
                return None
            return cast(HttpResponse, response)
        finally:
            # What closing it ends, this thread's use of the database above all, is ours.
            response.close()


def limited(application: Application, most: int = MOST) -> Application:
    """The application, never given more than so many bytes of a body, nor waiting long for it."""

    async def limiting(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        received, is_cut, is_whole = 0, False, False
        last = asyncio.get_running_loop().time() + BODY_SECONDS

        async def counting() -> Message:
            nonlocal received, is_cut, is_whole
            try:
                async with asyncio.timeout_at(None if is_whole else last):
                    message = await receive()
            except TimeoutError:
                message = {"type": "http.disconnect"}
            received += len(message.get("body", b""))
            is_cut = is_cut or (not is_whole and message["type"] == "http.disconnect")
            is_whole = is_whole or not message.get("more_body", False)
            # Django drops what it has and says nothing, as for a client that went away.
            return message if received <= most else {"type": "http.disconnect"}

        await application(scope, counting, send)
        if received > most:
            await _refuse(scope, send, PayloadTooLarge("The body is too long."))
        elif is_cut:
            # Gone, or sending chunks that are none; who is still there is told.
            await _refuse(scope, send, BadRequest("The body breaks off."))

    return limiting


async def _refuse(scope: MutableMapping[str, Any], send: Send, error: ODataError) -> None:
    headers = {name.lower(): value for name, value in scope.get("headers", ())}
    wanted = error_format(headers.get(b"accept", b"").decode("latin-1"))
    body, content_type = errorbody.write(error, wanted)
    told = [(b"content-type", content_type.encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": error.status, "headers": told})
    await send({"type": "http.response.body", "body": body})
