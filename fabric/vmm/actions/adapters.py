"""Network adapters: what may be asked for, on which networks, and their rows.

Those of a machine to be made are rows only (`find_networks`, `add`); on a machine that is there
each change is a job. An address is given back when the host has let go of it.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q

from fabric.vmm import addresses, capability, roles
from fabric.vmm.actions import held
from fabric.vmm.actions.fields import UNCHANGED
from fabric.vmm.errors import Conflict, Invalid, NotFound
from fabric.vmm.jobs.adapters import ATTACH, CHANGE, REMOVE, hold, leases_of
from fabric.vmm.models import (
    AddressPool,
    AddressType,
    Cloud,
    HostGroup,
    Job,
    NetworkAdapter,
    NetworkSite,
    VirtualMachine,
    VMNetwork,
)
from fabric.vmm.roles import Caller

_MAC = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2}){5}")


@dataclass(frozen=True)
class NewAdapter:
    """An adapter to have: the network by id or by name, none for one that is not connected.

    An `address` is fixed: one of the network's pools, and free.
    """

    network_id: uuid.UUID | None = None
    network_name: str = ""
    mac: str = ""
    mac_type: str = ""
    ipv4_type: str = ""
    address: str = ""


def find_networks(
    caller: Caller, cloud: Cloud, wanted: Sequence[NewAdapter]
) -> list[VMNetwork | None]:
    """Find the network of each adapter among those the caller may use in this cloud; one query."""
    ids = {item.network_id for item in wanted if item.network_id}
    names = {item.network_name for item in wanted if item.network_name and not item.network_id}
    rows = (
        VMNetwork.objects.visible_to(caller)
        .filter(Q(pk__in=ids) | Q(name__in=names), server=cloud.server_id)
        .filter(logical_network__clouds=cloud)
        .annotate(has_pool=Exists(AddressPool.objects.filter(network=OuterRef("pk"))))
    )
    found = list(rows) if ids or names else []
    by_id = {network.pk: network for network in found}
    by_name = {network.name: network for network in found}
    networks: list[VMNetwork | None] = []
    for item in wanted:
        asked = item.network_id or item.network_name
        network = by_id.get(item.network_id) if item.network_id else by_name.get(item.network_name)
        if asked and network is None:
            raise Invalid(f"There is no VM network {str(asked)!r} in the cloud {cloud.name}.")
        if item.ipv4_type == AddressType.STATIC and network and not network.has_pool:
            raise Invalid(f"The VM network {network.name} has no pool of static addresses.")
        _require_fixable(item.address, item.ipv4_type, network)
        networks.append(network)
    return networks


def add(
    caller: Caller,
    machine: VirtualMachine,
    count: int,
    wanted: Sequence[NewAdapter],
    networks: Sequence[VMNetwork | None],
) -> None:
    """Add this many adapters, the first ones as asked for, and those asked for beyond.

    Fixed addresses are taken at once, the others when the machine is deployed.
    """
    items = [*wanted, *[NewAdapter()] * max(0, count - len(wanted))]
    places = [*networks, *[None] * (len(items) - len(networks))]
    made = NetworkAdapter.objects.bulk_create(
        [
            NetworkAdapter(
                machine=machine,
                slot=slot,
                network=network,
                mac=_mac(item.mac),
                mac_type=_type(item.mac_type, AddressType.STATIC),
                ipv4_type=_type(item.ipv4_type, AddressType.DYNAMIC),
            )
            for slot, (item, network) in enumerate(zip(items, places, strict=True))
        ]
    )
    fixed = [(adapter, item) for adapter, item in zip(made, items, strict=True) if item.address]
    if fixed:
        addresses.lock([adapter.network_id for adapter, _ in fixed])
    for adapter, item in fixed:
        addresses.lease(adapter, [item.address], by=caller)


@transaction.atomic
def attach(
    caller: Caller,
    machine: VirtualMachine,
    *,
    network: VMNetwork,
    mac: str = "",
    ipv4_type: str = "",
    address: str = "",
) -> Job:
    """Give a machine one more adapter on a network, with this address or one of the pool."""
    row = _ready(caller, machine)
    count = row.adapters.count()
    capability.require(row, adapters=count + 1)
    there = _network(caller, row, network)
    pools = addresses.lock([there.pk], macs_of=None if mac else row.server_id, host=row.host)
    highest = row.adapters.aggregate(highest=Max("slot"))["highest"]
    adapter = NetworkAdapter(
        machine=row,
        slot=0 if highest is None else highest + 1,
        network=there,
        mac=_mac(mac) or addresses.new_mac(pools),
        mac_type=AddressType.STATIC if mac else AddressType.DYNAMIC,
    )
    adapter.ipv4_type = _ipv4_type(adapter, ipv4_type, address)
    adapter.save(force_insert=True)
    leased = addresses.lease(adapter, [address] if address else [], by=caller)
    return held.begin_change(caller, row, ATTACH, **_notes(adapter, leased))


@transaction.atomic
def change(
    caller: Caller,
    adapter: NetworkAdapter,
    *,
    network: VMNetwork | None = UNCHANGED,
    ipv4_type: str = UNCHANGED,
    address: str = UNCHANGED,
) -> Job:
    """Put an adapter on another network (None: on none), or give it another address.

    An address that is "" is any of the pool; on the network it is on, the adapter keeps its own.
    """
    row = _ready(caller, adapter.machine)
    found = _found(row, adapter)
    old = {
        "network": found.network_id and str(found.network_id),
        "mac": found.mac,
        "mac_type": found.mac_type,
        "ipv4_type": found.ipv4_type,
        "ipv6_type": found.ipv6_type,
        "leases": leases_of(found),
    }
    fixed = "" if address is UNCHANGED else address
    if network is not UNCHANGED:
        found.network = None if network is None else _network(caller, row, network)
    needs_mac = found.network is not None and found.mac is None
    pools = addresses.lock(
        [old["network"], found.network_id],
        macs_of=row.server_id if needs_mac else None,
        host=row.host,
    )
    if needs_mac:
        found.mac = addresses.new_mac(pools)
    kind = found.ipv4_type if ipv4_type is UNCHANGED else ipv4_type
    if ipv4_type is UNCHANGED and (fixed or found.network is None):
        kind = ""
    found.ipv4_type = _ipv4_type(found, kind, fixed)
    found.save(update_fields=["network", "mac", "ipv4_type"])
    wanted = [fixed] if fixed else []
    leased = addresses.lease(found, wanted, by=caller) if found.network is not None else []
    notes = _notes(found, leased)
    # Leasing let go of what the host still uses.
    hold(found, old["leases"])
    return held.begin_change(caller, row, CHANGE, old=old, **notes)


@transaction.atomic
def remove(caller: Caller, adapter: NetworkAdapter) -> Job:
    """Take an adapter from its machine, and give its addresses back."""
    row = _ready(caller, adapter.machine)
    found = _found(row, adapter)
    capability.require(row, adapters=row.adapters.count() - 1)
    return held.begin_change(caller, row, REMOVE, adapter=str(found.pk), spec=None)


def _require_fixable(address: str, ipv4_type: str, network: VMNetwork | None) -> None:
    if address and network is None:
        raise Invalid(f"An adapter on no network cannot have {address}.", field="address")
    if "." in address and ipv4_type == AddressType.DYNAMIC:
        raise Invalid(f"The address {address} is fixed: it is not dynamic.", field="ipv4_type")


def _ready(caller: Caller, machine: VirtualMachine) -> VirtualMachine:
    row = held.held(caller, machine)
    roles.require_any(caller, *roles.CHANGE, clouds=[row.cloud_id])
    held.require_idle(row)
    held.require_status(row, held.SETTLED, "its network adapters cannot be changed")
    return row


def _found(machine: VirtualMachine, adapter: NetworkAdapter) -> NetworkAdapter:
    found = machine.adapters.select_related("network", "machine").filter(pk=adapter.pk).first()
    if found is None:
        raise NotFound(f"The machine {machine.name} has no network adapter {adapter.pk}.")
    return found


def _network(caller: Caller, machine: VirtualMachine, network: VMNetwork) -> VMNetwork:
    """Return a network that the caller may use and the machine's host reaches."""
    found: VMNetwork | None = (
        VMNetwork.objects.visible_to(caller)
        .filter(pk=network.pk, server=machine.server_id)
        .filter(logical_network__clouds=machine.cloud_id)
        .first()
    )
    if found is None:
        raise NotFound(
            f"There is no VM network {network} in the cloud {machine.cloud}.", field="network"
        )
    sites = NetworkSite.objects.filter(logical_network=found.logical_network_id)
    reached = set(sites.values_list("host_groups", flat=True))
    if sites.exists() and not reached & _groups_of(machine):
        raise Conflict(
            f"The VM network {found} does not reach the host of {machine.name}.", field="network"
        )
    return found


