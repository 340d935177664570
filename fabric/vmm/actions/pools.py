"""Address pools: what adapters on a VM network get addresses from, IPv4 and IPv6."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.db.models import Q, QuerySet

from fabric.vmm import addresses
from fabric.vmm.actions import fields, networks, ranges, rows, subnets
from fabric.vmm.actions.ranges import Subnet
from fabric.vmm.errors import Conflict, Invalid
from fabric.vmm.models import (
    AddressLease,
    AddressPool,
    Server,
    VirtualMachine,
    VMNetwork,
    VMSubnet,
)
from fabric.vmm.roles import Caller

MOST = {4: 16_777_216, 6: 1_048_576}
LONGEST_QUARANTINE = 525_600
# All of them are gone through whenever the pool is looked at.
MOST_RESERVED = 1_000
MOST_DNS = 20


class Details(TypedDict, total=False):
    """What else a pool has; "" for first or last is the end of the subnet.

    The gateway, DNS servers and `reserved` ranges (pairs of first and last) are never leased.
    """

    first: str
    last: str
    gateway: str | None
    dns: Iterable[str]
    reserved: Iterable[Iterable[str]]
    quarantine_minutes: int


class Changes(Details, total=False):
    name: str


@transaction.atomic
def add(
    caller: Caller,
    server: Server,
    *,
    name: str,
    network: VMNetwork | None = None,
    subnet: VMSubnet | None = None,
    cidr: str = "",
    **details: Unpack[Details],
) -> AddressPool:
    """Add a pool to a subnet, or to the one of a network with this range, made when it is new."""
    network = _network(name, network, subnet)
    networks.require_author(caller, network)
    fields.require_server(server, [network], "VM network", field="network")
    rows.held(network.logical_network)
    if subnet is not None:
        subnet = rows.held(subnet)
    else:
        subnet = subnets.ensure(network, name, cidr)
    pool = AddressPool(server=server, network=network, subnet=subnet, cidr=subnet.cidr)
    values: dict[str, Any] = {"first": "", "last": "", **details, "name": name}
    return rows.save(_written(pool, values))


@transaction.atomic
def change(caller: Caller, row: AddressPool, **changes: Unpack[Changes]) -> AddressPool:
    """Change a pool; Conflict names the machine whose address it would not have any more."""
    networks.require_author(caller, row.network)
    rows.held(row.network.logical_network)
    pool = rows.held(row)
    before = int(ip_address(pool.first)) + pool.cursor
    _written(pool, dict(changes))
    cursor = before - int(ip_address(pool.first))
    pool.cursor = cursor if 0 <= cursor < pool.size else 0
    _require_keeps(caller, pool)
    return rows.save(pool)


@transaction.atomic
def remove(caller: Caller, row: AddressPool) -> None:
    """Remove a pool that no machine holds an address of; what rests is forgotten."""
    networks.require_author(caller, row.network)
    pool = rows.held(row)
    holding = VirtualMachine.objects.filter(adapters__leases__pool=pool)
    fields.require_unused(
        f"The address pool {pool}", networks.users_of(caller.tenant_role, holding)
    )
    pool.leases.all().delete()
    rows.remove(pool, "address pool")


def _network(name: str, network: VMNetwork | None, subnet: VMSubnet | None) -> VMNetwork:
    if subnet is None:
        if network is None:
            raise Invalid(f"The address pool {name} needs a VM network.", field="network")
        return network
    if network is not None and network.pk != subnet.network_id:
        raise Invalid(
            f"The subnet {subnet} is one of the VM network {subnet.network}, not of {network}.",
            field="subnet",
        )
    return subnet.network


def _written(pool: AddressPool, values: dict[str, Any]) -> AddressPool:
    rows.assign(pool, values, _POOL)
    first, last = ip_address(pool.first), ip_address(pool.last)
    if int(first) > int(last):
        raise Invalid(
            f"The first address {first} of pool {pool} comes after the last one, {last}.",
            field="first",
        )
    size = int(last) - int(first) + 1
    if size > MOST[first.version]:
        raise Invalid(
            f"An IPv{first.version} pool holds at most {MOST[first.version]:,} addresses, and "
            f"{first} to {last} of pool {pool} are more: say a nearer first or last one.",
            field="last",
        )
    pool.size = size
    twins = pool.network.pools.filter(first__lte=pool.last, last__gte=pool.first)
    twin = twins.exclude(pk=pool.pk).order_by("name").first()
    if twin is not None:
        raise Conflict(
            f"The range of pool {pool}, {first} to {last}, overlaps the one of pool {twin}, "
            f"{twin.first} to {twin.last}.",
            field="first",
        )
    return pool


def _require_keeps(caller: Caller, pool: AddressPool) -> None:
    """Raise Conflict when a machine holds an address that the pool does not lease any more."""
    below, above = Q(address__lt=pool.first), Q(address__gt=pool.last)
    for field, outside in (("first", below), ("last", above)):
        lease = _first(_held(pool).filter(outside))
        if lease is not None:
            raise Conflict(
                f"The range of pool {pool}, {pool.first} to {pool.last}, leaves out "
                f"{lease.address}, which {addresses.holder(lease, caller)} holds.",
                field=field,
            )
    taken = [("reserved", first, last) for first, last in pool.reserved]
    taken += [("gateway", pool.gateway, pool.gateway)] if pool.gateway else []
    for field, first, last in taken:
        lease = _first(_held(pool).filter(address__gte=first, address__lte=last))
        if lease is not None:
            raise Conflict(
                f"{lease.address} of pool {pool} cannot become {_WHY[field]}: "
                f"{addresses.holder(lease, caller)} holds it.",
                field=field,
            )


def _held(pool: AddressPool) -> QuerySet[AddressLease]:
    return AddressLease.objects.filter(pool=pool, adapter__isnull=False)


def _first(leases: QuerySet[AddressLease]) -> AddressLease | None:
    return leases.select_related("adapter__machine").order_by("address").first()


def _end(row: AddressPool, keyword: str, value: str) -> str:
    subnet = _subnet(row)
    if not value:
        first, last = ranges.hosts(subnet)
        return str(first if keyword == "first" else last)
    found = _of_family(row, value, keyword, f"the {keyword} address of pool {row}")
    if not ranges.may_be_host(found, subnet):
        raise Invalid(f"{found} of pool {row} is no host address of {subnet}.", field=keyword)
    return str(found)


def _gateway(row: AddressPool, keyword: str, value: str | None) -> str | None:
    if not value:
        return None
    found = _of_family(row, value, keyword, f"the gateway of pool {row}")
    subnet = _subnet(row)
    if not ranges.may_be_gateway(found, subnet):
        raise Invalid(
            f"The gateway {found} of pool {row} is not in its subnet {subnet}.", field=keyword
        )
    return str(found)


def _dns(row: AddressPool, keyword: str, value: Iterable[str]) -> list[str]:
    whose = f"a DNS server of pool {row}"
    servers = list(value)
    if len(servers) > MOST_DNS:
        raise Invalid(f"The pool {row} has at most {MOST_DNS} DNS servers.", field=keyword)
    return [str(ranges.address(each, whose, field=keyword)) for each in servers]


def _reserved(row: AddressPool, keyword: str, value: Iterable[Iterable[str]]) -> list[list[str]]:
    found, subnet, pairs = [], _subnet(row), list(value)
    if len(pairs) > MOST_RESERVED:
        raise Invalid(
            f"The pool {row} has at most {MOST_RESERVED:,} reserved ranges.", field=keyword
        )
    for pair in pairs:
        ends = [_of_family(row, each, keyword, f"reserved in pool {row}") for each in pair]
        if len(ends) != 2 or ends[0] > ends[1]:
            raise Invalid(
                f"A reserved range of pool {row} has a first and a last address, in this order, "
                f"not {', '.join(map(str, ends))}.",
                field=keyword,
            )
        if ends[0] not in subnet or ends[1] not in subnet:
            raise Invalid(
                f"The reserved range {ends[0]} to {ends[1]} of pool {row} is not in its subnet "
                f"{subnet}.",
                field=keyword,
            )
        found.append([str(end) for end in ends])
    return found


def _of_family(row: AddressPool, value: str, keyword: str, whose: str) -> Any:
    found, subnet = ranges.address(value, whose, field=keyword), _subnet(row)
    if found.version != subnet.version:
        raise Invalid(
            f"{found} is no IPv{subnet.version} address, as the subnet {subnet} has: {whose}.",
            field=keyword,
        )
    return found


def _subnet(row: AddressPool) -> Subnet:
    return ip_network(row.cidr)


_WHY = {"reserved": "reserved", "gateway": "the gateway"}
_POOL = {
    "name": rows.name("address pool", within="network"),
    "first": _end,
    "last": _end,
    "gateway": _gateway,
    "dns": _dns,
    "reserved": _reserved,
    "quarantine_minutes": rows.count("The quarantine in minutes", least=0, most=LONGEST_QUARANTINE),
}
