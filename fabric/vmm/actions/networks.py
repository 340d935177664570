"""Logical networks, and the VM networks on them: the fabric's, and those of user roles.

The logical network's row is the lock of its VM networks, their subnets and its sites.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_network
from typing import Any, TypedDict, Unpack
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from fabric.vmm import quota, roles
from fabric.vmm.actions import fields, ranges, rows, sites
from fabric.vmm.errors import Conflict, Denied, Invalid, NotFound
from fabric.vmm.models import (
    Isolation,
    LogicalNetwork,
    ResourceKind,
    RoleResource,
    Server,
    UserRole,
    VirtualMachine,
    VMNetwork,
)
from fabric.vmm.models.userrole import sight_of
from fabric.vmm.roles import Caller, require_all

AUTHOR = "AuthorVMNetwork"


class LogicalChanges(rows.Named, total=False):
    is_virtualized: bool


class NetworkChanges(TypedDict, total=False):
    name: str
    description: str
    isolation: str
    vlan: int | None


@transaction.atomic
def add_logical(
    caller: Caller,
    server: Server,
    *,
    name: str,
    description: str = "",
    is_virtualized: bool = False,
) -> LogicalNetwork:
    """Add a logical network; until it has a site it is there on every host."""
    roles.require_fabric(caller)
    values = {"name": name, "description": description, "is_virtualized": is_virtualized}
    return rows.save(rows.assign(LogicalNetwork(server=server), values, _LOGICAL))


@transaction.atomic
def change_logical(
    caller: Caller, row: LogicalNetwork, **changes: Unpack[LogicalChanges]
) -> LogicalNetwork:
    """Change a logical network."""
    roles.require_fabric(caller)
    logical = rows.assign(rows.held(row), changes, _LOGICAL)
    virtual = logical.vm_networks.filter(isolation=Isolation.VIRTUALIZED).order_by("name")
    if not logical.is_virtualized and virtual:
        raise Conflict(
            f"The logical network {logical} needs network virtualization: the VM networks "
            f"{fields.named([network.name for network in virtual])} on it are virtualized.",
            field="is_virtualized",
        )
    return rows.save(logical)


@transaction.atomic
def remove_logical(caller: Caller, row: LogicalNetwork) -> None:
    """Remove a logical network, with its sites, that nothing is made of."""
    roles.require_fabric(caller)
    rows.remove(
        row,
        "logical network",
        ("VM networks", row.vm_networks.order_by("name")),
        ("clouds", row.clouds.order_by("name")),
        ("load balancers", row.load_balancers.order_by("name")),
    )


@transaction.atomic
def add_network(
    caller: Caller,
    server: Server,
    *,
    logical_network: LogicalNetwork,
    name: str,
    isolation: str = "",
    vlan: int | None = None,
    description: str = "",
    owner: UserRole | None = None,
) -> VMNetwork:
    """Add a VM network, the fabric's or a user role's own, within the role's limits.

    A user role makes virtualized ones only, on logical networks of its clouds; for others the
    default is no isolation.
    """
    role = _owner(caller, owner, logical_network)
    by_tenant = caller.tenant_role is not None
    fields.require_server(server, [logical_network], "logical network", field="logical_network")
    if by_tenant:
        _require_for_tenants(caller, logical_network)
    if role is not None:
        quota.require_network(role, member=caller.principal if by_tenant else "")
    network = VMNetwork(server=server, logical_network=rows.held(logical_network), owner=role)
    network.owner_name = caller.principal if by_tenant else ""
    default = Isolation.NONE if role is None else Isolation.VIRTUALIZED
    values = {"name": name, "description": description, "vlan": vlan}
    rows.assign(network, {**values, "isolation": isolation or default}, _NETWORK)
    _require_isolation(network)
    return rows.save(network)


@transaction.atomic
def change_network(caller: Caller, row: VMNetwork, **changes: Unpack[NetworkChanges]) -> VMNetwork:
    """Change a VM network; its isolation and VLAN only while no machine is attached."""
    require_author(caller, row)
    # The logical network is always locked before what lies on it.
    logical = rows.held(row.logical_network)
    network = rows.held(row)
    network.logical_network = logical
    before = (network.isolation, network.vlan)
    rows.assign(network, changes, _NETWORK)
    if network.isolation != Isolation.VLAN and "vlan" not in changes:
        network.vlan = None
    if before != (network.isolation, network.vlan):
        field = "vlan" if before[0] == network.isolation else "isolation"
        _require_detached(caller, network, field)
        _require_isolation(network)
        for subnet in network.subnets.all():
            ranges.require_apart(network, ip_network(subnet.cidr), but=subnet, field=field)
    return rows.save(network)


@transaction.atomic
def remove_network(caller: Caller, row: VMNetwork) -> None:
    """Remove a VM network, with its subnets, that no machine is attached to."""
    require_author(caller, row)
    rows.held(row.logical_network)
    rows.remove(
        row,
        "VM network",
        users_of(caller.tenant_role, VirtualMachine.objects.filter(adapters__network=row)),
        ("address pools", row.pools.order_by("name")),
    )


@transaction.atomic
def share(caller: Caller, row: VMNetwork, *, roles: Collection[UserRole]) -> None:
    """Have exactly these user roles use a VM network beside its owner.

    The owner needs CanShare, and each role CanReceive or the owner for its parent; nothing is
    taken from a role whose machines are attached.
    """
    require_sharing(caller, row)
    network = rows.held(row)
    wanted = {role.pk: role for role in roles if role.pk != network.owner_id}
    held = RoleResource.objects.filter(kind=ResourceKind.NETWORK, resource_id=network.pk)
    before = set(held.values_list("role", flat=True))
    for pk, role in wanted.items():
        if pk not in before and not may_receive(caller, role):
            raise Denied(f"The user role {role.name} may receive nothing: it lacks CanReceive.")
    gone = before - set(wanted)
    _require_unattached(network, gone)
    held.filter(role__in=gone).delete()
    RoleResource.objects.bulk_create(
        [
            RoleResource(role=role, kind=ResourceKind.NETWORK, resource_id=network.pk)
            for pk, role in wanted.items()
            if pk not in before
        ],
        ignore_conflicts=True,
    )


def require_sharing(caller: Caller, network: VMNetwork) -> None:
    """Raise unless the caller may say who uses the VM network beside its owner."""
    require_author(caller, network)
    if caller.tenant_role is not None:
        require_all(caller, "CanShare", clouds=network.logical_network.clouds.all())


def may_receive(caller: Caller, role: UserRole) -> bool:
    """Tell whether the caller may share networks with a role; its own children always."""
    own = caller.tenant_role
    if role.is_fabric:
        return False
    return own is None or role.parent_id == own.pk or "CanReceive" in role.permissions


def _require_unattached(network: VMNetwork, roles: Collection[UUID]) -> None:
    machines = VirtualMachine.objects.filter(role__in=roles, adapters__network=network)
    if machines.exists():
        raise Conflict(
            f"The VM network {network} cannot be taken from a user role with machines on it.",
            advice="Connect those machines elsewhere first.",
        )


def require_author(caller: Caller, network: VMNetwork) -> None:
    """Raise unless the caller may change the VM network: the fabric's people, or its owner."""
    role = caller.tenant_role
    if role is None:
        roles.require_fabric(caller)
    elif UserRole.objects.filter(pk__in=sight_of(role)).filter(pk=network.owner_id).exists():
        roles.require_all(caller, AUTHOR, clouds=network.logical_network.clouds.all())
    elif VMNetwork.objects.visible_to(caller).filter(pk=network.pk).exists():
        raise Denied(f"The VM network {network} does not belong to the user role {role}.")
    else:
        raise NotFound(f"There is no VM network {network.pk}.")


