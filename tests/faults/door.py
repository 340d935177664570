"""A proxy in front of SPF that loses replies and holds up requests, over TLS on both sides.

It reads requests one by one and hands back what SPF answers as it comes. Planned mishaps apply to
the next request that matches, each once. A reply that is to be lost is lost too where the caller's
patience ends before it comes, as it does on a slow machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
# How long a reply that nobody waits for any more may take.
REPLY_SECONDS = 60
_CUT = (OSError, EOFError, ssl.SSLError, asyncio.LimitOverrunError)


@dataclass
class Mishap:
    """What befalls one request: `reply` lost, `late` on its way, or something `done` as it comes.

    `met` is set once it has happened; a late request goes on after `release`.
    """

    method: str
    kind: str
    done: Callable[[], None] | None = None
    met: threading.Event = field(default_factory=threading.Event)
    _free: threading.Event = field(default_factory=threading.Event)
    delivered: threading.Event = field(default_factory=threading.Event)

    def release(self) -> None:
        self._free.set()

    async def held(self) -> None:
        while not self._free.is_set():
            await asyncio.sleep(0.01)


class Door:
    """Listen on `port`, speak as SPF, and pass on to `inner`."""

    def __init__(self, port: int, inner: int, tls: Path) -> None:
        self.inner = inner
        self._mishaps: list[Mishap] = []
        self._server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server_side.load_cert_chain(tls / "spf.pem", tls / "spf.key")
        self._client_side = ssl.create_default_context(cafile=str(tls / "ca.pem"))
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        # All in a thread of its own: a browser's loop may be running in this one.
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "localhost", port, ssl=self._server_side), self._loop
        ).result(10)

    def lose_reply(self, method: str) -> Mishap:
        """Deliver the next such request, and cut the connection instead of handing back."""
        return self._plan(Mishap(method, "reply"))

    def hold_up(self, method: str) -> Mishap:
        """Keep the next such request until released; deliver it then, whoever waits or not."""
        return self._plan(Mishap(method, "late"))

    def upon(self, method: str, done: Callable[[], None]) -> Mishap:
        """Do something the moment the next such request comes, before it is passed on."""
        return self._plan(Mishap(method, "done", done))

    def clear(self) -> None:
        """Forget what has not happened yet."""
        self._mishaps.clear()

    def close(self) -> None:
        async def end() -> None:
            self._server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await asyncio.sleep(0.1)  # the transports say goodbye

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _plan(self, mishap: Mishap) -> Mishap:
        self._mishaps.append(mishap)
        return mishap

    def _mishap(self, head: bytes) -> Mishap | None:
        method = head.split(b" ", 1)[0].decode("ascii", "replace")
        for mishap in self._mishaps:
            if mishap.method == method:
                self._mishaps.remove(mishap)
                return mishap
        return None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._pass_on(reader, writer)
        except (*_CUT, asyncio.CancelledError):
            pass  # asyncio's own callback would log a task that was cancelled
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_spf: asyncio.StreamWriter | None = None
        answers: asyncio.Task[None] | None = None
        lost: list[Mishap] = []
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                mishap = self._mishap(head)
                if mishap is not None:
                    await self._befall(mishap, lost)
                if to_spf is None:
                    from_spf, to_spf = await asyncio.open_connection(
                        "localhost", self.inner, ssl=self._client_side
                    )
                    answers = asyncio.create_task(_hand_back(from_spf, writer, lost))
                to_spf.write(head + body)
                await to_spf.drain()
                if mishap is not None and mishap.kind == "late":
                    await asyncio.wait([answers], timeout=1)
                    mishap.delivered.set()
        finally:
            if answers is not None:
                if lost:
                    await asyncio.wait([answers], timeout=REPLY_SECONDS)
                answers.cancel()
            if to_spf is not None:
                to_spf.transport.abort()

    async def _befall(self, mishap: Mishap, lost: list[Mishap]) -> None:
        if mishap.kind == "reply":
            lost.append(mishap)
            return
        mishap.met.set()
        if mishap.kind == "late":
            await mishap.held()
        elif mishap.done is not None:
            await asyncio.get_running_loop().run_in_executor(None, mishap.done)


async def _hand_back(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: list[Mishap]
) -> None:
    with contextlib.suppress(*_CUT):
        while chunk := await reader.read(65536):
            if lost:
                lost.pop().met.set()
                break
            writer.write(chunk)
            await writer.drain()
    writer.transport.abort()
