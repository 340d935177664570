"""Bodies of the calls that change something, as plain JSON values.

Every collection is announced by its type, because Microsoft's parser wants it before the value.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final

from fabric.providers.base import MachineOrder, MemberRole, OrderedAdapter, TenantOrder
from fabric.providers.guests import GuestInputs
from fabric.providers.spf import reading
from fabric.providers.spf.reading import Row

Body = dict[str, Any]
Resource = tuple[str, uuid.UUID]

# What may be sent, for leaving out what a generation does not have.
SENT: Final[Mapping[str, tuple[str, ...]]] = {
    "VirtualMachines": (
        *("StampId", "CloudId", "VMTemplateId", "Name", "Tag", "StartVM", "ComputerName"),
        *("Description", "CPUCount", "Memory", "LocalAdminUserName", "LocalAdminPassword"),
        *("NewVirtualNetworkAdapterInput", "Operation", "Retry", "ProductKey", "TimeZone"),
        *("WorkGroup", "Domain", "UserName", "Password"),
    ),
    "UserRoles": (
        *("AddMember", "RemoveMember", "AddScope", "RemoveScope", "PermissionInput"),
        *("AddResource", "RemoveResource"),
    ),
}

_NEW_ADAPTER: Final = "VMM.NewVMVirtualNetworkAdapterInput"

# Our words for limits beside UserRoleScope's.
LIMITS: Final = {
    "cores": "RoleCPUCount",
    "memory_mb": "RoleMemoryMB",
    "storage_gb": "RoleStorageGB",
    "machines": "RoleVMCount",
}


def fit(body: Body, name: str, without: Collection[str]) -> Body:
    """Return the body without the properties that the endpoint's set does not have."""
    absent = {prop for prop in body if f"{name}.{prop.partition('@')[0]}" in without}
    return {prop: value for prop, value in body.items() if prop not in absent}


def tenant(order: TenantOrder) -> Body:
    """The SPF tenant: its subscription id becomes its own and the role's."""
    return {"Name": order.name, "SubscriptionID": str(order.id)}


def role(order: TenantOrder, known: Row, granted: Collection[Resource]) -> Body:
    """What turns the role as it stands into the one ordered.

    `known` is the role's row, `granted` the resources it has and the order may not name any more.
    A scope given again takes the new limits; permissions are always replaced as a whole.
    """
    body: Body = {"odata.type": "VMM.UserRole", "ID": str(order.id)}
    members = {name.casefold(): name for name in reading.texts(known, "Members")}
    wanted = {name.casefold(): name for name in order.people}
    _put(body, "AddMember", "Edm.String", [wanted[n] for n in wanted if n not in members])
    _put(body, "RemoveMember", "Edm.String", [members[n] for n in members if n not in wanted])
    stale = [quota for quota in _scopes(known, order) if quota != order.cloud_id]
    _put(body, "RemoveScope", "VMM.UserRoleScope", [_scope(order, id) for id in stale])
    limits = {LIMITS[name]: limit for name, limit in order.limits.items() if name in LIMITS}
    _put(body, "AddScope", "VMM.UserRoleScope", [{**_scope(order, order.cloud_id), **limits}])
    permission: Body = {"StampId": str(order.stamp_id)}
    _put(permission, "Permission", "Edm.String", list(order.permissions), always=True)
    _put(body, "PermissionInput", "VMM.UserRolePermission", [permission])
    added = [_resource(order, resource) for resource in order.resources]
    _put(body, "AddResource", "VMM.UserRoleResource", added)
    removed = [_resource(order, each) for each in granted if each not in order.resources]
    _put(body, "RemoveResource", "VMM.UserRoleResource", removed)
    return body


def member_role(order: TenantOrder, member: MemberRole, known: Row) -> Body:
    """What turns a role inside the tenant's as it stands into the one ordered.

    It has the tenant's resources, and of permissions those that the tenant's has as well.
    """
    permissions = tuple(name for name in member.permissions if name in order.permissions)
    inside = replace(
        order,
        id=member.id,
        people=(member.email,),
        limits=member.limits,
        permissions=permissions,
        members=(),
    )
    return {**role(inside, known, granted=()), "Name": member.name}


def _scopes(known: Row, order: TenantOrder) -> list[uuid.UUID]:
    """The clouds of the order's stamp that the role reaches already."""
    quotas = reading.several(known, "Quotas")
    here = [quota for quota in quotas if reading.guid(quota, "StampId") == order.stamp_id]
    return [found for found in (reading.guid(quota, "Scope") for quota in here) if found]


def _scope(order: TenantOrder, cloud_id: uuid.UUID) -> Body:
    return {"Scope": str(cloud_id), "StampId": str(order.stamp_id), "ScopeType": "Cloud"}


def _resource(order: TenantOrder, resource: Resource) -> Body:
    kind, id = resource
    return {"Resource": str(id), "StampId": str(order.stamp_id), "ResourceType": kind}


def _put(body: Body, name: str, kind: str, values: list[Any], *, always: bool = False) -> None:
    if values or always:
        body[f"{name}@odata.type"] = f"Collection({kind})"
        body[name] = values


def machine(order: MachineOrder) -> Body:
    """A machine from a template or another machine; what is not ordered stays as it is there.

    Without a computer name of its own in the order, the template decides it.
    """
    body: Body = {
        "odata.type": "VMM.VirtualMachine",
        "StampId": str(order.stamp_id),
        "CloudId": str(order.cloud_id),
        "Name": order.name,
        "Tag": order.tag,
        "StartVM": order.start,
    }
    if order.source_checkpoint_id is not None:
        body["SourceCheckpointId"] = str(order.source_checkpoint_id)
    elif order.source_machine_id is not None:
        body["SourceVMId"] = str(order.source_machine_id)
    else:
        body["VMTemplateId"] = str(order.template_id)
    optional: Mapping[str, object] = {
        "Description": order.description or None,
        "CPUCount": order.cores,
        "Memory": order.memory_mb,
    }
    body |= {name: found for name, found in optional.items() if found is not None}
    body |= guest(order)
    adapters = [_adapter(each) for each in order.adapters]
    _put(body, "NewVirtualNetworkAdapterInput", _NEW_ADAPTER, adapters)
    return body


def guest(inputs: GuestInputs) -> Body:
    """What the guest is told, as far as something is said."""
    told = {
        "ComputerName": inputs.computer_name,
        "LinuxAdministratorSSHKeyString": "\n".join(inputs.ssh_keys),
        "ProductKey": inputs.product_key,
        "UserData": inputs.user_data,
        "WorkGroup": inputs.workgroup,
    }
    if inputs.password or inputs.ssh_keys:
        told |= {"LocalAdminUserName": inputs.admin_user, "LocalAdminPassword": inputs.password}
    join = inputs.domain_join
    if join is not None:
        account = f"{join.account_domain}\\{join.user}" if join.account_domain else join.user
        told |= {"Domain": join.domain, "UserName": account, "Password": join.password}
        told |= {"MachineObjectOU": join.ou}
    body: Body = {name: text for name, text in told.items() if text}
    if inputs.time_zone.isdecimal():
        body["TimeZone"] = int(inputs.time_zone)
    return body


def _adapter(adapter: OrderedAdapter) -> Body:
    body: Body = {"odata.type": _NEW_ADAPTER, "VMNetworkName": adapter.network_name}
    if adapter.address:
        body |= {"IPv4AddressType": "Static", "IPv4Address": adapter.address}
    return body


def operation(word: str, **flags: bool) -> Body:
    """An operation on a machine; only Repair takes a flag."""
    return {"odata.type": "VMM.VirtualMachine", "Operation": word, **flags}
