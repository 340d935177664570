"""What a machine has: network adapters, disk drives and the disks in them.

A template has adapters too; VMM keeps only their number, so they are told here, with ids that are
the same every time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid5

from django.db.models import F, QuerySet

from fabric.spf.schema import Computed, Join, Resource, Row, Table, Wanted
from fabric.spf.scope import Scope
from fabric.spf.sets.columns import GIB, guids, never, plain, stamp
from fabric.vmm.models import DiskDrive, NetworkAdapter, VMTemplate

# A machine is a wide row; two of its columns are enough here.
_OF_MACHINE = {"of_server": F("machine__server"), "of_machine": F("machine__name")}
_TEMPLATE_ADAPTERS = UUID("5e7f4c0a-6c0c-4f0c-9f57-2b8f6f1f0a11")


def _adapters(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    return (
        NetworkAdapter.objects.visible_to(scope.caller)
        .filter(machine__server__in=scope.servers)
        .annotate(**_OF_MACHINE)
        .select_related("network")
        .prefetch_related("leases")
        .order_by("machine", "slot")
    )


def _adapter(scope: Scope, adapter: Any) -> Row:
    """An adapter; on which VLAN it is, is for those who run the fabric."""
    assert scope.caller is not None
    network = adapter.network
    is_told, vlan = scope.caller.is_fabric, None if network is None else network.vlan
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
        "IPv4AddressType": adapter.ipv4_type,
        "IPv4Addresses": [each for each in adapter.addresses if ":" not in each],
        "IPv6AddressType": adapter.ipv6_type,
        "IPv6Addresses": [each for each in adapter.addresses if ":" in each],
        "IsSynthetic": True,
        "MACAddress": adapter.mac,
        "MACAddressType": adapter.mac_type,
        "PhysicalAddress": adapter.mac,
        "PhysicalAddressType": adapter.mac_type,
        "SlotId": adapter.slot,
        "VirtualNetworkAdapterType": "Synthetic",
        "VLanEnabled": vlan is not None if is_told else None,
        "VLanId": vlan if is_told else None,
        "VMNetworkId": adapter.network_id,
        "VMNetworkName": None if network is None else network.name,
    }


def _template_adapters(scope: Scope, wanted: Wanted) -> Iterable[Row]:
    assert scope.caller is not None
    # A machine's adapter is wanted: no template needs to be looked at.
    if "VMId" in wanted:
        return
    templates = VMTemplate.objects.visible_to(scope.caller).filter(server__in=scope.servers)
    ids = guids(wanted, "TemplateId")
    for template in templates if ids is None else templates.filter(pk__in=ids):
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


def _drives(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    return (
        DiskDrive.objects.visible_to(scope.caller)
        .filter(machine__server__in=scope.servers)
        .annotate(**_OF_MACHINE)
        .order_by("machine", "bus_type", "bus", "lun")
    )


def _drive(scope: Scope, drive: Any) -> Row:
    """A drive; the disk in it has the same id, in the other set."""
    return {
        "ID": drive.pk,
        "StampId": scope.stamp_of(drive.of_server),
        "VMId": drive.machine_id,
        "VirtualHardDiskId": drive.pk,
        "Name": drive.name,
        "Accessibility": "Public",
        "AddedTime": drive.created_at,
        "Bus": drive.bus,
        "BusType": drive.bus_type,
        "Enabled": True,
        "IsVHD": True,
        "LUN": drive.lun,
        "Size": drive.size_gb * GIB,
        "VolumeType": "None",
    }


def _machine_disks(scope: Scope, wanted: Wanted) -> Iterable[Row]:
    drives = _drives(scope)
    for name, path in (("VMId", "machine__in"), ("ID", "pk__in")):
        ids = guids(wanted, name)
        if ids is not None:
            drives = drives.filter(**{path: ids})
    for drive in drives:
        yield {
            "ID": drive.pk,
            "StampId": scope.stamp_of(drive.of_server),
            "VMId": drive.machine_id,
            "ParentDiskId": drive.source_id,
            "Name": drive.name,
            "Accessibility": "Public",
            "AddedTime": drive.created_at,
            "Enabled": True,
            "MaximumSize": drive.size_gb * GIB,
            "OperatingSystem": "None",
            "Size": drive.size_gb * GIB,
            "State": "Normal",
            "Type": "VirtualHardDisk",
            "VHDType": "DynamicallyExpanding",
            "VirtualizationPlatform": "HyperV",
        }


machine_disks = Computed(_machine_disks)

SETS = (
    Resource(
        name="VirtualNetworkAdapters",
        sources=(
            Table(
                _adapters,
                _adapter,
                plain(ID="pk", VMId="machine", VMNetworkId="network", MACAddress="mac")
                | {"StampId": stamp("machine__server"), "TemplateId": never()},
            ),
            Computed(_template_adapters),
        ),
    ),
    Resource(
        name="VirtualDiskDrives",
        sources=(
            Table(
                _drives,
                _drive,
                plain(ID="pk", VMId="machine", VirtualHardDiskId="pk", Name="name")
                | {"StampId": stamp("machine__server")},
            ),
        ),
        joins={"VirtualHardDisk": Join("VirtualHardDiskId", "ID")},
    ),
)
