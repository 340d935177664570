"""A far side made of canned answers, behind the real client."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from fabric.providers.spf import SPFProvider

Reply = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


@dataclass
class FarSide:
    """Answers each call with the first rule that fits, and remembers the calls."""

    rules: list[tuple[str, str, list[Reply]]] = field(default_factory=list)
    calls: list[httpx.Request] = field(default_factory=list)

    def on(self, method: str, part: str, *replies: Reply) -> None:
        """Answer calls whose address has this part: each reply once, the last one for ever."""
        self.rules.insert(0, (method, part, list(replies)))

    def feed(self, part: str, *rows: dict[str, Any]) -> None:
        self.on("GET", part, httpx.Response(200, json={"value": list(rows)}))

    def told(self, method: str) -> list[httpx.Request]:
        return [call for call in self.calls if call.method == method]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request)
        address = unquote(str(request.url))
        for method, part, replies in self.rules:
            if method == request.method and part in address:
                reply = replies.pop(0) if len(replies) > 1 else replies[0]
                if isinstance(reply, Exception):
                    raise reply
                if isinstance(reply, httpx.Response):
                    return httpx.Response(
                        reply.status_code, headers=reply.headers, content=reply.content
                    )
                return reply(request)
        return httpx.Response(404, json={"odata.error": {"message": {"value": "unknown"}}})


@pytest.fixture
def far() -> FarSide:
    return FarSide()


@pytest.fixture
def spf(far: FarSide) -> Iterator[SPFProvider]:
    client = SPFProvider(
        "https://spf.example.net:8090",
        "portal",
        "Wap-secret-1",
        transport=httpx.MockTransport(far),
        capabilities={"job_steps"},
    )
    yield client
    client.close()


@pytest.fixture
def stamp_id() -> uuid.UUID:
    return uuid.uuid4()
