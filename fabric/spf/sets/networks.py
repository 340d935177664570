"""Logical networks and VM networks."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from fabric.spf.schema import Resource, Row, Table
from fabric.spf.scope import Scope
from fabric.spf.sets.columns import plain, stamp
from fabric.spf.sets.grants import granted, with_grants
from fabric.vmm.models import LogicalNetwork, ResourceKind, VMNetwork


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
