"""User roles, changed by what is added, removed and replaced in one request.

The built-in Administrator role is told to administrators with our administrator accounts as its
members: a portal that registers this server looks there for its own account.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import QuerySet

from fabric.odata.errors import BadRequest
from fabric.odata.literals import Value
from fabric.spf.models import Account
from fabric.spf.schema import (
    Computed,
    Create,
    Join,
    Resource,
    Row,
    Table,
    Update,
    Wanted,
    Written,
    names,
)
from fabric.spf.scope import Scope
from fabric.spf.sets.columns import guids, plain
from fabric.vmm.actions import userroles
from fabric.vmm.models import RoleProfile, RoleScope, UserRole
from fabric.vmm.roles import PERMISSIONS, Grant, ScopeLimits

ADMINISTRATOR_ID = UUID("75700cd5-893e-4f68-ada7-50ef4668acc6")
ADMINISTRATOR_NAME = "Administrator"

_LIMITS = {
    "RoleVMCount": "vm_count",
    "RoleCPUCount": "cpu_count",
    "RoleMemoryMB": "memory_mb",
    "RoleStorageGB": "storage_gb",
    "RoleCustomQuotaCount": "points",
    "MemberVMCount": "member_vm_count",
    "MemberCPUCount": "member_cpu_count",
    "MemberMemoryMB": "member_memory_mb",
    "MemberStorageGB": "member_storage_gb",
    "MemberCustomQuotaCount": "member_points",
}
_INPUTS = (
    "Description AddMember RemoveMember PermissionInput AddScope RemoveScope AddResource "
    "RemoveResource"
)


def _roles(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    return UserRole.objects.visible_to(scope.caller).prefetch_related("scopes__cloud")


def _role(scope: Scope, role: UserRole) -> Row:
    reached = [each for each in role.scopes.all() if each.cloud.server_id in scope.stamps.ids]
    return {
        "ID": role.pk,
        "Name": role.name,
        "Description": role.description,
        "CloudPermission": [
            {
                "StampId": scope.stamp_of(each.cloud.server_id),
                "CloudId": each.cloud_id,
                "ExplicitPermission": [],
                "EffectivePermission": role.permissions,
            }
            for each in reached
        ],
        "Members": role.members,
        "Permission": role.permissions,
        "Profile": role.profile,
        "Quotas": [_quota(scope, each) for each in reached],
        "UserRoleProfile": role.profile,
    }


def _quota(scope: Scope, held: RoleScope) -> Row:
    return {
        "Scope": held.cloud_id,
        "StampId": scope.stamp_of(held.cloud.server_id),
        "ScopeType": "Cloud",
        **{name: getattr(held, field) for name, field in _LIMITS.items()},
    }


def _administrators(scope: Scope, wanted: Wanted) -> Iterable[Row]:
    assert scope.caller is not None
    ids = guids(wanted, "ID")
    if not scope.caller.is_unbound or (ids is not None and ADMINISTRATOR_ID not in ids):
        return
    accounts = Account.objects.filter(is_vmm_administrator=True, is_active=True)
    yield {
        "ID": ADMINISTRATOR_ID,
        "Name": ADMINISTRATOR_NAME,
        "Description": "May do everything in VMM.",
        "Members": list(accounts.order_by("username").values_list("username", flat=True)),
        "Permission": sorted(PERMISSIONS),
        "Profile": RoleProfile.ADMINISTRATOR.value,
        "UserRoleProfile": RoleProfile.ADMINISTRATOR.value,
    }


def _clouds(scope: Scope, roles: Collection[Value]) -> Iterable[tuple[Value, Value]]:
    return list(RoleScope.objects.filter(role__in=roles).values_list("role", "cloud"))


@transaction.atomic
def _create(scope: Scope, body: Row) -> Written:
    assert scope.caller is not None
    role = userroles.add(
        scope.caller,
        id=body.pop("ID", None) or uuid4(),
        name=body.pop("Name"),
        profile=body.pop("UserRoleProfile", RoleProfile.TENANT_ADMIN),
        description=body.pop("Description", None) or "",
    )
    if body:
        role = userroles.change(scope.caller, role, **_changes(scope, body))
    return Written(role)


def _update(scope: Scope, role: UserRole, body: Row) -> None:
    assert scope.caller is not None
    userroles.change(scope.caller, role, **_changes(scope, body))


def _delete(scope: Scope, role: UserRole) -> None:
    assert scope.caller is not None
    userroles.remove(scope.caller, role)


def _changes(scope: Scope, body: Row) -> Row:
    """The body in VMM's words. Every nested item names its stamp, which must be known."""
    changes: Row = {
        "add_members": body.get("AddMember", ()),
        "remove_members": body.get("RemoveMember", ()),
        "add_scopes": [_limits(scope, item) for item in body.get("AddScope", ())],
        "remove_scopes": [
            _needed(scope, item, "Scope", "RemoveScope") for item in body.get("RemoveScope", ())
        ],
        "add_resources": [
            _grant(scope, item, "AddResource") for item in body.get("AddResource", ())
        ],
        "remove_resources": [
            _grant(scope, item, "RemoveResource") for item in body.get("RemoveResource", ())
        ],
    }
    for name, keyword in (("Name", "name"), ("Description", "description")):
        if body.get(name) is not None:
            changes[keyword] = body[name]
    if "PermissionInput" in body:
        # VMM keeps one list a role, so several stamps share what is given to any.
        changes["permissions"] = sorted(
            {
                name
                for item in body["PermissionInput"]
                for name in _of_stamp(scope, item).get("Permission") or ()
            }
        )
    return changes


def _limits(scope: Scope, item: Row) -> ScopeLimits:
    cloud_id = _needed(scope, item, "Scope", "AddScope")
    return ScopeLimits(cloud_id, **{field: item.get(name) for name, field in _LIMITS.items()})


def _grant(scope: Scope, item: Row, what: str) -> Grant:
    return Grant(item.get("ResourceType") or "", _needed(scope, item, "Resource", what))


def _needed(scope: Scope, item: Row, name: str, what: str) -> UUID:
    value: UUID | None = _of_stamp(scope, item).get(name)
    if value is None:
        raise BadRequest(f"Every item of {what} needs {name}.")
    return value


def _of_stamp(scope: Scope, item: Row) -> Row:
    if item.get("StampId") is not None:
        scope.server_of(item["StampId"])
    return item


SETS = (
    Resource(
        name="UserRoles",
        sources=(
            Table(_roles, _role, plain(ID="pk", Name="name", UserRoleProfile="profile")),
            Computed(_administrators),
        ),
        joins={"Clouds": Join("ID", "ID", _clouds)},
        create=Create(
            _create, takes=names(f"ID Name UserRoleProfile {_INPUTS}"), requires=("Name",)
        ),
        update=Update(_update, takes=names(f"Name {_INPUTS}")),
        delete=_delete,
    ),
)
