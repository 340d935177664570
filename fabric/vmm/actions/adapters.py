"""Network adapters: what may be asked for, on which networks, and their rows."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from fabric.vmm.errors import Conflict, Invalid
from fabric.vmm.models import (
    AddressPool,
    AddressType,
    Cloud,
    NetworkAdapter,
    VirtualMachine,
    VMNetwork,
)
from fabric.vmm.roles import Caller

_MAC = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2}){5}")


@dataclass(frozen=True)
class NewAdapter:
    """An adapter to have: the network by id or by name, none for one that is not connected."""

    network_id: uuid.UUID | None = None
    network_name: str = ""
    mac: str = ""
    mac_type: str = ""
    ipv4_type: str = ""


def find_networks(
    caller: Caller, cloud: Cloud, wanted: Sequence[NewAdapter]
) -> list[VMNetwork | None]:
    """Find the network of each adapter among those the caller may use in this cloud; one query."""
    ids = {item.network_id for item in wanted if item.network_id}
    names = {item.network_name for item in wanted if item.network_name and not item.network_id}
    if not ids and not names:
        return [None] * len(wanted)
    found = list(
        VMNetwork.objects.visible_to(caller)
        .filter(Q(pk__in=ids) | Q(name__in=names), server=cloud.server_id)
        .filter(logical_network__clouds=cloud)
        .annotate(has_pool=Exists(AddressPool.objects.filter(network=OuterRef("pk"))))
    )
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
        networks.append(network)
    return networks


def add(
    machine: VirtualMachine,
    count: int,
    wanted: Sequence[NewAdapter],
    networks: Sequence[VMNetwork | None],
) -> None:
    """Add this many adapters, the first ones as asked for, and those asked for beyond."""
    items = [*wanted, *[NewAdapter()] * max(0, count - len(wanted))]
    places = [*networks, *[None] * (len(items) - len(networks))]
    NetworkAdapter.objects.bulk_create(
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


def _mac(value: str) -> str | None:
    if not value:
        return None
    mac = value.upper().replace("-", ":")
    if not _MAC.fullmatch(mac):
        raise Invalid(f"{value!r} is no MAC address.")
    if NetworkAdapter.objects.filter(mac=mac).exists():
        raise Conflict(f"The MAC address {mac} is in use.")
    return mac


def _type(value: str, default: AddressType) -> str:
    if value and value not in AddressType.values:
        raise Invalid(f"{value!r} is no address type: it is Static or Dynamic.")
    return value or default
