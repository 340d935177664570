"""Logical networks, VM networks, their subnets and the address pools of these."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now

from fabric.spf.schema import Resource, Row, Table
from fabric.spf.scope import Scope
from fabric.spf.sets.columns import plain, stamp
from fabric.spf.sets.grants import granted, with_grants
from fabric.vmm.addresses import places
from fabric.vmm.models import AddressPool, LogicalNetwork, ResourceKind, VMNetwork, VMSubnet


def _logical_networks(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    return LogicalNetwork.objects.visible_to(scope.caller).filter(server__in=scope.servers)


def _logical_network(scope: Scope, network: LogicalNetwork) -> Row:
    return {
        "ID": network.pk,
        "StampId": scope.stamp_of(network.server_id),
        "Name": network.name,
        "Description": network.description,
        "NetworkVirtualizationEnabled": network.is_virtualized,
    }


def _vm_networks(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    rows = VMNetwork.objects.visible_to(scope.caller).filter(server__in=scope.servers)
    return with_grants(scope, ResourceKind.NETWORK, rows.select_related("logical_network"))


def _vm_network(scope: Scope, network: VMNetwork) -> Row:
    return {
        "ID": network.pk,
        "StampId": scope.stamp_of(network.server_id),
        "Name": network.name,
        "Description": network.description,
        "AddedTime": network.created_at,
        "CAIPAddressPoolType": "IPV4",
        "Enabled": True,
        "GrantedToList": granted(network),
        "IsolationType": network.isolation,
        "LogicalNetworkId": network.logical_network_id,
        "LogicalNetworkName": network.logical_network.name,
        "ModifiedTime": network.modified_at,
        "PAIPAddressPoolType": "IPV4",
    }


def _subnets(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    rows = VMSubnet.objects.visible_to(scope.caller).filter(network__server__in=scope.servers)
    return rows.select_related("network").order_by("network__name", "name")


def _subnet(scope: Scope, subnet: VMSubnet) -> Row:
    return {
        "ID": subnet.pk,
        "StampId": scope.stamp_of(subnet.network.server_id),
        "Name": subnet.name,
        "Subnet": subnet.cidr,
        "VMNetworkId": subnet.network_id,
        "VMNetworkName": subnet.network.name,
    }


def _pools(scope: Scope) -> QuerySet[Any]:
    """Pools, each with how many of its addresses are leased, or rest."""
    assert scope.caller is not None
    taken = Q(leases__adapter__isnull=False) | Q(leases__rests_until__gt=Now())
    return (
        AddressPool.objects.visible_to(scope.caller)
        .filter(server__in=scope.servers)
        .select_related("network")
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
        "IsIPv4": is_ipv4,
        "IPAddressRangeStart": pool.first,
        "IPAddressRangeEnd": pool.last,
        "IPAddressReservedSet": ";".join(f"{first}-{last}" for first, last in pool.reserved),
        "DefaultGatewayIPAddresses": [pool.gateway] if pool.gateway else [],
        "DNSServers": pool.dns,
        "DNSSearchSuffixes": [],
        "WINSServers": [],
        "TotalAddresses": Decimal(pool.size),
        "TotalDIPAddresses": Decimal(pool.size),
        "TotalVIPAddresses": Decimal(0),
        "ReservedAddresses": Decimal(pool.size - usable),
        "AvailableAddresses": Decimal(free),
        "AvailableDIPAddresses": Decimal(free),
        "AvailableVIPAddresses": Decimal(0),
        "VLanID": pool.network.vlan if scope.caller.is_fabric else None,
    }


SETS = (
    Resource(
        name="LogicalNetworks",
        sources=(
            Table(
                _logical_networks,
                _logical_network,
                plain(ID="pk", Name="name", NetworkVirtualizationEnabled="is_virtualized")
                | {"StampId": stamp()},
            ),
        ),
    ),
    Resource(
        name="VMSubnets",
        sources=(
            Table(
                _subnets,
                _subnet,
                plain(ID="pk", Name="name", Subnet="cidr", VMNetworkId="network")
                | {"StampId": stamp("network__server")},
            ),
        ),
    ),
    Resource(
        name="StaticIPAddressPools",
        sources=(
            Table(
                _pools,
                _pool,
                plain(ID="pk", Name="name", Subnet="cidr", VMSubnetId="subnet")
                | {"StampId": stamp()},
            ),
        ),
    ),
    Resource(
        name="VMNetworks",
        sources=(
            Table(
                _vm_networks,
                _vm_network,
                plain(
                    ID="pk",
                    Name="name",
                    LogicalNetworkId="logical_network",
                    IsolationType="isolation",
                )
                | {"StampId": stamp()},
            ),
        ),
    ),
)
