"""Logical networks, VM networks and their subnets. Pools of addresses have a module of their own.

There are no gateways, so nothing routes, translates or tunnels between VM networks and the rest.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from fabric.odata.errors import BadRequest
from fabric.spf.schema import Create, Resource, Row, Table, Update, Written, names
from fabric.spf.scope import Scope
from fabric.spf.sets import named
from fabric.spf.sets.columns import plain, stamp
from fabric.spf.sets.grants import granted, is_other, named_roles, with_grants
from fabric.spf.sets.recording import record
from fabric.spf.sets.repeats import Made, at_once
from fabric.spf.sets.userroles import ADMINISTRATOR_ID, ADMINISTRATOR_NAME
from fabric.vmm.actions import networks, subnets
from fabric.vmm.models import (
    Isolation,
    Job,
    LogicalNetwork,
    NetworkAdapter,
    ResourceKind,
    UserRole,
    VMNetwork,
    VMSubnet,
)
from fabric.vmm.roles import Caller

# What AutoCreateSubnet makes: virtualized networks are worlds of their own.
FIRST_SUBNET = "192.168.0.0/24"
_WORDS = {"Name": "name", "Description": "description"}


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
    used = NetworkAdapter.objects.filter(network=OuterRef("pk"))
    rows = rows.select_related("logical_network", "owner").annotate(is_used=Exists(used))
    return with_grants(scope, ResourceKind.NETWORK, rows)


def _vm_network(scope: Scope, network: Any) -> Row:
    return {
        "ID": network.pk,
        "StampId": scope.stamp_of(network.server_id),
        "Name": network.name,
        "Description": network.description,
        "AddedTime": network.created_at,
        "CAIPAddressPoolType": "IPV4",
        "Enabled": True,
        "GrantedToList": granted(scope, network),
        "IsAssigned": network.is_used,
        "IsolationType": network.isolation,
        "LogicalNetworkId": network.logical_network_id,
        "LogicalNetworkName": network.logical_network.name,
        "ModifiedTime": network.modified_at,
        "Owner": _owner(scope, network),
        "PAIPAddressPoolType": "IPV4",
    }


def _owner(scope: Scope, network: Any) -> Row | None:
    """Whose a network is: told to administrators, and to its owner."""
    assert scope.caller is not None
    role = network.owner
    is_own = scope.caller.role is not None and network.owner_id == scope.caller.role.pk
    if not scope.caller.is_unbound and not is_own:
        return None
    return {
        "UserName": network.owner_name or None,
        "RoleName": ADMINISTRATOR_NAME if role is None else role.name,
        "RoleID": ADMINISTRATOR_ID if role is None else role.pk,
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


def _create_network(scope: Scope, body: Row) -> Written:
    """Isolation and owner are for administrators to say; for a tenant both are given."""
    server = named.server_of(scope, body)
    rows = _logical_networks(scope).filter(server=server)
    logical = named.one(rows, "LogicalNetworkId", body["LogicalNetworkId"], "logical network")

    def act(caller: Caller) -> Made:
        network = networks.add_network(
            caller,
            server,
            logical_network=logical,
            name=body["Name"],
            description=body.get("Description") or "",
            isolation="" if caller.tenant_role else body.get("IsolationType") or "",
            owner=_owner_role(scope, body.get("Owner") or {}),
        )
        if body.get("AutoCreateSubnet"):
            _add_subnet(caller, network)
        job = record(scope, network, "New-SCVMNetwork", "Create VM network", by=caller)
        return _vm_networks(scope).get(pk=network.pk), Job.objects.get(pk=job)

    return at_once(scope, "VMNetworks", body, act, _vm_networks(scope))


def _add_subnet(caller: Caller, network: VMNetwork) -> None:
    if network.isolation != Isolation.VIRTUALIZED:
        raise BadRequest("AutoCreateSubnet is for virtualized networks: add a subnet of your own.")
    subnets.add(
        caller,
        network.server,
        network=network,
        name=f"{network.name[:57]} subnet"[:64],
        cidr=FIRST_SUBNET,
    )


def _owner_role(scope: Scope, owner: Row) -> UserRole | None:
    assert scope.caller is not None
    id = owner.get("RoleID")
    if scope.caller.tenant_role is not None or id in (None, ADMINISTRATOR_ID):
        return None
    rows = UserRole.objects.visible_to(scope.caller)
    role: UserRole = named.one(rows, "Owner", id, "user role")
    return role


@transaction.atomic
def _update_network(scope: Scope, network: Any, body: Row) -> UUID | None:
    assert scope.caller is not None
    changes: Any = named.different(network, body, _WORDS)
    items = body.get("GrantedToList") or []
    is_shared = is_other(granted(scope, network), items)
    if is_shared:
        # Who may not share is not told which roles there are.
        networks.require_sharing(scope.caller, network)
        networks.share(scope.caller, network, roles=_receivers(scope, items))
    if changes:
        networks.change_network(scope.caller, network, **changes)
    if not is_shared and not changes:
        return None
    return record(scope, network, "Set-SCVMNetwork", "Change VM network")


def _receivers(scope: Scope, items: list[Row]) -> list[UserRole]:
    """The roles a list names; to a tenant those that may not receive are not there."""
    assert scope.caller is not None
    rows = UserRole.objects.visible_to(scope.caller)
    if scope.caller.tenant_role is None:
        return named_roles(rows, items)
    found = named_roles(UserRole.objects.all(), items)
    if not all(networks.may_receive(scope.caller, role) for role in found):
        raise BadRequest("The parameter GrantedToList names no user role.")
    return found


@transaction.atomic
def _delete_network(scope: Scope, network: Any) -> UUID:
    assert scope.caller is not None
    networks.remove_network(scope.caller, network)
    return record(scope, network, "Remove-SCVMNetwork", "Remove VM network")


def _create_subnet(scope: Scope, body: Row) -> Written:
    server = named.server_of(scope, body)
    rows = _vm_networks(scope).filter(server=server)
    network = named.one(rows, "VMNetworkId", body["VMNetworkId"], "VM network")

    def act(caller: Caller) -> Made:
        subnet = subnets.add(
            caller, server, network=network, name=body["Name"], cidr=body["Subnet"]
        )
        job = record(
            scope, subnet, "New-SCVMSubnet", "Create VM subnet", server_id=server.pk, by=caller
        )
        return _subnets(scope).get(pk=subnet.pk), Job.objects.get(pk=job)

    return at_once(scope, "VMSubnets", body, act, _subnets(scope))


@transaction.atomic
def _update_subnet(scope: Scope, subnet: VMSubnet, body: Row) -> UUID | None:
    assert scope.caller is not None
    changes: Any = named.different(subnet, body, {"Name": "name", "Subnet": "cidr"})
    if not changes:
        return None
    subnets.change(scope.caller, subnet, **changes)
    return record(
        scope,
        subnet,
        "Set-SCVMSubnet",
        "Change VM subnet",
        server_id=subnet.network.server_id,
    )


@transaction.atomic
def _delete_subnet(scope: Scope, subnet: VMSubnet) -> UUID:
    assert scope.caller is not None
    subnets.remove(scope.caller, subnet)
    return record(
        scope,
        subnet,
        "Remove-SCVMSubnet",
        "Remove VM subnet",
        server_id=subnet.network.server_id,
    )


SETS = (
    Resource(
        name="LogicalNetworks",
        sources=(
            Table(
                _logical_networks,
                _logical_network,
                plain(
                    ID="pk",
                    Name="name",
                    Description="description",
                    NetworkVirtualizationEnabled="is_virtualized",
                )
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
                plain(
                    ID="pk",
                    Name="name",
                    Subnet="cidr",
                    VMNetworkId="network",
                    VMNetworkName="network__name",
                )
                | {"StampId": stamp("network__server")},
            ),
        ),
        create=Create(
            _create_subnet,
            takes=names("StampId Name VMNetworkId Subnet"),
            requires=("StampId", "Name", "VMNetworkId", "Subnet"),
        ),
        update=Update(_update_subnet, takes=names("Name Subnet")),
        delete=_delete_subnet,
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
                    Description="description",
                    LogicalNetworkId="logical_network",
                    LogicalNetworkName="logical_network__name",
                    IsolationType="isolation",
                    IsAssigned="is_used",
                    AddedTime="created_at",
                    ModifiedTime="modified_at",
                )
                | {"StampId": stamp()},
            ),
        ),
        only_sent=names("AutoCreateSubnet ExternalName"),
        create=Create(
            _create_network,
            takes=names(
                "StampId Name Description LogicalNetworkId IsolationType AutoCreateSubnet Owner"
            ),
            requires=("StampId", "Name", "LogicalNetworkId"),
        ),
        update=Update(_update_network, takes=names("Name Description GrantedToList")),
        delete=_delete_network,
    ),
)
