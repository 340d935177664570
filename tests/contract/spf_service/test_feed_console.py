"""`VirtualMachines(…)/VMConnection`: until consoles are served, a clear word why not."""

from __future__ import annotations

import json

import pytest

from fabric.spf.models import ServerEntry, ServerType
from fabric.vmm.models import UserRole, VirtualMachine
from fabric.vmm.roles import PERMISSIONS
from tests.contract.spf_service.conftest import Caller, said
from tests.factories.vmm import acting_for, deploy


@pytest.fixture
def machine(fabric, role) -> VirtualMachine:
    machine = deploy(fabric, acting_for(role))
    VirtualMachine.objects.filter(pk=machine.pk).update(status="Running")
    return machine


@pytest.fixture
def console(machine, stamp) -> str:
    return f"VirtualMachines(ID=guid'{machine.pk}',StampId=guid'{stamp.pk}')/VMConnection"


@pytest.mark.parametrize("accept", [None, "application/x-rdp", "application/atom+xml"])
def test_without_a_gateway_it_is_not_offered_and_never_looks_like_a_file(tenant, console, accept):
    answer = tenant.get(console, accept=accept)
    assert answer.status_code == 501
    assert answer["Content-Type"].startswith("application/json")
    assert "RDGateway" in said(answer)


def test_a_registered_gateway_is_named(tenant, console, stamp):
    gateway = ServerEntry.objects.create(
        name="rdg01.example.net", server_type=ServerType.REMOTE_DESKTOP_GATEWAY
    )
    gateway.stamps.add(stamp)
    answer = tenant.get(console)
    assert answer.status_code == 501
    assert "rdg01.example.net" in said(answer)


def test_a_stopped_machine_has_no_console(tenant, console, machine):
    VirtualMachine.objects.filter(pk=machine.pk).update(status="PowerOff")
    answer = tenant.get(console)
    assert answer.status_code == 409
    assert "web-01 is stopped" in said(answer)


def test_it_needs_the_permission(tenant, console, role):
    UserRole.objects.filter(pk=role.pk).update(permissions=sorted(PERMISSIONS - {"RemoteConnect"}))
    answer = tenant.get(console)
    assert answer.status_code == 403
    assert "RemoteConnect" in said(answer)


def test_to_a_stranger_there_is_no_such_machine(stranger, console):
    answer = stranger.get(console)
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("application/json")


def test_it_is_only_read(tenant: Caller, console):
    assert tenant.send("PUT", console, {}).status_code == 405


def test_the_machine_tells_of_it_in_every_format(tenant, console):
    place = console.removesuffix("/VMConnection")
    light = tenant.row(place)
    assert light["VMConnection@odata.mediaContentType"] == "application/x-rdp"
    full = json.loads(tenant.get(place, accept="application/json;odata=fullmetadata").content)
    assert full["VMConnection@odata.mediaReadLink"].endswith("/VMConnection")
    verbose = json.loads(tenant.get(place, accept="application/json;odata=verbose").content)["d"]
    assert verbose["VMConnection"]["__mediaresource"]["content_type"] == "application/x-rdp"
    atom = tenant.get(place, accept="application/atom+xml").content.decode()
    assert '/mediaresource/VMConnection" type="application/x-rdp"' in atom
