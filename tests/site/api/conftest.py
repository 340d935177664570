"""Alice's world, and programs that act for people: with their keys, and held to the description."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jsonschema
import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from fabric.models import Adapter, Checkpoint, Disk, LibraryDisk, Machine, Media
from plans.models import Plan, Subscription
from portal.api.frame.openapi import document
from tenants import rights
from tenants.actions import api_keys
from tenants.models import Tenant, User
from tenants.rights import Right
from tests.factories.devices import (
    make_adapter,
    make_checkpoint,
    make_disk,
    make_library_disk,
    make_media,
)
from tests.factories.fabric import (
    make_cloud,
    make_machine,
    make_plan,
    make_stamp,
    make_subscription,
)

EVERYTHING = tuple(Right.values)


class Program:
    """A client with a person's key. Bodies are JSON; answers are given back as they come."""

    def __init__(self, key: str) -> None:
        self.browser = Client(raise_request_exception=False)
        self.key = key

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        url = path if path.startswith(("/", "http")) else f"/api/v1/{path}"
        sent = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if body is None:
            return self.browser.generic(method, url, headers=sent)
        data = body if isinstance(body, bytes | str) else json.dumps(body)
        return self.browser.generic(
            method,
            url,
            data,
            content_type=sent.pop("Content-Type", "application/json"),
            headers=sent,
        )

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.ask("POST", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.ask("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> HttpResponse:
        return self.ask("DELETE", path, **headers)


@dataclass
class World:
    """Alice's plan, and a machine of hers with one of everything in it."""

    tenant: Tenant
    plan: Plan
    subscription: Subscription
    machine: Machine
    disk: Disk
    adapter: Adapter
    checkpoint: Checkpoint
    media: Media
    library_disk: LibraryDisk


@pytest.fixture(autouse=True)
def unhurried(settings) -> None:
    """Let nobody be counted out but where that is the subject."""
    settings.API_READS_PER_MINUTE = settings.API_CHANGES_PER_MINUTE = 10**6


@pytest.fixture
def world(vault, alices) -> World:
    plan = make_plan(make_cloud(make_stamp()))
    subscription = make_subscription(alices, plan)
    with transaction.atomic():
        machine = make_machine(subscription, "web-01")
    return World(
        tenant=alices,
        plan=plan,
        subscription=subscription,
        machine=machine,
        disk=make_disk(machine),
        adapter=make_adapter(machine),
        checkpoint=make_checkpoint(machine),
        media=make_media(machine),
        library_disk=make_library_disk(machine),
    )


@pytest.fixture
def machine(world) -> Machine:
    return world.machine


def key_of(user: User, scopes: tuple[str, ...] = EVERYTHING) -> str:
    """Return a key of somebody's, with as much of the scopes as they may give."""
    tenant = user.tenants.first()
    own = [scope for scope in scopes if scope == "read" or scope in rights.rights_of(user, tenant)]
    _row, text = api_keys.issue(
        by=user, tenant=tenant, name="tests", scopes=own or ["read"], days=1
    )
    return text


@pytest.fixture
def program() -> Callable[..., Program]:
    return lambda user, *scopes: Program(key_of(user, scopes or EVERYTHING))


@pytest.fixture
def as_alice(alice, world, program) -> Program:
    return program(alice)


@lru_cache(maxsize=1)
def strict() -> dict[str, Any]:
    """Return the description's components, in which nothing undeclared is allowed."""
    schemas = json.loads(json.dumps(document()["components"]["schemas"], default=str))
    for schema in schemas.values():
        if schema.get("properties"):
            schema.setdefault("additionalProperties", False)
    return schemas


def operation(method: str, template: str) -> dict[str, Any]:
    """Return what the description says of an operation."""
    found: dict[str, Any] = document()["paths"][template][method.lower()]
    return found


def check(method: str, template: str, answer: HttpResponse) -> None:
    """Hold an answer to what the description says of the operation."""
    told = operation(method, template)["responses"]
    status = str(answer.status_code)
    assert status in told, f"{method} {template} answered {status}: {answer.content[:600]}"
    content = told[status].get("content")
    if not content:
        assert answer.content == b"", f"{method} {template}: a body that is not described"
        return
    kind = answer.headers["Content-Type"]
    assert kind in content, f"{method} {template} answered {kind}"
    schema = {**content[kind]["schema"], "components": {"schemas": strict()}}
    jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    ).validate(answer.json())
