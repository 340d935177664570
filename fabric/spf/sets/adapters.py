"""Network adapters of machines, and of templates.

Of a template's adapters VMM keeps only the number, so they are told with ids that are the same
every time. MAC and addresses are the host's to use: an adapter keeps its MAC for good.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid5

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, QuerySet
from django.db.models.functions import JSONObject

from fabric.odata.errors import BadRequest
from fabric.spf.schema import (
    Computed,
    Create,
    Resource,
    Row,
    Table,
    Update,
    Wanted,
    Written,
    names,
)
from fabric.spf.scope import Scope
from fabric.spf.sets import named
from fabric.spf.sets.columns import never, plain, stamp
from fabric.spf.sets.repeats import Made, once
from fabric.spf.sets.templates import wanted_templates
from fabric.spf.writing import NO_ID
from fabric.vmm.actions import adapters
from fabric.vmm.models import AddressLease, Job, NetworkAdapter, VMNetwork, VMSubnet
from fabric.vmm.roles import Caller

_TEMPLATE_ADAPTERS = UUID("5e7f4c0a-6c0c-4f0c-9f57-2b8f6f1f0a11")
_LEASES = AddressLease.objects.filter(adapter=OuterRef("pk")).values(
    told=JSONObject(address="address", pool="pool", subnet="pool__subnet")
)
_INPUTS = (
    "VMNetworkId VMNetworkName VMSubnetId MACAddress MACAddressType IPv4AddressType IPv4Addresses"
)


def _adapters(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    # A machine is a wide row; two of its columns are enough here.
    return (
        NetworkAdapter.objects.visible_to(scope.caller)
        .filter(machine__server__in=scope.servers)
        .annotate(of_server=F("machine__server"), of_machine=F("machine__name"))
        .annotate(leased=ArraySubquery(_LEASES))
        .select_related("network")
        .order_by("machine", "slot")
    )


def _adapter(scope: Scope, adapter: Any) -> Row:
    """An adapter; on which VLAN it is, is for those who run the fabric."""
    assert scope.caller is not None
    network = adapter.network
    is_told, vlan = scope.caller.is_fabric, None if network is None else network.vlan
    leases = sorted(adapter.leased, key=lambda lease: ":" in lease["address"])
    older = [each for each in leases if ":" not in each["address"]]
    newer = [each for each in leases if ":" in each["address"]]
    subnet = leases[0]["subnet"] if leases else None
    return {
        "ID": adapter.pk,
        "StampId": scope.stamp_of(adapter.of_server),
        "VMId": adapter.machine_id,
        "Name": f"{adapter.of_machine} adapter {adapter.slot + 1}",
        "Accessibility": "Public",
        "AddedTime": adapter.created_at,
        "Enabled": True,
        "EthernetAddress": adapter.mac,
        "EthernetAddressType": adapter.mac_type,
        "IPv4AddressPoolsId": [UUID(each["pool"]) for each in older],
        "IPv4AddressType": adapter.ipv4_type,
        "IPv4Addresses": [each["address"] for each in older],
        "IPv6AddressPoolsId": [UUID(each["pool"]) for each in newer],
        "IPv6AddressType": adapter.ipv6_type,
        "IPv6Addresses": [each["address"] for each in newer],
        "IsSynthetic": True,
        "MACAddress": adapter.mac,
        "MACAddressType": adapter.mac_type,
        "ModifiedTime": adapter.created_at,
        "PhysicalAddress": adapter.mac,
        "PhysicalAddressType": adapter.mac_type,
        "SlotId": adapter.slot,
        "VirtualNetworkAdapterType": "Synthetic",
        "VLanEnabled": vlan is not None if is_told else None,
        "VLanId": vlan if is_told else None,
        "VMNetworkId": adapter.network_id,
        "VMNetworkName": None if network is None else network.name,
        "VMSubnetId": UUID(subnet) if subnet else None,
    }


def _template_adapters(scope: Scope, wanted: Wanted) -> Iterable[Row]:
    for template in wanted_templates(scope, wanted):
        for slot in range(template.adapters):
            yield {
                "ID": uuid5(_TEMPLATE_ADAPTERS, f"{template.pk}/{slot}"),
                "StampId": scope.stamp_of(template.server_id),
                "TemplateId": template.pk,
                "Name": f"{template.name} adapter {slot + 1}",
                "Accessibility": "Public",
                "Enabled": True,
                "IPv4AddressType": "Dynamic",
                "IsSynthetic": True,
                "MACAddressType": "Dynamic",
                "SlotId": slot,
                "VLanEnabled": False,
            }


def _create(scope: Scope, body: Row) -> Written:
    machine = named.machine(scope, body)
    network = _network(scope, machine.server_id, body)
    if network is None:
        raise BadRequest("The parameter VMNetworkId or VMNetworkName is mandatory.")
    mac = body.get("MACAddress") or ""

    def act(caller: Caller) -> Made:
        job = adapters.attach(
            caller,
            machine,
            network=network,
            mac=mac,
            ipv4_type=body.get("IPv4AddressType") or "",
            address=_address(body) or "",
        )
        return _of_job(scope, job), job

    return once(scope, "VirtualNetworkAdapters", body, act, lambda job: _of_job(scope, job))


def _of_job(scope: Scope, job: Job) -> Any:
    return _adapters(scope).filter(pk=job.inputs["adapter"]).first()


def _update(scope: Scope, adapter: Any, body: Row) -> UUID | None:
    """Clients send what they read: only what differs is a change. A network of zeros is none."""
    assert scope.caller is not None
    known = _adapter(scope, adapter)
    sent = {name: value for name, value in body.items() if value != known[name]}
    mac = sent.get("MACAddress")
    if mac and mac.upper().replace("-", ":") != adapter.mac:
        raise BadRequest(
            "An adapter keeps its MAC address. Remove it and add another one to have another."
        )
    changes: Row = {}
    if sent.get("VMNetworkId") == NO_ID:
        changes = {"network": None} if adapter.network_id is not None else {}
    elif sent.keys() & {"VMNetworkId", "VMNetworkName", "VMSubnetId"}:
        # The id and the name of the old network come along when only one of them was changed.
        network = _network(scope, adapter.of_server, sent)
        if network is not None and network.pk != adapter.network_id:
            changes["network"] = network
    if "IPv4AddressType" in sent:
        changes["ipv4_type"] = sent["IPv4AddressType"]
    address = _address(sent)
    if address:
        changes["address"] = address
    return adapters.change(scope.caller, adapter, **changes).pk if changes else None


def _network(scope: Scope, server_id: Any, body: Row) -> VMNetwork | None:
    """The network named by itself or by its subnet; both must name the same one."""
    assert scope.caller is not None
    network: VMNetwork | None = named.network(scope, server_id, body)
    if body.get("VMSubnetId") in (None, NO_ID):
        return network
    rows = VMSubnet.objects.visible_to(scope.caller).filter(network__server=server_id)
    subnet = named.one(rows.select_related("network"), "VMSubnetId", body["VMSubnetId"], "subnet")
    if network is not None and subnet.network_id != network.pk:
        raise BadRequest("The parameter VMSubnetId names no subnet of that VM network.")
    found: VMNetwork = subnet.network
    return found


def _address(body: Row) -> str | None:
    """The fixed address asked for, if any: the protocol has a list, VMM one a family."""
    asked = body.get("IPv4Addresses") or ()
    if len(asked) > 1:
        raise BadRequest("The parameter IPv4Addresses takes one address.")
    return str(asked[0]) if asked else None


def _delete(scope: Scope, adapter: Any) -> UUID:
    assert scope.caller is not None
    return adapters.remove(scope.caller, adapter).pk


SETS = (
    Resource(
        name="VirtualNetworkAdapters",
        sources=(
            Table(
                _adapters,
                _adapter,
                plain(
                    ID="pk",
                    VMId="machine",
                    VMNetworkId="network",
                    VMNetworkName="network__name",
                    MACAddress="mac",
                    MACAddressType="mac_type",
                    IPv4AddressType="ipv4_type",
                    SlotId="slot",
                    AddedTime="created_at",
                )
                | {"StampId": stamp("machine__server"), "TemplateId": never()},
            ),
            Computed(_template_adapters),
        ),
        only_sent=names("EnableMACAddressSpoofing"),
        create=Create(
            _create, takes=names(f"StampId VMId {_INPUTS}"), requires=("StampId", "VMId")
        ),
        update=Update(_update, takes=names(_INPUTS), zeros=names("VMNetworkId")),
        delete=_delete,
    ),
)
