"""Logical networks, VM networks and their address pools."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError

from django.db import transaction

from fabric.vmm import roles
from fabric.vmm.actions import fields
from fabric.vmm.errors import Conflict, Invalid
from fabric.vmm.models import AddressPool, Isolation, LogicalNetwork, Server, VMNetwork
from fabric.vmm.roles import Caller


def add_logical(
    caller: Caller,
    server: Server,
    *,
    name: str,
    description: str = "",
    is_virtualized: bool = False,
) -> LogicalNetwork:
    """Add a logical network."""
    roles.require_fabric(caller)
    cleaned = fields.name(name, "logical network")
    fields.require_free(server.logical_networks.filter(name=cleaned), "logical network", cleaned)
    return LogicalNetwork.objects.create(
        server=server, name=cleaned, description=description, is_virtualized=is_virtualized
    )


def add_network(
    caller: Caller,
    server: Server,
    *,
    logical_network: LogicalNetwork,
    name: str,
    isolation: str = Isolation.NONE,
    vlan: int | None = None,
    description: str = "",
) -> VMNetwork:
    """Add a VM network on a logical network."""
    roles.require_fabric(caller)
    cleaned = fields.name(name, "VM network")
    fields.require_server(server, [logical_network], "logical network")
    fields.require_free(server.vm_networks.filter(name=cleaned), "VM network", cleaned)
    if isolation not in Isolation.values:
        raise Invalid(f"{isolation!r} is no isolation for VM network {cleaned}.")
    if vlan is not None:
        vlan = fields.whole(vlan, f"The VLAN of network {cleaned}", most=4094)
    elif isolation == Isolation.VLAN:
        raise Invalid(f"VM network {cleaned} needs a VLAN.")
    return VMNetwork.objects.create(
        server=server,
        logical_network=logical_network,
        name=cleaned,
        isolation=isolation,
        vlan=vlan,
        description=description,
    )


@transaction.atomic
def add_pool(
    caller: Caller,
    network: VMNetwork,
    *,
    name: str,
    cidr: str,
    first: str = "",
    last: str = "",
    gateway: str | None = None,
    dns: Sequence[str] = (),
) -> AddressPool:
    """Add an address pool; without a range all host addresses of the subnet are in it.

    The gateway and DNS servers are never leased. Pools of one network do not overlap.
    """
    roles.require_fabric(caller)
    cleaned = fields.name(name, "address pool")
    subnet = _subnet(cidr, cleaned)
    start = _address(first, cleaned, "first address") if first else subnet[1]
    stop = _address(last, cleaned, "last address") if last else subnet[-2]
    for address in (start, stop):
        if address not in subnet or address in (subnet[0], subnet[-1]):
            raise Invalid(f"{address} of pool {cleaned} is no host address of {subnet}.")
    if start > stop:
        raise Invalid(f"The first address of pool {cleaned} comes after the last one.")
    VMNetwork.objects.select_for_update(no_key=True).get(pk=network.pk)
    fields.require_free(network.pools.filter(name=cleaned), "address pool", cleaned)
    twin = network.pools.filter(first__lte=str(stop), last__gte=str(start)).first()
    if twin is not None:
        raise Conflict(f"The range of pool {cleaned} overlaps the one of pool {twin.name}.")
    ranges, _ = network.subnets.get_or_create(cidr=str(subnet), defaults={"name": cleaned})
    return AddressPool.objects.create(
        server=network.server,
        network=network,
        subnet=ranges,
        name=cleaned,
        cidr=str(subnet),
        first=str(start),
        last=str(stop),
        size=int(stop) - int(start) + 1,
        gateway=str(_address(gateway, cleaned, "gateway")) if gateway else None,
        dns=[str(_address(server, cleaned, "DNS server")) for server in dns],
    )


def _subnet(cidr: str, pool: str) -> IPv4Network:
    try:
        subnet = IPv4Network(cidr)
    except (AddressValueError, NetmaskValueError, ValueError):
        raise Invalid(f"{cidr!r} of pool {pool} is no IPv4 subnet such as 10.20.0.0/22.")
    if subnet.num_addresses < 4:
        raise Invalid(f"The subnet {subnet} of pool {pool} has no room for hosts.")
    return subnet


def _address(value: str, pool: str, what: str) -> IPv4Address:
    try:
        return IPv4Address(value)
    except AddressValueError:
        raise Invalid(f"{value!r} is no IPv4 address: {what} of pool {pool}.")
