"""Subnets: the ranges of VM networks, IPv4 and IPv6."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TypedDict, Unpack

from django.db import transaction

from fabric.vmm.actions import fields, networks, ranges, rows
from fabric.vmm.actions.ranges import Subnet
from fabric.vmm.errors import Conflict
from fabric.vmm.models import Server, VMNetwork, VMSubnet
from fabric.vmm.roles import Caller


class Changes(TypedDict, total=False):
    name: str
    cidr: str


@transaction.atomic
def add(caller: Caller, server: Server, *, network: VMNetwork, name: str, cidr: str) -> VMSubnet:
    """Add a range to a VM network."""
    networks.require_author(caller, network)
    fields.require_server(server, [network], "VM network", field="network")
    rows.held(network.logical_network)
    return _add(network, name, ranges.subnet(cidr, f"the subnet {name}"))


@transaction.atomic
def change(caller: Caller, row: VMSubnet, **changes: Unpack[Changes]) -> VMSubnet:
    """Change a subnet; the ranges and gateways of its pools must stay within it."""
    networks.require_author(caller, row.network)
    rows.held(row.network.logical_network)
    subnet = rows.held(row)
    rows.assign(subnet, {"name": changes.get("name", fields.UNCHANGED)}, _SUBNET)
    if "cidr" in changes:
        wanted = ranges.subnet(changes["cidr"], f"the subnet {subnet}")
        ranges.require_apart(subnet.network, wanted, but=subnet)
        _require_around_pools(subnet, wanted)
        subnet.cidr = str(wanted)
        subnet.pools.update(cidr=subnet.cidr)
    return rows.save(subnet)


@transaction.atomic
def remove(caller: Caller, row: VMSubnet) -> None:
    """Remove a subnet that no pool lies in."""
    networks.require_author(caller, row.network)
    rows.held(row.network.logical_network)
    rows.remove(row, "subnet", ("address pools", row.pools.order_by("name")))


def ensure(network: VMNetwork, name: str, cidr: str) -> VMSubnet:
    """Return the network's subnet of that range; a new one gets the name."""
    wanted = ranges.subnet(cidr, f"the address pool {name}")
    found = network.subnets.filter(cidr=str(wanted)).first()
    return found or _add(network, name, wanted)


def _add(network: VMNetwork, name: str, wanted: Subnet) -> VMSubnet:
    subnet = rows.assign(VMSubnet(network=network), {"name": name}, _SUBNET)
    ranges.require_apart(network, wanted)
    subnet.cidr = str(wanted)
    return rows.save(subnet)


def _require_around_pools(subnet: VMSubnet, wanted: Subnet) -> None:
    for pool in subnet.pools.order_by("name"):
        for what in ("first", "last"):
            end = ip_address(getattr(pool, what))
            if not ranges.may_be_host(end, wanted):
                raise Conflict(
                    f"The range {wanted} of the subnet {subnet} leaves out {end} of its address "
                    f"pool {pool}.",
                    field="cidr",
                )
        if pool.gateway and not ranges.may_be_gateway(ip_address(pool.gateway), wanted):
            raise Conflict(
                f"The range {wanted} of the subnet {subnet} leaves out {pool.gateway}, the gateway "
                f"of its address pool {pool}.",
                field="cidr",
            )


_SUBNET = {"name": rows.name("subnet", within="network")}
