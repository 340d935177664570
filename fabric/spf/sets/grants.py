"""GrantedToList: which user roles may use a resource. Told to administrators, and to its owner.

Sent, it replaces: those it names, by id or name, and no others. An empty one says nothing, since
known clients send whole objects with empty lists in them.
"""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, JSONField, OuterRef, QuerySet, Value
from django.db.models.functions import JSONObject

from fabric.odata.errors import BadRequest
from fabric.spf.schema import Row
from fabric.spf.scope import Scope
from fabric.vmm.actions import userroles
from fabric.vmm.models import ResourceKind, RoleResource, UserRole
from fabric.vmm.roles import Grant


def with_grants(scope: Scope, kind: str, rows: QuerySet[Any]) -> QuerySet[Any]:
    """The rows, each with what `granted` reads, in the same query."""
    roles = (
        RoleResource.objects.filter(kind=kind, resource_id=OuterRef("pk"))
        .order_by("role__name")
        .values(told=JSONObject(RoleID=F("role"), RoleName=F("role__name")))
    )
    return rows.annotate(granted=ArraySubquery(roles))


def granted(scope: Scope, found: Any) -> list[Row]:
    """GrantedToList of a row."""
    assert scope.caller is not None
    owner = getattr(found, "owner_id", None)
    is_owner = scope.caller.role is not None and owner == scope.caller.role.pk
    if not scope.caller.is_unbound and not is_owner:
        return []
    return getattr(found, "granted", None) or []


def machine_grants(scope: Scope, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Machines, each with whom it was granted to, for who may say so: the fabric's people, and the
    tenant's own role, which sees no others' machines."""
    assert scope.caller is not None
    role = scope.caller.role
    if scope.caller.is_fabric or (role is not None and role.parent_id is None):
        return with_grants(scope, ResourceKind.MACHINE, rows)
    return rows.annotate(granted=Value([], JSONField()))


def named_roles(rows: QuerySet[Any], items: list[Row]) -> list[UserRole]:
    """The roles a list names, among these."""
    found = []
    for item in items:
        naming = {"pk": item.get("RoleID")} if item.get("RoleID") else {"name": item["RoleName"]}
        role = rows.filter(**naming).first()
        if role is None:
            raise BadRequest("The parameter GrantedToList names no user role.")
        found.append(role)
    return found


def is_other(known: list[Row], items: list[Row]) -> bool:
    """Tell whether a list that was sent names others than those known; an empty one does not."""
    for item in items:
        if not item.get("RoleID") and not item.get("RoleName"):
            raise BadRequest("Every item of GrantedToList needs RoleID or RoleName.")
    names = {(str(each["RoleID"]), each["RoleName"]) for each in known}
    sent = [(str(item.get("RoleID") or ""), item.get("RoleName") or "") for item in items]
    matched = {
        each
        for id, name in sent
        for each in names
        if (id and id == each[0]) or (not id and name == each[1])
    }
    return bool(items) and (len(matched) != len(sent) or matched != names)


def grant(scope: Scope, kind: str, found: Any, body: Row) -> bool:
    """Give a resource to the roles of a body's GrantedToList; tells whether anything changed."""
    assert scope.caller is not None
    items = body.get("GrantedToList") or []
    known = granted(scope, found) if scope.caller.is_unbound else []
    if not is_other(known, items):
        return False
    roles = named_roles(UserRole.objects.visible_to(scope.caller), items)
    userroles.grant(scope.caller, Grant(kind, found.pk), roles)
    return True
