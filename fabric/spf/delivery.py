"""How a long answer gets from the thread that makes it to a client that takes it in parts.

A thread waits a little for its client, no more: what is not taken by then is kept, and sent without
any thread. So nobody stops the service by reading slowly. What is kept is bounded as well.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from concurrent.futures import Future
from typing import Any, Final

from django.http import StreamingHttpResponse

log = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# How many seconds in all a thread waits for the client of one answer.
THREAD_PATIENCE: Final = 5.0
# A client that takes nothing for so many seconds, or is not done after so many, is let go.
PATIENCE: Final = 60.0
LONGEST: Final = 3_600.0
# What is kept for all slow clients of a process together.
MOST_KEPT: Final = 268_435_456
_IN_MEMORY: Final = 1_048_576
_PIECE: Final = 65_536


class Broken(Exception):
    """An answer that has begun cannot be ended. Whoever raises it has logged why."""


class _TooMuch(Exception):
    """No more can be kept for slow clients."""


class Rest:
    """What of an answer is made and not taken; forgetting it frees what it holds."""

    def __init__(self, waiting: Future[None]) -> None:
        self.waiting = waiting
        self.has_end = False
        self._size = 0
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
        with _guard:
            _rests.add(self)

    def keep(self, part: bytes) -> None:
        """Keep one more part; raises _TooMuch."""
        with _guard:
            if sum(each._size for each in _rests) + len(part) > MOST_KEPT:
                raise _TooMuch
            self._size += len(part)
        self._file.write(part)

    def pieces(self) -> Iterator[bytes]:
        """All that is kept, from the beginning."""
        self._file.seek(0)
        while piece := self._file.read(_PIECE):
            yield piece

    def close(self) -> None:
        """Give up what is not sent."""
        self.waiting.cancel()
        self._file.close()
        with _guard:
            _rests.discard(self)


_rests: weakref.WeakSet[Rest] = weakref.WeakSet()
_guard = threading.Lock()


class Line:
    """The way to one client, which takes its answer in parts or goes away."""

    def __init__(self, loop: asyncio.AbstractEventLoop, receive: Receive, send: Send) -> None:
        self._loop = loop
        self._receive = receive
        self._send = send
        self._left = THREAD_PATIENCE
        self._rest: Rest | None = None
        self._gone: Future[None] | None = None

    def deliver(self, response: StreamingHttpResponse, *, is_wanted: bool) -> None:
        """In a thread: send an answer part by part, and keep for `finish` what is taken slowly.

        Whatever goes wrong leaves it without its end: the server then closes the connection, and
        no client takes it for a whole answer.
        """
        self._gone = asyncio.run_coroutine_threadsafe(self._until_gone(), self._loop)
        is_made = False
        try:
            self._put(_start_of(response))
            for part in response if is_wanted else ():
                if self._gone.done():
                    return
                if self._rest is None:
                    self._put(_body(part))
                else:
                    self._rest.keep(part)
            if self._rest is None:
                self._put(_body(b"", is_last=True))
            else:
                self._rest.has_end = True
            is_made = True
        except _TooMuch:
            log.warning("an answer is cut: too much is kept for clients that read slowly")
        except Broken:
            # Logged where it broke.
            return
        finally:
            if self._rest is None or not is_made:
                self._let_go()

    async def finish(self) -> None:
        """In the event loop: send what the thread has kept, as slowly as it is taken."""
        rest, gone = self._rest, self._gone
        if rest is None or gone is None:
            return
        try:
            async with asyncio.timeout(LONGEST):
                await asyncio.wait_for(asyncio.wrap_future(rest.waiting), PATIENCE)
                for piece in rest.pieces():
                    if gone.done():
                        return
                    await asyncio.wait_for(self._send(_body(piece)), PATIENCE)
                if rest.has_end:
                    await asyncio.wait_for(self._send(_body(b"", is_last=True)), PATIENCE)
        except TimeoutError:
            log.warning("a client took nothing of its answer for too long")
        finally:
            self._let_go()

    def _let_go(self) -> None:
        if self._gone is not None:
            self._gone.cancel()
        if self._rest is not None:
            self._rest.close()
            self._rest = None

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            continue

    def _put(self, message: Message) -> None:
        """Send, and wait as long as there is patience left; then what follows is kept."""
        begun = time.monotonic()
        sent = asyncio.run_coroutine_threadsafe(self._sent(message), self._loop)
        try:
            sent.result(max(0.0, self._left))
        except TimeoutError:
            if sent.done():
                # Of its own making, or just now.
                sent.result()
            else:
                self._rest = Rest(sent)
        finally:
            self._left -= time.monotonic() - begun

    async def _sent(self, message: Message) -> None:
        await self._send(message)


def _body(part: bytes, *, is_last: bool = False) -> Message:
    return {"type": "http.response.body", "body": part, "more_body": not is_last}


def _start_of(response: StreamingHttpResponse) -> Message:
    headers = [
        (name.encode("latin-1"), value.encode("latin-1")) for name, value in response.items()
    ]
    return {"type": "http.response.start", "status": response.status_code, "headers": headers}
