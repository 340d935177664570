"""What a tenant names and may not use is refused in the very words of what is not there."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from fabric.spf.models import Stamp
from fabric.vmm import actions
from fabric.vmm.models import NetworkAdapter, VirtualMachine
from tests.contract.spf_service.conftest import Caller, key, said
from tests.factories.vmm import (
    ADMINISTRATOR,
    Fabric,
    acting_for,
    deploy,
    make_fabric,
    make_iso,
    make_role,
)


@dataclass
class Scene:
    """Alice's machine, and what is charlie's or nobody's."""

    mine: VirtualMachine
    theirs: VirtualMachine
    hidden: dict[str, Any]
    stamp: Stamp

    @property
    def here(self) -> dict[str, Any]:
        return {"StampId": self.stamp.pk, "VMId": self.mine.pk}

    @property
    def machine(self) -> str:
        return key("VirtualMachines", self.mine.pk, self.stamp.pk)

    @property
    def adapter(self) -> str:
        adapter = NetworkAdapter.objects.get(machine=self.mine)
        return key("VirtualNetworkAdapters", adapter.pk, self.stamp.pk)


@pytest.fixture
def scene(fabric: Fabric, stamp: Stamp, role) -> Scene:
    other = make_role(fabric, "charlie@example.net")
    mine = deploy(fabric, acting_for(role), "web-01")
    theirs = deploy(fabric, acting_for(other, "charlie@example.net"), "theirs")
    server = fabric.server
    logical = fabric.network.logical_network
    network = actions.networks.add_network(
        ADMINISTRATOR, server, logical_network=logical, name="hidden"
    )
    subnet = actions.subnets.add(
        ADMINISTRATOR, server, network=network, name="hidden", cidr="10.77.0.0/24"
    )
    shelf = actions.library.add_server(ADMINISTRATOR, server, name="hidden.example.net")
    share = actions.library.add_share(
        ADMINISTRATOR, server, library_server=shelf, name="Hidden", path="\\\\hidden\\Share"
    )
    disk = actions.library.add_disk(
        ADMINISTRATOR, server, name="hidden.vhdx", size_gb=5, os_name="", os_type="Linux"
    )
    elsewhere = make_fabric()
    hidden = {
        "machine": theirs.pk,
        "adapter": NetworkAdapter.objects.get(machine=theirs).pk,
        "role": other.pk,
        "role name": other.name,
        "network": network.pk,
        "network name": network.name,
        "subnet": subnet.pk,
        "logical network": elsewhere.network.logical_network_id,
        "disk": disk.pk,
        "iso": make_iso(fabric, share).pk,
        "share": share.path,
        "host": fabric.hosts[0].name,
    }
    return Scene(mine, theirs, hidden, stamp)


ATTEMPTS = [
    ("POST", "VMCheckPoints", "machine", lambda s, id: {**s.here, "VMId": id, "Name": "a"}),
    ("POST", "VirtualDiskDrives", "machine", lambda s, id: {**s.here, "VMId": id, "Size": 2**30}),
    ("POST", "VirtualDiskDrives", "disk", lambda s, id: {**s.here, "VirtualHardDiskId": id}),
    ("POST", "VirtualDVDDrives", "machine", lambda s, id: {**s.here, "VMId": id}),
    ("POST", "VirtualDVDDrives", "iso", lambda s, id: {**s.here, "ISOId": id}),
    ("POST", "VirtualNetworkAdapters", "network", lambda s, id: {**s.here, "VMNetworkId": id}),
    (
        "POST",
        "VirtualNetworkAdapters",
        "network name",
        lambda s, name: {**s.here, "VMNetworkName": name},
    ),
    ("POST", "VirtualNetworkAdapters", "subnet", lambda s, id: {**s.here, "VMSubnetId": id}),
    ("PUT", "adapter", "network", lambda s, id: {"VMNetworkId": id}),
    ("PUT", "adapter", "subnet", lambda s, id: {"VMSubnetId": id}),
    (
        "PUT",
        "machine",
        "adapter",
        lambda s, id: {
            "VMNetworkAssignments": [{"VirtualNetworkAdapterID": id, "VMNetworkName": "front"}]
        },
    ),
    ("PUT", "machine", "role", lambda s, id: {"Owner": {"RoleID": id}}),
    ("PUT", "machine", "role name", lambda s, name: {"Owner": {"RoleName": name}}),
    ("PUT", "machine", "host", lambda s, name: {"VMHostName": name}),
    ("PUT", "machine", "share", lambda s, path: {"SharePath": path}),
    (
        "POST",
        "VMSubnets",
        "network",
        lambda s, id: {**s.here, "Name": "x", "VMNetworkId": id, "Subnet": "10.1.0.0/24"},
    ),
    (
        "POST",
        "StaticIPAddressPools",
        "subnet",
        lambda s, id: {**s.here, "Name": "x", "VMSubnetId": id},
    ),
    (
        "POST",
        "VMNetworks",
        "logical network",
        lambda s, id: {**s.here, "Name": "x", "LogicalNetworkId": id},
    ),
]


@pytest.mark.parametrize(("verb", "where", "what", "body"), ATTEMPTS)
def test_what_is_anothers_is_refused_as_if_it_were_not_there(
    verb, where, what, body, tenant: Caller, scene: Scene
):
    path = {"machine": scene.machine, "adapter": scene.adapter}.get(where, where)
    theirs = scene.hidden[what]
    nobodys = uuid.uuid4() if isinstance(theirs, uuid.UUID) else "nowhere"
    told = []
    for id in (theirs, nobodys):
        answer = tenant.send(verb, path, body(scene, id))
        told.append((answer.status_code, said(answer).replace(str(id), "it")))
    assert told[0] == told[1]
    assert told[0][0] == 400