def _owner(caller: Caller, owner: UserRole | None, logical: LogicalNetwork) -> UserRole | None:
    role = caller.tenant_role
    if role is None:
        roles.require_fabric(caller)
        return owner
    roles.require_all(caller, AUTHOR, clouds=logical.clouds.all())
    if owner is not None and owner.pk != role.pk:
        raise Denied(f"The user role {role} cannot make a VM network for another one.")
    return role


def _require_for_tenants(caller: Caller, logical: LogicalNetwork) -> None:
    if not LogicalNetwork.objects.visible_to(caller).filter(pk=logical.pk).exists():
        raise NotFound(f"There is no logical network {logical.pk}.")
    if not logical.is_virtualized:
        raise Invalid(
            f"The user role {caller.role} can make VM networks on virtualized logical networks; "
            f"{logical} is none.",
            field="logical_network",
        )


def _require_isolation(network: VMNetwork) -> None:
    """Raise unless isolation, VLAN and logical network go together."""
    logical, isolation = network.logical_network, network.isolation
    if isolation == Isolation.VLAN:
        _require_vlan(network)
    elif network.vlan is not None:
        raise Invalid(
            f"The VM network {network} is isolated by VLAN {network.vlan} only when its isolation "
            f"is VLAN, not {network.get_isolation_display()!r}.",
            field="vlan",
        )
    if isolation == Isolation.VIRTUALIZED and not logical.is_virtualized:
        raise Invalid(
            f"The VM network {network} cannot be virtualized: the logical network {logical} has "
            "no network virtualization.",
            field="isolation",
        )
    if network.owner_id is not None and isolation != Isolation.VIRTUALIZED:
        raise Invalid(
            f"The VM network {network} of the user role {network.owner} must be virtualized, not "
            f"{network.get_isolation_display()!r}.",
            field="isolation",
        )


