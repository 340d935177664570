"""Every property of every set that is written, sent as what it is not: refused or taken, no 5xx.

Each body is sound but for one property, so that nonsense gets as far as it can.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from fabric.odata.schema import Model, Prop
from fabric.spf.edm import ADMIN, VMM
from fabric.spf.schema import Service
from fabric.spf.services import ADMIN_SERVICE, VMM_SERVICE
from fabric.vmm import actions
from tests.contract.spf_service.conftest import Caller
from tests.factories.vmm import ADMINISTRATOR, acting_for, deploy, make_fabric, make_iso, make_share

# Of the wrong kind: a reader refuses them whatever the property is.
STRANGE: tuple[Any, ...] = (
    [[]],
    ["x", None],
    {"a": {"b": []}},
    True,
    10**300,
    1e308,
    "a\0b",
    "\ud800",
)
# Of the right kind, and yet no sense.
OF_ANY_TYPE: tuple[Any, ...] = ([], {}, -1, "", "x" * 20_000)
OF_TYPE: dict[str, tuple[Any, ...]] = {
    "Byte": (0, 255, "7"),
    "Int16": (0, -(2**15), 2**15 - 1),
    "Int32": (0, -(2**31), 2**31 - 1),
    "Int64": (0, -(2**63), 2**63 - 1, "9223372036854775807"),
    "Guid": (f"{{{uuid.UUID(int=7)}}}", str(uuid.UUID(int=0))),
    "DateTime": ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z", "/Date(1)/"),
    "String": (" ", "%s{0}", "\t\n", "\u202e\U0001f600\ufffe", "1.2.3.4/33", "::-::1", "-", ";;"),
}
SERVICES = {"VMM": (VMM_SERVICE, VMM), "Admin": (ADMIN_SERVICE, ADMIN)}


def nonsense(model: Model, prop: Prop, values: tuple[Any, ...] = STRANGE) -> Iterator[Any]:
    """Yield what may be sent for a property by who means no good."""
    yield from values + OF_ANY_TYPE
    if prop.complex_name:
        for inner in model.complex_types[prop.complex_name].props:
            for value in nonsense(model, inner, ()):
                yield [{inner.name: value}] if prop.is_collection else {inner.name: value}
        return
    for value in OF_TYPE.get(prop.item_type, ()):
        yield [value] * 2 if prop.is_collection else value


def written(service: Service, name: str, verb: str) -> list[str]:
    """Return the properties that a set takes with a verb, in order."""
    resource = service.resource(name)
    act = resource.create if verb == "POST" else resource.update
    return [] if act is None else sorted(act.takes)


MADE = [
    (kind, name) for kind, (service, model) in SERVICES.items() for name in model.sets
    if written(service, name, "POST")
]  # fmt: skip
CHANGED = [
    (kind, name) for kind, (service, model) in SERVICES.items() for name in model.sets
    if written(service, name, "PUT")
]  # fmt: skip


@pytest.fixture
def sound(fabric, stamp, role, order) -> dict[str, dict[str, Any]]:
    """Return a sound body for each set that is posted to."""
    machine = deploy(fabric, acting_for(role), "base")
    logical = fabric.network.logical_network
    share = make_share(fabric)
    subnet = actions.subnets.add(
        ADMINISTRATOR, fabric.server, network=fabric.network, name="spare", cidr="10.98.0.0/24"
    )
    here = {"StampId": stamp.pk}
    at = {**here, "VMId": machine.pk}
    actions.profiles.add_hardware(
        ADMINISTRATOR, fabric.server, name="small", cores=1, memory_mb=1024
    )
    return {
        "VirtualMachines": order,
        "VirtualNetworkAdapters": {**at, "VMNetworkName": "front"},
        "VirtualDiskDrives": {**at, "Size": 1024**3, "SCSI": True},
        "VirtualDVDDrives": {**at, "ISOId": make_iso(fabric, share).pk},
        "VMCheckPoints": {**at, "Name": "before"},
        "VMNetworks": {**here, "Name": "back", "LogicalNetworkId": logical.pk},
        "VMSubnets": {
            **here,
            "Name": "more",
            "VMNetworkId": fabric.network.pk,
            "Subnet": "10.99.0.0/24",
        },
        "StaticIPAddressPools": {
            **here,
            "Name": "some",
            "VMSubnetId": subnet.pk,
            "IPAddressRangeStart": "10.98.0.10",
            "IPAddressRangeEnd": "10.98.0.20",
        },
        "RunAsAccounts": {**here, "Name": "runner", "UserName": "runner", "Password": "Pa55-word"},
        "UserRoles": {"Name": "gold"},
        "Stamps": {"Name": "second"},
        "Servers": {"Name": make_fabric().server.name},
        "DataCenters": {"Name": "north"},
        "SpfSettings": {
            "Name": "main",
            "SettingType": "EndpointConnectionString",
            "Value": "Server=a",
        },
        "Tenants": {"Name": "somebody"},
        "TenantUserRoles": {"Name": "somebody's"},
        "TrustedIssuers": {"Name": "issuer", "Key": "TUlJ"},
    }


def send(caller: Caller, verb: str, path: str, body: dict[str, Any]) -> None:
    text = json.dumps(body, default=str)
    answer = caller.send(verb, path, text, X_Ms_Client_Request_Id=str(uuid.uuid4()))
    assert answer.status_code < 500, (verb, path, text[:500], answer.content)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), MADE)
def test_nothing_that_is_made_breaks(kind, name, sound, administrator, admin_service, stamp):
    service, model = SERVICES[kind]
    caller = administrator if kind == "VMM" else admin_service
    body = sound[name]
    for prop_name in written(service, name, "POST"):
        prop = model.sets[name].type.prop(prop_name)
        assert prop is not None
        for value in nonsense(model, prop):
            send(caller, "POST", name, {**body, prop_name: value})


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), CHANGED)
def test_nothing_that_is_changed_breaks(kind, name, sound, administrator, admin_service, stamp):
    service, model = SERVICES[kind]
    caller = administrator if kind == "VMM" else admin_service
    if name in sound:
        answer = caller.send("POST", name, sound[name])
        assert answer.status_code == 201, answer.content
    row = caller.rows(name)[0]
    keys = ",".join(f"{each}=guid'{row[each]}'" for each in model.sets[name].type.key)
    for prop_name in written(service, name, "PUT"):
        prop = model.sets[name].type.prop(prop_name)
        assert prop is not None
        for value in nonsense(model, prop):
            send(caller, "PUT", f"{name}({keys})", {prop_name: value})
