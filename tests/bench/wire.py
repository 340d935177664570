"""The least of a browser's connection: GET over one that stays open.

A real client costs more than the server it asks; with both on two cores it would measure itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit


class Connection:
    """One open connection to a site; opened when it is first needed, again when it was closed."""

    def __init__(self, site: str, cookies: Mapping[str, str]) -> None:
        address = urlsplit(site)
        self.host, self.port = address.hostname or "localhost", address.port or 80
        said = "; ".join(f"{name}={value}" for name, value in cookies.items())
        self.always = f"Host: {self.host}:{self.port}\r\nCookie: {said}\r\n"
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str, more: str = "") -> tuple[int, str]:
        """Return status and text; `more` is a header line."""
        for is_last in (False, True):
            if self.streams is None:
                self.streams = await asyncio.open_connection(self.host, self.port)
            try:
                return await self._ask(path, f"{more}\r\n" if more else "")
            except (ConnectionError, asyncio.IncompleteReadError):
                self.close()
                if is_last:
                    raise
        raise AssertionError("asked twice")

    async def _ask(self, path: str, more: str) -> tuple[int, str]:
        assert self.streams is not None
        reader, writer = self.streams
        writer.write(f"GET {path} HTTP/1.1\r\n{self.always}{more}\r\n".encode())
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status, size = int(head.split(" ", 2)[1]), 0
        for line in head.split("\r\n"):
            if line.startswith("content-length:"):
                size = int(line.partition(":")[2])
            elif line.startswith("transfer-encoding:"):
                raise RuntimeError(f"{path} is answered in pieces")
        return status, (await reader.readexactly(size)).decode()

    def close(self) -> None:
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None
