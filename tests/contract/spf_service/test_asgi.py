"""Through ASGI, as in production: chunked bodies arrive whole, or are stopped on their way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.db import connections

from fabric.spf.asgi import Threads, limited
from fabric.vmm.models import VirtualMachine
from tests.contract.spf_service.conftest import Caller, apart


def post(caller: Caller, path: str, chunks: list[bytes]) -> tuple[int, dict[str, str], bytes]:
    """Post a body in chunks, without a Content-Length; return status, headers and body."""
    scope = caller.scope(
        path,
        "POST",
        (b"content-type", b"application/json"),
        (b"transfer-encoding", b"chunked"),
    )

    async def exchange() -> tuple[dict[str, Any], dict[str, Any]]:
        spoken = ApplicationCommunicator(limited(Threads()), scope)
        for number, chunk in enumerate(chunks, start=1):
            more = number < len(chunks)
            await spoken.send_input({"type": "http.request", "body": chunk, "more_body": more})
        start = await spoken.receive_output(timeout=30)
        body = await spoken.receive_output(timeout=30)
        await spoken.wait()
        return start, body

    start, body = apart(exchange())
    headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return start["status"], headers, body["body"]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_chunked_body_arrives_whole(tenant, order, monkeypatch):
    # The thread that answers must not keep its connection: the test drops the database.
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)
    body = json.dumps(order, default=str).encode().replace(b", ", b"," + b" " * 40_000)
    chunks = [body[start : start + 65_536] for start in range(0, len(body), 65_536)]
    assert len(chunks) > 5
    status, headers, told = post(tenant, "VirtualMachines", chunks)
    assert status == 201, told
    machine = VirtualMachine.objects.get()
    assert machine.name == order["Name"]
    assert headers["location"].startswith("https://localhost:8090/SC2012R2/VMM/")
    assert headers["x-ms-request-id"] == str(machine.most_recent_job_id)


def test_an_endless_body_is_stopped_on_its_way(tenant):
    tenant.authorization = "nobody in particular"
    status, _, told = post(tenant, "VirtualMachines", [b" " * 1_000_000] * 5)
    assert status == 413
    assert b"too long" in told
