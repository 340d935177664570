"""User roles, changed by what is added, removed and replaced in one request.

The built-in Administrator role is told to administrators with our administrator accounts as its
members: a portal that registers this server looks there for its own account.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject

from fabric.odata.literals import Value
from fabric.spf.models import Account
from fabric.spf.schema import Computed, Join, Resource, Row, Table, Wanted
from fabric.spf.scope import Scope
from fabric.spf.sets.columns import guids, plain
from fabric.spf.sets.role_changes import CREATE, LIMITS, UPDATE, remove
from fabric.vmm.models import RoleProfile, RoleScope, UserRole
from fabric.vmm.roles import PERMISSIONS

ADMINISTRATOR_ID = UUID("75700cd5-893e-4f68-ada7-50ef4668acc6")
ADMINISTRATOR_NAME = "Administrator"


def _roles(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    told = JSONObject(
        cloud="cloud",
        server="cloud__server",
        permissions="permissions",
        **{field: field for field in LIMITS.values()},
    )
    held = RoleScope.objects.filter(role=OuterRef("pk")).order_by("pk").values(told=told)
    return UserRole.objects.visible_to(scope.caller).annotate(held=ArraySubquery(held))


# What `_role` reads.
_FIELDS = (
    "pk name description members permissions parent_id profile most_networks member_most_networks "
    "held"
)


def _role(scope: Scope, role: Any) -> Row:
    reached = [
        {**each, "cloud": UUID(each["cloud"]), "stamp": scope.stamp_of(UUID(each["server"]))}
        for each in role.held
        if UUID(each["server"]) in scope.stamps.ids
    ]
    return {
        "ID": role.pk,
        "Name": role.name,
        "Description": role.description,
        "CloudPermission": [
            {
                "StampId": each["stamp"],
                "CloudId": each["cloud"],
                "ExplicitPermission": each["permissions"],
                "EffectivePermission": sorted({*role.permissions, *each["permissions"]}),
            }
            for each in reached
        ],
        "Members": role.members,
        "ParentUserRoleId": role.parent_id,
        "Permission": role.permissions,
        "Profile": role.profile,
        "Quotas": [_quota(each) for each in reached],
        "UserRoleProfile": role.profile,
        "VMNetworkQuota": _network_quota(scope, role, reached),
    }


def _network_quota(scope: Scope, role: Any, reached: Collection[Row]) -> list[Row]:
    """The limit of a role is one, whatever the stamp; each stamp it reaches tells it."""
    limits = (role.most_networks, role.member_most_networks)
    if limits == (None, None):
        return []
    stamps = {each["stamp"] for each in reached} or scope.stamps.servers
    return [
        {
            "StampId": stamp,
            "VMNetworkMaximum": role.most_networks,
            "VMNetworkMaximumPerUser": role.member_most_networks,
        }
        for stamp in stamps
    ]


def _quota(held: Row) -> Row:
    return {
        "Scope": held["cloud"],
        "StampId": held["stamp"],
        "ScopeType": "Cloud",
        **{name: held[field] for name, field in LIMITS.items()},
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


SETS = (
    Resource(
        name="UserRoles",
        sources=(
            Table(
                _roles,
                _role,
                plain(
                    ID="pk",
                    Name="name",
                    Description="description",
                    ParentUserRoleId="parent",
                    Profile="profile",
                    UserRoleProfile="profile",
                ),
                tuple(_FIELDS.split()),
            ),
            Computed(_administrators),
        ),
        joins={"Clouds": Join("ID", "ID", _clouds)},
        create=CREATE,
        update=UPDATE,
        delete=remove,
    ),
)