def _require_vlan(network: VMNetwork) -> None:
    logical = network.logical_network
    if network.vlan is None:
        raise Invalid(f"The VM network {network} needs a VLAN.", field="vlan")
    there = sites.vlans_of(logical)
    if there is not None and network.vlan not in there:
        raise Invalid(
            f"VLAN {network.vlan} of the VM network {network} is in no site of the logical network "
            f"{logical}.",
            field="vlan",
        )
    twins = logical.vm_networks.filter(isolation=Isolation.VLAN, vlan=network.vlan)
    twin = twins.exclude(pk=network.pk).first()
    if twin is not None:
        raise Conflict(
            f"VLAN {network.vlan} of the logical network {logical} belongs to the VM network "
            f"{twin} already; {network} needs another one.",
            field="vlan",
        )


def users_of(role: UserRole | None, machines: QuerySet[VirtualMachine]) -> tuple[str, list[str]]:
    """Return the machines for `require_unused`; to a user role those of others have no names."""
    found = list(machines.order_by("name").values_list("name", "role").distinct())
    names = [name for name, whose in found if role is None or whose == role.pk]
    return ("machines of", ["another user role"]) if found and not names else ("machines", names)


def _require_detached(caller: Caller, network: VMNetwork, field: str) -> None:
    what, names = users_of(
        caller.tenant_role, VirtualMachine.objects.filter(adapters__network=network)
    )
    if names:
        raise Conflict(
            f"The {field} of the VM network {network} cannot change: attached to it are the "
            f"{what} {fields.named(names)}.",
            field=field,
        )


def _vlan(row: Any, keyword: str, value: int | None) -> int | None:
    return None if value is None else sites.vlan(value, f"The VLAN of network {row}")


_LOGICAL = {
    "name": rows.name("logical network"),
    "description": rows.prose,
    "is_virtualized": rows.plain,
}
_NETWORK = {
    "name": rows.name("VM network"),
    "description": rows.prose,
    "isolation": rows.choice(Isolation, "isolation"),
    "vlan": _vlan,
}
