"""Take a machine that a host has, and nobody ordered, onto our books, as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Any
from uuid import UUID

from fabric.hypervisors.base import Power
from fabric.vmm import addresses, placement, quota
from fabric.vmm.actions import fields
from fabric.vmm.errors import Conflict, Invalid
from fabric.vmm.jobs.operate import STATUS_OF_POWER
from fabric.vmm.models import (
    AddressLease,
    AddressPool,
    AddressType,
    Cloud,
    DiskDrive,
    Drift,
    NetworkAdapter,
    UserRole,
    VirtualMachine,
    VMNetwork,
)
from fabric.vmm.placement import inheritance
from fabric.vmm.roles import Caller
from fabric.vmm.states import MachineStatus

LUNS = 64
# As many as a row can keep.
MOST_CORES = 32_767
_MAC = re.compile(r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}")


def adopt(
    caller: Caller, drift: Drift, *, cloud: Cloud, role: UserRole | None, owner_name: str
) -> VirtualMachine:
    """Write rows for a guest as the host told of it, within the limits of cloud and role.

    Raises Invalid or Conflict, naming what does not fit: the cloud's hosts, a network it has not,
    a MAC or an address that another machine has on our books.
    """
    told = drift.theirs
    _require_sense(drift)
    owner_name = fields.text(owner_name, "The name of the owner", longest=320, field="owner_name")
    if VirtualMachine.objects.filter(pk=drift.object_id).exists():
        raise Conflict(f"The machine {told['name']} is on another host in our books.")
    if not cloud.host_groups.filter(pk__in=inheritance.upwards(drift.host.group)).exists():
        raise Invalid(
            f"The cloud {cloud.name} has not the host group {drift.host.group}, "
            f"which {drift.host.name} is in.",
            field="cloud",
        )
    wanted = quota.Size(1, told["cores"], told["memory_mb"], told["storage_gb"], points=1)
    quota.require_room(role, cloud, wanted, member=owner_name)
    status = STATUS_OF_POWER.get(Power(told["power"]), MachineStatus.POWER_OFF)
    machine = VirtualMachine.objects.create(
        pk=drift.object_id,
        server=drift.server,
        cloud=cloud,
        role=role,
        owner_name=owner_name,
        name=fields.name(told["name"], "virtual machine"),
        computer_name=told["name"][:63],
        description=f"Adopted from {drift.host.name}.",
        cores=told["cores"],
        memory_mb=told["memory_mb"],
        storage_gb=told["storage_gb"],
        status=status,
        hypervisor_id=UUID(told["hypervisor_id"]),
    )
    _take_room(machine, drift)
    names = [each["network"] for each in told["adapters"]]
    networks = VMNetwork.objects.filter(server=machine.server, name__in=names)
    addresses.lock(networks.values_list("pk", flat=True))
    for slot, each in enumerate(told["adapters"]):
        _adapter(machine, slot, each)
    return machine


def size_of(told: Mapping[str, Any], where: str) -> tuple[int, int]:
    """Return the processors and memory a host tells of; Invalid when our books cannot say so."""
    return (
        fields.whole(told["cores"], f"The number of processors of {where}", most=MOST_CORES),
        fields.whole(told["memory_mb"], f"The memory of {where} in MB"),
    )


def _require_sense(drift: Drift) -> None:
    """Raise Invalid or Conflict when our books cannot say what the host says."""
    told, where = drift.theirs, f"{drift.object_name} on {drift.host.name}"
    size_of(told, where)
    for each in told["disks"]:
        fields.whole(each["size_gb"], f"The size of a disk of {where} in GB", least=0)
    fields.whole(told["storage_gb"], f"The storage of {where} in GB", least=0)
    for each in told["adapters"]:
        if not _MAC.fullmatch(each["mac"]):
            raise Invalid(f"{each['mac'][:40]!r}, of an adapter of {where}, is no MAC address.")
        for address in each["addresses"]:
            if not _is_address(address):
                raise Invalid(f"{address[:60]!r}, of an adapter of {where}, is no IP address.")
    for what, rows, things in (
        ("disk", DiskDrive.objects, told["disks"]),
        ("network adapter", NetworkAdapter.objects, told["adapters"]),
    ):
        ids = [each["id"] for each in things]
        known = rows.filter(pk__in=ids).select_related("machine").first()
        if known is not None:
            raise Conflict(f"A {what} of {where} is {known.machine.name}'s in our books.")
        if len(set(ids)) < len(ids):
            raise Conflict(f"The host tells of one {what} of {where} twice.")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _take_room(machine: VirtualMachine, drift: Drift) -> None:
    for lun, each in enumerate(drift.theirs["disks"][:LUNS]):
        DiskDrive.objects.create(
            pk=UUID(each["id"]),
            machine=machine,
            name=f"{machine.name}_disk_{lun + 1}",
            image=each["image"],
            size_gb=each["size_gb"],
            lun=lun,
        )
    placement.place(machine, among=[drift.host])
    there = {volume.name: volume for volume in drift.host.volumes.all()}
    places = {UUID(each["id"]): there.get(each["volume"]) for each in drift.theirs["disks"]}
    for drive in machine.disks.select_related("volume"):
        place = places.get(drive.pk)
        # Where it lies is not for us to choose: only the books move.
        if place is not None and place.pk != drive.volume_id:
            placement.move_disk(drive, place)
            placement.settle_disk(drive)


def _adapter(machine: VirtualMachine, slot: int, told: dict[str, Any]) -> None:
    network = VMNetwork.objects.filter(
        server=machine.server, name=told["network"], logical_network__clouds=machine.cloud
    ).first()
    if network is None:
        raise Invalid(
            f"The cloud {machine.cloud.name} has no VM network {told['network']!r}, "
            f"which {machine.name} is connected to.",
            field="cloud",
        )
    mac = told["mac"].upper().replace("-", ":")
    twin = NetworkAdapter.objects.filter(mac=mac).select_related("machine").first()
    if twin is not None:
        raise Conflict(f"The MAC address {mac} is {twin.machine.name}'s in our books.")
    adapter = NetworkAdapter.objects.create(
        pk=UUID(told["id"]),
        machine=machine,
        slot=slot,
        network=network,
        mac=mac,
        ipv4_type=_type(told["addresses"], 4),
        ipv6_type=_type(told["addresses"], 6),
    )
    for address in told["addresses"]:
        _lease(adapter, network, address)


def _type(addresses: Iterable[str], version: int) -> AddressType:
    has_one = any(ip_address(address).version == version for address in addresses)
    return AddressType.STATIC if has_one else AddressType.DYNAMIC


def _lease(adapter: NetworkAdapter, network: VMNetwork, address: str) -> None:
    """Note the address as leased, if it is of one of our pools; others are nobody's business."""
    value = ip_address(address)
    for pool in AddressPool.objects.filter(network=network):
        first, last = ip_address(pool.first), ip_address(pool.last)
        if value.version != first.version or not int(first) <= int(value) <= int(last):
            continue
        twin = AddressLease.objects.filter(pool=pool, address=address).first()
        if twin is not None and twin.adapter_id is not None:
            raise Conflict(f"The address {address} is another machine's in our books.")
        if twin is not None:
            twin.delete()
        AddressLease.objects.create(pool=pool, adapter=adapter, address=address)
