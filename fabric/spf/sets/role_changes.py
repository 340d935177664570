"""User roles made and changed over SPF: what is added, removed and replaced in one request.

Known clients send whole roles with empty lists in them, so an empty list says nothing. Permissions
are taken away by an item whose own list is empty.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from fabric.odata.errors import BadRequest
from fabric.spf.schema import Create, Row, Update, Written, names
from fabric.spf.scope import Scope
from fabric.vmm.actions import userroles
from fabric.vmm.actions.insideroles import KINDS, things
from fabric.vmm.models import Cloud, RoleProfile, UserRole
from fabric.vmm.roles import Grant, ScopeLimits, require_administrator

LIMITS = {
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
# Limits of networks, the flag that lifts each, and what VMM calls it. It has no others.
_NETWORKS = (
    ("VMNetworkMaximum", "RemoveVMNetworkMaximum", "most_networks"),
    ("VMNetworkMaximumPerUser", "RemoveVMNetworkMaximumPerUser", "member_most_networks"),
)
_INPUTS = (
    "Description AddMember RemoveMember PermissionInput CloudPermissionInput AddScope RemoveScope "
    "AddResource RemoveResource VMNetworkQuota"
)


@transaction.atomic
def _create(scope: Scope, body: Row) -> Written:
    assert scope.caller is not None
    require_administrator(scope.caller)
    role = userroles.add(
        scope.caller,
        id=body.pop("ID", None) or uuid4(),
        name=body.pop("Name"),
        profile=body.pop("UserRoleProfile", RoleProfile.TENANT_ADMIN),
        description=body.pop("Description", None) or "",
        **_parent(scope, body.pop("ParentUserRoleId", None)),
    )
    if body:
        role = userroles.change(scope.caller, role, **_changes(scope, body))
    return Written(role)


def _parent(scope: Scope, id: UUID | None) -> Any:
    assert scope.caller is not None
    if id is None:
        return {}
    parent = UserRole.objects.visible_to(scope.caller).filter(pk=id).first()
    if parent is None:
        raise BadRequest("The parameter ParentUserRoleId names no user role.")
    return {"parent": parent}


def _update(scope: Scope, role: UserRole, body: Row) -> None:
    assert scope.caller is not None
    # Before the body is looked at: what is there, and what is not, only they are told.
    require_administrator(scope.caller)
    userroles.change(scope.caller, role, **_changes(scope, body))


def remove(scope: Scope, role: UserRole) -> None:
    """Remove a role."""
    assert scope.caller is not None
    userroles.remove(scope.caller, role)


def _changes(scope: Scope, body: Row) -> Row:
    """The body in VMM's words. Every nested item names its stamp, which must be known."""
    added, removed = body.get("AddScope", ()), body.get("RemoveScope", ())
    permitted = body.get("CloudPermissionInput", ())
    _require_clouds(scope, [*_named(added, "Scope"), *_named(permitted, "CloudId")])
    changes: Row = {
        "add_members": body.get("AddMember", ()),
        "remove_members": body.get("RemoveMember", ()),
        "add_scopes": [_limits(scope, item) for item in added],
        "remove_scopes": [_needed(scope, item, "Scope", "RemoveScope") for item in removed],
        "add_resources": [
            _grant(scope, item, "AddResource") for item in body.get("AddResource", ())
        ],
        "remove_resources": [
            _grant(scope, item, "RemoveResource") for item in body.get("RemoveResource", ())
        ],
        "cloud_permissions": {
            _needed(scope, item, "CloudId", "CloudPermissionInput"): item.get("ExplicitPermission")
            or []
            for item in permitted
        },
        **_network_limits(scope, body.get("VMNetworkQuota", ())),
    }
    for name, keyword in (("Name", "name"), ("Description", "description")):
        if body.get(name) is not None:
            changes[keyword] = body[name]
    if body.get("PermissionInput"):
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
    return ScopeLimits(cloud_id, **{field: item.get(name) for name, field in LIMITS.items()})


def _network_limits(scope: Scope, items: Iterable[Row]) -> Row:
    """What is said of the number of networks; of several stamps the last word counts."""
    limits: Row = {}
    for item in items:
        _of_stamp(scope, item)
        for name, lifted, field in _NETWORKS:
            if item.get(lifted):
                limits[field] = None
            elif item.get(name) is not None:
                limits[field] = item[name]
    return limits


def _grant(scope: Scope, item: Row, what: str) -> Grant:
    """A resource; what its type is called varies, so where the word is strange the id decides."""
    id = _needed(scope, item, "Resource", what)
    word = item.get("ResourceType") or ""
    for kind in KINDS:
        if kind.casefold() == word.casefold():
            return Grant(kind, id)
    for kind in KINDS:
        if things(kind).filter(pk=id).exists():
            return Grant(kind, id)
    raise BadRequest(f"{what} names no resource that is granted to user roles: {word!r} {id}.")


def _named(items: Iterable[Row], name: str) -> list[tuple[UUID, UUID]]:
    """The clouds that items name, each with its stamp, as far as both are said."""
    return [
        (item["StampId"], item[name]) for item in items if item.get("StampId") and item.get(name)
    ]


def _require_clouds(scope: Scope, pairs: list[tuple[UUID, UUID]]) -> None:
    """Raise BadRequest when a cloud is not of the stamp it is named with."""
    clouds = dict(
        Cloud.objects.filter(pk__in=[cloud for _, cloud in pairs]).values_list("pk", "server")
    )
    for stamp, cloud in pairs:
        if cloud in clouds and clouds[cloud] != scope.server_of(stamp):
            raise BadRequest(f"The cloud {cloud} is not on the stamp {stamp}.")


def _needed(scope: Scope, item: Row, name: str, what: str) -> UUID:
    value: UUID | None = _of_stamp(scope, item).get(name)
    if value is None:
        raise BadRequest(f"Every item of {what} needs {name}.")
    return value


def _of_stamp(scope: Scope, item: Row) -> Row:
    if item.get("StampId") is not None:
        scope.server_of(item["StampId"])
    return item


CREATE = Create(
    _create,
    takes=names(f"ID Name UserRoleProfile ParentUserRoleId {_INPUTS}"),
    requires=("Name",),
)
UPDATE = Update(_update, takes=names(f"Name {_INPUTS}"))
