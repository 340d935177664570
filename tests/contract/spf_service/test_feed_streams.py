"""Long feeds: sent while they are read, stopped when nobody listens, cut when something breaks."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from fabric.odata import atom, jsonfmt
from fabric.spf import answers
from fabric.spf.asgi import Threads, limited
from fabric.spf.reading import CHUNK
from fabric.spf.sets import machines
from fabric.vmm.models import UserRole, VirtualMachine
from tests.contract.spf_service.conftest import Caller, apart
from tests.factories.vmm import Fabric

MANY = 300
JSON, ATOM = "application/json", "application/atom+xml"


def fill(fabric: Fabric, role: UserRole, count: int) -> list[str]:
    """Give a role many machines at rest; return their names."""
    machines = [
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
        for n in range(count)
    ]
    VirtualMachine.objects.bulk_create(machines)
    return [machine.name for machine in machines]


@pytest.mark.parametrize("level", ["minimalmetadata", "fullmetadata", "nometadata", "verbose"])
def test_a_long_feed_in_json_is_one_document(fabric, role, tenant, level):
    names = fill(fabric, role, MANY)
    answer = tenant.get("VirtualMachines?$inlinecount=allpages", accept=f"{JSON};odata={level}")
    assert answer.streaming
    assert "Content-Length" not in answer
    assert answer["DataServiceVersion"] == "3.0;"
    parts = list(answer)
    assert len(parts) > 2
    rows, _, count = jsonfmt.read_feed(b"".join(parts))
    assert sorted(row["Name"] for row in rows) == names
    assert count == MANY


def test_a_long_feed_in_atom_is_one_document(fabric, role, tenant):
    names = fill(fabric, role, MANY)
    answer = tenant.get("VirtualMachines?$inlinecount=allpages", accept=ATOM)
    assert answer.streaming
    rows, _, count = atom.read_feed(b"".join(answer))
    assert sorted(row["Name"] for row in rows) == names
    assert count == MANY


def test_a_short_feed_has_a_length(fabric, role, tenant):
    fill(fabric, role, 3)
    answer = tenant.get("VirtualMachines")
    assert not answer.streaming
    assert answer.headers["Content-Type"].startswith("application/json")


def test_a_long_answer_can_be_had_in_one_piece(fabric, role, tenant):
    fill(fabric, role, MANY)
    answer = answers.whole(tenant.get("VirtualMachines"), 10_000_000)
    assert len(json.loads(answer.content)["value"]) == MANY
    assert answer["x-ms-request-id"]


def test_however_long_a_feed_is_it_takes_the_same_queries(fabric, role, tenant):
    path = "VirtualMachines?$expand=Cloud,MostRecentTask,VirtualNetworkAdapters"
    tenant.get(path)
    taken = []
    for count in (1, MANY):
        VirtualMachine.objects.all().delete()
        fill(fabric, role, count)
        with CaptureQueriesContext(connection) as queries:
            b"".join(tenant.get(path))
        taken.append(len(queries))
    assert MANY < CHUNK
    assert taken[0] == taken[1] <= 7, taken


def test_what_breaks_before_the_answer_begins_is_told(fabric, role, tenant, monkeypatch):
    fill(fabric, role, MANY)
    _break_at(monkeypatch, 1)
    answer = tenant.get("VirtualMachines")
    assert answer.status_code == 500
    assert b"reference" in answer.content


@pytest.fixture
def door() -> Iterator[Threads]:
    """SPF's way in, with one thread; its connection is closed at the end."""
    application = Threads()
    application.threads = ThreadPoolExecutor(1)
    yield application
    application.threads.submit(connections.close_all).result()
    application.threads.shutdown()


def _open(caller: Caller, path: str, door: Threads) -> ApplicationCommunicator:
    return ApplicationCommunicator(limited(door), caller.scope(path))


async def _asked(spoken: ApplicationCommunicator) -> dict[str, Any]:
    await spoken.send_input({"type": "http.request", "body": b"", "more_body": False})
    return await spoken.receive_output(timeout=30)


async def _all_of(spoken: ApplicationCommunicator) -> list[dict[str, Any]]:
    """Return what else is sent until the call has ended, however long that takes."""
    await asyncio.wait([spoken.future], timeout=60)
    assert spoken.future.done(), "it has an end"
    spoken.future.result()
    return [spoken.output_queue.get_nowait() for _ in range(spoken.output_queue.qsize())]


def _cursors(door: Threads) -> int:
    """Return how many cursors the thread's connection has left open."""

    def count() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_cursors WHERE is_holdable")
            return cursor.fetchone()[0]

    return door.threads.submit(count).result()


def _break_at(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Have the machine of this number (counted as they are told) break."""
    told = 0
    whole = machines.status_string

    def status_string(status: str) -> str:
        nonlocal told
        told += 1
        if told == number:
            raise RuntimeError("a row nobody can tell")
        return whole(status)

    monkeypatch.setattr(machines, "status_string", status_string)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_feed_is_sent_part_by_part(fabric, role, tenant, door):
    fill(fabric, role, MANY)

    async def exchange() -> list[dict[str, Any]]:
        spoken = _open(tenant, "VirtualMachines", door)
        start = await _asked(spoken)
        return [start, *await _all_of(spoken)]

    start, *parts = apart(exchange())
    assert start["status"] == 200
    assert len(parts) > 3
    assert [part["more_body"] for part in parts] == [*[True] * (len(parts) - 1), False]
    rows = json.loads(b"".join(part["body"] for part in parts))["value"]
    assert len(rows) == MANY
    assert _cursors(door) == 0


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_an_answer_that_breaks_off_has_no_end(fabric, role, tenant, door, monkeypatch, caplog):
    fill(fabric, role, CHUNK + 100)
    # In the second portion: the first is on its way by then.
    _break_at(monkeypatch, CHUNK + 10)

    async def exchange() -> list[dict[str, Any]]:
        spoken = _open(tenant, "VirtualMachines", door)
        start = await _asked(spoken)
        return [start, *await _all_of(spoken)]

    with caplog.at_level(logging.ERROR):
        start, *parts = apart(exchange())
    assert start["status"] == 200
    assert parts
    assert all(part["more_body"] for part in parts)
    with pytest.raises(ValueError, match="Expecting|Unterminated"):
        json.loads(b"".join(part["body"] for part in parts))
    (record,) = caplog.records
    assert "answer broke off, reference" in record.getMessage()
    assert _cursors(door) == 0


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_nobody_listening_stops_the_reading(fabric, role, tenant, door, monkeypatch):
    fill(fabric, role, 2 * CHUNK)
    read: list[int] = []
    told = machines.status_string
    monkeypatch.setattr(machines, "status_string", lambda status: read.append(1) or told(status))
    taken = asyncio.Event()

    async def exchange() -> None:
        spoken = _open(tenant, "VirtualMachines", door)
        parts = 0

        async def slow(message: dict[str, Any]) -> None:
            nonlocal parts
            parts += 1
            if parts == 2:
                await spoken.send_input({"type": "http.disconnect"})
                taken.set()
            # Somebody who reads no faster than this.
            await asyncio.sleep(0.05)

        original = spoken.application

        async def application(scope: Any, receive: Any, send: Any) -> None:
            await original(scope, receive, slow)

        spoken.application = application
        await spoken.send_input({"type": "http.request", "body": b"", "more_body": False})
        await asyncio.wait_for(taken.wait(), 30)
        await spoken.wait(timeout=30)

    apart(exchange())
    assert len(read) == CHUNK
    assert _cursors(door) == 0