def _groups_of(machine: VirtualMachine) -> set[uuid.UUID]:
    """Return the host group of the machine's host, and all above it."""
    assert machine.host is not None
    parents = dict(HostGroup.objects.filter(server=machine.server_id).values_list("pk", "parent"))
    found: set[uuid.UUID] = set()
    group: uuid.UUID | None = machine.host.group_id
    while group is not None:
        found.add(group)
        group = parents[group]
    return found


def _ipv4_type(adapter: NetworkAdapter, kind: str, address: str) -> str:
    """Return the type asked for; static wants a pool, and a fixed IPv4 address is static."""
    _require_fixable(address, kind, adapter.network)
    wanted = _type(kind, AddressType.STATIC if "." in address else AddressType.DYNAMIC)
    if (
        wanted == AddressType.STATIC
        and not AddressPool.objects.filter(network=adapter.network_id).exists()
    ):
        where = (
            "An adapter on no network"
            if adapter.network is None
            else (f"The VM network {adapter.network}")
        )
        raise Invalid(f"{where} has no pool of static addresses.", field="ipv4_type")
    return wanted


def _notes(adapter: NetworkAdapter, leased: Sequence[str]) -> dict[str, Any]:
    """Return what a job needs of an adapter as it is to be."""
    network = adapter.network
    spec = network and {
        "mac": adapter.mac,
        "network": network.name,
        "vlan": network.vlan,
        "addresses": list(leased),
    }
    leases = [pair for pair in leases_of(adapter) if pair[1] in leased] if network else []
    return {"adapter": str(adapter.pk), "spec": spec, "leases": leases}


def _mac(value: str) -> str | None:
    if not value:
        return None
    mac = value.upper().replace("-", ":")
    if not _MAC.fullmatch(mac):
        raise Invalid(f"{value!r} is no MAC address.", field="mac")
    if int(mac[:2], 16) & 1 or mac.strip("0:") == "":
        raise Invalid(f"The MAC address {mac} is not one adapter's.", field="mac")
    if NetworkAdapter.objects.filter(mac=mac).exists():
        raise Conflict(f"The MAC address {mac} is in use.", field="mac")
    return mac


def _type(value: str, default: AddressType) -> str:
    if value and value not in AddressType.values:
        raise Invalid(f"{value!r} is no address type: it is Static or Dynamic.")
    return value or default
