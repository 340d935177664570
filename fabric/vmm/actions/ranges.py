"""Subnets and addresses read from text, and ranges kept apart where their traffic could meet."""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from django.db.models import QuerySet

from fabric.vmm.errors import Conflict, Invalid
from fabric.vmm.models import Isolation, VMNetwork, VMSubnet

Address = IPv4Address | IPv6Address
Subnet = IPv4Network | IPv6Network

_LEAST = 4


def subnet(value: str, whose: str, *, field: str = "cidr") -> Subnet:
    """Return the subnet; Invalid when it is none, or has no room for hosts."""
    try:
        found = ip_network(_unscoped(value))
    except ValueError:
        raise Invalid(
            f"{value!r} of {whose} is no subnet such as 10.20.0.0/22 or 2001:db8::/64.",
            field=field,
        )
    if "/" not in value or found.num_addresses < _LEAST:
        raise Invalid(f"The subnet {value} of {whose} has no room for hosts.", field=field)
    return found


def address(value: str, whose: str, *, field: str) -> Address:
    """Return the address; Invalid when it is none."""
    try:
        return ip_address(_unscoped(value))
    except ValueError:
        raise Invalid(f"{value!r} is no IP address: {whose}.", field=field)


def _unscoped(value: str) -> str:
    """Return the text; ValueError when it names an interface of one computer (fe80::1%eth0)."""
    if "%" in value:
        raise ValueError
    return value.strip()


def hosts(within: Subnet) -> tuple[Address, Address]:
    """Return the first and the last address that hosts of a subnet may have."""
    last = within[-2] if within.version == 4 else within[-1]
    return within[1], last


def may_be_host(address: Address, within: Subnet) -> bool:
    """Tell whether a host of a subnet may have the address."""
    first, last = hosts(within)
    return address.version == within.version and int(first) <= int(address) <= int(last)


def may_be_gateway(gateway: Address, within: Subnet) -> bool:
    """Tell whether hosts of a subnet can reach a gateway; IPv6 ones are often link-local."""
    return gateway in within or (gateway.version == within.version == 6 and gateway.is_link_local)


def overlap(one: Subnet, other: Subnet) -> bool:
    """Tell whether two ranges of one family have an address in common."""
    return one.version == other.version and one.overlaps(other)


def require_apart(
    network: VMNetwork, wanted: Subnet, *, but: VMSubnet | None = None, field: str = "cidr"
) -> None:
    """Raise Conflict when the range meets another one; the logical network's row is locked.

    Virtualized networks are worlds of their own. Others meet on their logical network and VLAN.
    """
    others = VMSubnet.objects.filter(network__in=_neighbours(network)).select_related("network")
    for other in others.exclude(pk=but and but.pk).order_by("network__name", "name"):
        if overlap(wanted, ip_network(other.cidr)):
            raise Conflict(
                f"The range {wanted} of the VM network {network} overlaps the subnet {other} "
                f"({other.cidr}) of the VM network {other.network}.",
                field=field,
            )


def _neighbours(network: VMNetwork) -> QuerySet[VMNetwork]:
    if network.isolation == Isolation.VIRTUALIZED:
        return VMNetwork.objects.filter(pk=network.pk)
    beside = VMNetwork.objects.filter(logical_network=network.logical_network_id)
    return beside.filter(vlan=network.vlan).exclude(isolation=Isolation.VIRTUALIZED)
