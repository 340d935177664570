"""Our SPF over a real VMM, spoken to as its clients do: Basic credentials, JSON or Atom."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from fabric.spf import accounts
from fabric.spf.actions import create_account, register_vmm_server
from fabric.spf.models import Stamp
from fabric.vmm.models import Job, UserRole
from tests.factories.vmm import Fabric, finish, make_fabric, make_role

T = TypeVar("T")
PORTAL, PASSWORD = "portal", "a-long-password"
GUEST_PASSWORD = "S3cret-phrase"
NAMESPACES = {
    "a": "http://www.w3.org/2005/Atom",
    "d": "http://schemas.microsoft.com/ado/2007/08/dataservices",
    "m": "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata",
}


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


@dataclass
class Caller:
    """A client of one service; with a tenant, of that tenant's door."""

    service: str = "VMM"
    tenant: uuid.UUID | None = None
    authorization: str | None = basic(PORTAL, PASSWORD)
    principal: str = "alice@example.net"
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> str:
        inside = f"{self.tenant}/" if self.tenant else ""
        return f"/SC2012R2/{self.service}/{inside}Microsoft.Management.Odata.svc"

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        accept: str | None = "application/json",
        content_type: str = "application/json",
        root: str | None = None,
        **headers: str,
    ) -> HttpResponse:
        """Send a request; `path` may have a query with blanks in it."""
        sent = {"X-Ms-Principal-Id": self.principal, **self.headers, **headers}
        if self.authorization:
            sent["Authorization"] = self.authorization
        if accept:
            sent["Accept"] = accept
        content = json.dumps(body, default=str) if isinstance(body, dict) else (body or "")
        named = {name.replace("_", "-"): value for name, value in sent.items()}
        return Client().generic(
            method,
            quote(f"{self.root if root is None else root}/{path}", safe="/$?=&(),'*+%{}"),
            content,
            content_type=content_type if content else "",
            headers=named,
        )

    def scope(
        self, path: str, method: str = "GET", *headers: tuple[bytes, bytes]
    ) -> dict[str, Any]:
        """Return a request for JSON as an ASGI server tells it to the application."""
        return {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "https",
            "path": f"{self.root}/{path}",
            "query_string": b"",
            "headers": [
                (b"host", b"localhost:8090"),
                (b"authorization", str(self.authorization).encode()),
                (b"accept", b"application/json"),
                *headers,
            ],
            "server": ("localhost", 8090),
            "client": ("127.0.0.1", 50000),
        }

    def get(self, path: str, **options: Any) -> HttpResponse:
        return self.send("GET", path, **options)

    def rows(self, path: str) -> list[dict[str, Any]]:
        """Return the rows of a feed."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.content
        return json.loads(answer.content)["value"]

    def row(self, path: str) -> dict[str, Any]:
        """Return one entity."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.content
        return json.loads(answer.content)


def apart(work: Coroutine[Any, Any, T]) -> T:
    """Return what comes of it, in a thread of its own: a browser's loop may be running in this."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def done(answer: HttpResponse) -> Job:
    """Return the job that an answer announced, at its end."""
    assert answer.status_code in (201, 204), answer.content
    return finish(Job.objects.get(pk=answer["x-ms-request-id"]))


def said(answer: HttpResponse) -> str:
    """Return the message of an error in JSON."""
    return json.loads(answer.content)["odata.error"]["message"]["value"]


def xml(answer: HttpResponse) -> ElementTree.Element:
    return ElementTree.fromstring(answer.content)


def texts(element: ElementTree.Element, path: str) -> list[str | None]:
    return [found.text for found in element.findall(path, NAMESPACES)]


@pytest.fixture(autouse=True)
def _spf(settings, tmp_path, monkeypatch):
    """Be the SPF process, with a rack of its own and nobody remembered."""
    settings.ROOT_URLCONF = "portal.urls.spf"
    settings.MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
    settings.SIMULATED_RACK = tmp_path / "rack.sqlite3"
    monkeypatch.setattr("fabric.durable.nudge.nudge", lambda *args, **kwargs: None)
    accounts.forget_all()
    cache.clear()


@pytest.fixture
def fabric(db, vault) -> Fabric:
    return make_fabric()


@pytest.fixture
def stamp(fabric) -> Stamp:
    create_account(PORTAL, PASSWORD)
    return register_vmm_server(fabric.server.name)


@pytest.fixture
def role(fabric) -> UserRole:
    return make_role(fabric, vm_count=10, cpu_count=16, memory_mb=32_768)


@pytest.fixture
def tenant(stamp, role) -> Caller:
    """Return alice at her tenant's door."""
    return Caller(tenant=role.pk)


@pytest.fixture
def stranger(stamp, fabric) -> Caller:
    """Return charlie, at the door of a tenant of his own."""
    other = make_role(fabric, "charlie@example.net")
    return Caller(tenant=other.pk, principal="charlie@example.net")


@pytest.fixture
def administrator(stamp) -> Caller:
    return Caller(principal="")


@pytest.fixture
def admin_service(stamp) -> Caller:
    return Caller(service="Admin", principal="")


@pytest.fixture
def order(fabric, stamp) -> dict[str, Any]:
    """Return the body of §14.4: a machine from a template."""
    return {
        "odata.type": "VMM.VirtualMachine",
        "StampId": stamp.pk,
        "CloudId": fabric.cloud.pk,
        "VMTemplateId": fabric.template.pk,
        "Name": "web-01",
        "ComputerName": "web-01",
        "Description": "first web server",
        "CPUCount": 4,
        "Memory": 8192,
        "LocalAdminUserName": "root",
        "LocalAdminPassword": GUEST_PASSWORD,
        "NewVirtualNetworkAdapterInput@odata.type": (
            "Collection(VMM.NewVMVirtualNetworkAdapterInput)"
        ),
        "NewVirtualNetworkAdapterInput": [
            {
                "odata.type": "VMM.NewVMVirtualNetworkAdapterInput",
                "VMNetworkName": "front",
                "MACAddressType": "Static",
                "MACAddress": None,
                "IPv4AddressType": "Static",
                "IPv6AddressType": None,
                "VLanEnabled": None,
                "VLanId": None,
            }
        ],
        "StartVM": True,
        "StartAction": "NeverAutoTurnOnVM",
    }


def key(set_name: str, id: Any, stamp: Any) -> str:
    return f"{set_name}(ID=guid'{id}',StampId=guid'{stamp}')"
