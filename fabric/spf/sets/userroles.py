"""User roles, changed by what is added, removed and replaced in one request.

The built-in Administrator role is told to administrators with our administrator accounts as its
members: a portal that registers this server looks there for its own account.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet

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
    scopes = RoleScope.objects.select_related("cloud")
    return UserRole.objects.visible_to(scope.caller).prefetch_related(Prefetch("scopes", scopes))


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
                "ExplicitPermission": each.permissions,
                "EffectivePermission": sorted({*role.permissions, *each.permissions}),
            }
            for each in reached
        ],
        "Members": role.members,
        "ParentUserRoleId": role.parent_id,
        "Permission": role.permissions,
        "Profile": role.profile,
        "Quotas": [_quota(scope, each) for each in reached],
        "UserRoleProfile": role.profile,
        "VMNetworkQuota": _network_quota(scope, role, reached),
    }


def _network_quota(scope: Scope, role: UserRole, reached: Collection[RoleScope]) -> list[Row]:
    """The limit of a role is one, whatever the stamp; each stamp it reaches tells it."""
    limits = (role.most_networks, role.member_most_networks)
    if limits == (None, None):
        return []
    stamps = {scope.stamp_of(each.cloud.server_id) for each in reached} or scope.stamps.servers
    return [
        {
            "StampId": stamp,
            "VMNetworkMaximum": role.most_networks,
            "VMNetworkMaximumPerUser": role.member_most_networks,
        }
        for stamp in stamps
    ]


def _quota(scope: Scope, held: RoleScope) -> Row:
    return {
        "Scope": held.cloud_id,
        "StampId": scope.stamp_of(held.cloud.server_id),
        "ScopeType": "Cloud",
        **{name: getattr(held, field) for name, field in LIMITS.items()},
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
            ),
            Computed(_administrators),
        ),
        joins={"Clouds": Join("ID", "ID", _clouds)},
        create=CREATE,
        update=UPDATE,
        delete=remove,
    ),
)
