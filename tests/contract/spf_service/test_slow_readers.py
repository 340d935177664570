"""Clients that take long answers slowly, or not at all: they keep no thread from anybody else."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from django.db import connections

from fabric.spf import asgi, delivery
from fabric.spf.asgi import Threads, limited
from fabric.vmm.models import UserRole, VirtualMachine
from tests.contract.spf_service.conftest import Caller, apart
from tests.factories.vmm import Fabric

MANY = 1_200

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


class Client:
    """Asks once, and takes parts of the answer only while its hands are open."""

    def __init__(self, caller: Caller, path: str, door: Threads) -> None:
        self.takes = asyncio.Event()
        self.taken: list[dict[str, Any]] = []
        self.left = asyncio.Event()
        self._asked = self.begins_a_body = False
        told = limited(door)(caller.scope(path), self._receive, self._send)
        self.call = asyncio.ensure_future(told)

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"{", "more_body": self.begins_a_body}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        await self.takes.wait()
        self.taken.append(message)

    @property
    def is_whole(self) -> bool:
        return bool(self.taken) and not self.taken[-1].get("more_body", True)

    @property
    def rows(self) -> list[dict[str, Any]]:
        text = b"".join(each.get("body", b"") for each in self.taken)
        found: list[dict[str, Any]] = json.loads(text)["value"]
        return found


@pytest.fixture
def door(monkeypatch) -> Iterator[Threads]:
    """SPF's way in, with a single thread, which waits for nobody long."""
    monkeypatch.setattr(delivery, "THREAD_PATIENCE", 0.3)
    application = Threads()
    application.threads = ThreadPoolExecutor(1)
    yield application
    application.threads.submit(connections.close_all).result()
    application.threads.shutdown()


@pytest.fixture
def long_feed(fabric: Fabric, role: UserRole) -> str:
    """Return the path of a feed of many machines."""
    VirtualMachine.objects.bulk_create(
        VirtualMachine(
            server=fabric.server,
            cloud=fabric.cloud,
            role=role,
            name=f"vm-{n:04}",
            computer_name=f"vm-{n:04}",
            cores=1,
            memory_mb=1024,
            storage_gb=20,
            status="PowerOff",
        )
        for n in range(MANY)
    )
    return "VirtualMachines"


@asynccontextmanager
async def calling(caller: Caller, path: str, door: Threads) -> AsyncIterator[Client]:
    client = Client(caller, path, door)
    try:
        yield client
    finally:
        client.call.cancel()
        with suppress(asyncio.CancelledError):
            await client.call


def test_who_takes_nothing_keeps_nobody_else_waiting(tenant, door, long_feed):
    async def exchange() -> None:
        async with calling(tenant, long_feed, door) as slow:
            async with calling(tenant, "Clouds", door) as quick:
                quick.takes.set()
                await asyncio.wait_for(quick.call, 20)
                assert quick.taken[0]["status"] == 200
            assert not slow.call.done()
            # It begins to take after all: nothing is missing.
            slow.takes.set()
            await asyncio.wait_for(slow.call, 20)
            assert slow.is_whole
            assert len({row["Name"] for row in slow.rows}) == MANY
        assert not list(delivery._rests)

    apart(exchange())


def test_who_never_takes_anything_is_let_go(tenant, door, long_feed, monkeypatch, caplog):
    monkeypatch.setattr(delivery, "PATIENCE", 0.3)

    async def exchange() -> None:
        async with calling(tenant, long_feed, door) as slow:
            await asyncio.wait_for(slow.call, 20)
            assert slow.taken == []
        assert not list(delivery._rests)

    with caplog.at_level(logging.WARNING):
        apart(exchange())
    assert "took nothing" in caplog.text


def test_who_goes_away_while_the_rest_is_kept_is_forgotten(tenant, door, long_feed):
    async def exchange() -> None:
        async with calling(tenant, long_feed, door) as slow:
            async with calling(tenant, "Clouds", door) as quick:
                quick.takes.set()
                await asyncio.wait_for(quick.call, 20)
            slow.left.set()
            await asyncio.sleep(0)
            slow.takes.set()
            await asyncio.wait_for(slow.call, 20)
            assert not slow.is_whole
        assert not list(delivery._rests)

    apart(exchange())


def test_no_more_is_kept_than_there_is_room_for(tenant, door, long_feed, monkeypatch, caplog):
    monkeypatch.setattr(delivery, "MOST_KEPT", 100_000)

    async def exchange() -> None:
        async with calling(tenant, long_feed, door) as slow:
            await asyncio.wait_for(slow.call, 20)
            assert not slow.is_whole
        assert not list(delivery._rests)

    with caplog.at_level(logging.WARNING):
        apart(exchange())
    assert "too much is kept" in caplog.text


def test_who_never_sends_the_rest_of_a_body_is_not_waited_for(tenant, door, monkeypatch):
    monkeypatch.setattr(asgi, "BODY_SECONDS", 0.2)

    async def exchange() -> None:
        async with calling(tenant, "Clouds", door) as slow:
            slow.takes.set()
            slow.begins_a_body = True
            await asyncio.wait_for(slow.call, 20)
            assert slow.taken[0]["status"] == 400
            assert b"breaks off" in slow.taken[1]["body"]

    apart(exchange())
