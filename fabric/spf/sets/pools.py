"""Pools of static addresses, each in a subnet of a VM network."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now

from fabric.odata.errors import BadRequest
from fabric.spf.schema import Create, Resource, Row, Table, Update, Written, names
from fabric.spf.scope import Scope
from fabric.spf.sets import named
from fabric.spf.sets.columns import plain, stamp
from fabric.spf.sets.recording import record
from fabric.spf.sets.repeats import Made, at_once
from fabric.vmm.actions import pools
from fabric.vmm.addresses import places
from fabric.vmm.models import AddressPool, Job, VMSubnet
from fabric.vmm.roles import Caller

_INPUTS = (
    "Name IPAddressRangeStart IPAddressRangeEnd IPAddressReservedSet DefaultGatewayIPAddresses "
    "DNSServers"
)


def _pools(scope: Scope) -> QuerySet[Any]:
    """Pools, each with how many of its addresses are leased, or rest."""
    assert scope.caller is not None
    taken = Q(leases__adapter__isnull=False) | Q(leases__rests_until__gt=Now())
    return (
        AddressPool.objects.visible_to(scope.caller)
        .filter(server__in=scope.servers)
        .select_related("network__logical_network")
        .annotate(taken=Count("leases", filter=taken))
    )


def _pool(scope: Scope, pool: Any) -> Row:
    """A pool; on which VLAN it is, is for those who run the fabric. None are kept for balancers."""
    assert scope.caller is not None
    usable = sum(stop - start + 1 for start, stop in places.usable(pool))
    free, is_ipv4 = max(0, usable - pool.taken), ":" not in pool.first
    return {
        "ID": pool.pk,
        "StampId": scope.stamp_of(pool.server_id),
        "Name": pool.name,
        "VMSubnetId": pool.subnet_id,
        "Subnet": pool.cidr,
        "AddressFamily": "InterNetwork" if is_ipv4 else "InterNetworkV6",
        "EnableNetBIOS": False,
        "IsFullyCached": True,
        "IsIPv4": is_ipv4,
        "IsMulticastPool": False,
        "IsViewOnly": False,
        "IPAddressRangeStart": pool.first,
        "IPAddressRangeEnd": pool.last,
        "IPAddressReservedSet": _reserved_set(pool),
        "DefaultGatewayIPAddresses": [pool.gateway] if pool.gateway else [],
        "DNSServers": pool.dns,
        "DNSSearchSuffixes": [],
        "MarkedForDeletion": False,
        "WINSServers": [],
        "TotalAddresses": Decimal(pool.size),
        "TotalDIPAddresses": Decimal(pool.size),
        "TotalVIPAddresses": Decimal(0),
        "ReservedAddresses": Decimal(pool.size - usable),
        "AvailableAddresses": Decimal(free),
        "AvailableDIPAddresses": Decimal(free),
        "AvailableVIPAddresses": Decimal(0),
        "UnassignedAddresses": Decimal(free),
        "UnassignedDIPAddresses": Decimal(free),
        "UnassignedVIPAddresses": Decimal(0),
        "VLanID": pool.network.vlan if scope.caller.is_fabric else None,
    }


def _reserved_set(pool: AddressPool) -> str:
    return ";".join(f"{first}-{last}" for first, last in pool.reserved)


def _create(scope: Scope, body: Row) -> Written:
    """Without a range, all of the subnet."""
    assert scope.caller is not None
    server = named.server_of(scope, body)
    rows = VMSubnet.objects.visible_to(scope.caller).filter(network__server=server)
    rows = rows.select_related("network__logical_network")
    subnet = named.one(rows, "VMSubnetId", body["VMSubnetId"], "subnet")
    if body.get("Subnet") not in (None, "", subnet.cidr):
        raise BadRequest(f"The parameter Subnet is not that of VMSubnetId, {subnet.cidr}.")

    def act(caller: Caller) -> Made:
        pool = pools.add(caller, server, subnet=subnet, **{"name": body["Name"], **_details(body)})
        job = record(
            scope, pool, "New-SCStaticIPAddressPool", "Create static IP address pool", by=caller
        )
        return _pools(scope).get(pk=pool.pk), Job.objects.get(pk=job)

    return at_once(scope, "StaticIPAddressPools", body, act, _pools(scope))


def _details(body: Row) -> Any:
    """What a body says of a pool, in VMM's words."""
    said: Row = {
        keyword: body[name]
        for name, keyword in (
            ("Name", "name"),
            ("IPAddressRangeStart", "first"),
            ("IPAddressRangeEnd", "last"),
            ("DNSServers", "dns"),
        )
        if name in body
    }
    if "IPAddressReservedSet" in body:
        said["reserved"] = _ranges(body["IPAddressReservedSet"])
    if "DefaultGatewayIPAddresses" in body:
        gateways = body["DefaultGatewayIPAddresses"]
        if len(gateways) > 1:
            raise BadRequest("The parameter DefaultGatewayIPAddresses takes one address.")
        said["gateway"] = gateways[0] if gateways else None
    return said


def _ranges(text: str) -> list[list[str]]:
    """Ranges such as `10.0.0.1-10.0.0.9;10.0.0.20`, as first and last addresses."""
    found = []
    for part in text.replace(",", ";").split(";"):
        first, _, last = (each.strip() for each in part.partition("-"))
        if first:
            found.append([first, last or first])
    return found


@transaction.atomic
def _update(scope: Scope, pool: Any, body: Row) -> UUID | None:
    assert scope.caller is not None
    said = _details(body)
    changes = {keyword: value for keyword, value in said.items() if value != getattr(pool, keyword)}
    if not changes:
        return None
    pools.change(scope.caller, pool, **changes)
    return record(scope, pool, "Set-SCStaticIPAddressPool", "Change static IP address pool")


@transaction.atomic
def _delete(scope: Scope, pool: Any) -> UUID:
    assert scope.caller is not None
    pools.remove(scope.caller, pool)
    return record(scope, pool, "Remove-SCStaticIPAddressPool", "Remove static IP address pool")


SETS = (
    Resource(
        name="StaticIPAddressPools",
        sources=(
            Table(
                _pools,
                _pool,
                plain(
                    ID="pk",
                    Name="name",
                    Subnet="cidr",
                    VMSubnetId="subnet",
                )
                | {"StampId": stamp()},
            ),
        ),
        create=Create(
            _create,
            takes=names(f"StampId VMSubnetId Subnet {_INPUTS}"),
            requires=("StampId", "Name", "VMSubnetId"),
        ),
        update=Update(_update, takes=names(_INPUTS)),
        delete=_delete,
    ),
)
