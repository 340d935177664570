"""User roles: who is in them, what they may, where and how much. Only administrators write them.

A role has no server. Fabric roles have host groups in scope, tenants' roles clouds; a child of a
tenant's role has nothing its parent has not, and loses what the parent loses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, Final, TypedDict, Unpack
from uuid import UUID, uuid4

from django.db import transaction

from fabric.vmm.actions import fields, rows
from fabric.vmm.actions.fields import UNCHANGED
from fabric.vmm.actions.insideroles import (
    KINDS,
    require_within_parent,
    take_from_children,
    things,
)
from fabric.vmm.errors import Conflict, Invalid
from fabric.vmm.models import (
    Cloud,
    HostGroup,
    ResourceKind,
    RoleProfile,
    RoleResource,
    RoleScope,
    UserRole,
)
from fabric.vmm.roles import (
    Caller,
    Grant,
    ScopeLimits,
    clean_permissions,
    require_administrator,
)

_NO_CLOUDS: Final[Mapping[UUID, Iterable[str]]] = MappingProxyType({})
_INSIDE = frozenset({RoleProfile.SELF_SERVICE, RoleProfile.TENANT_ADMIN})


class Details(TypedDict, total=False):
    """What else a role has; `members`, `scopes` and `resources` are all it shall have."""

    description: str
    members: Iterable[str]
    permissions: Iterable[str]
    host_groups: Iterable[HostGroup]
    scopes: Sequence[ScopeLimits]
    resources: Sequence[Grant]
    parent: UserRole | None
    most_networks: int | None
    member_most_networks: int | None


class Changes(Details, total=False):
    name: str


def _name(row: Any, keyword: str, value: Any) -> str:
    cleaned = fields.name(value, "user role", longest=320, field=keyword)
    others = UserRole.objects.filter(name=cleaned).exclude(pk=row.pk)
    fields.require_free(others, "user role", cleaned, field=keyword)
    return cleaned


def _members(row: Any, keyword: str, value: Iterable[str]) -> list[str]:
    """Each once, whatever its capitals; the first way to write it stays."""
    cleaned = [fields.text(item, "A member", longest=320, field=keyword) for item in value]
    once: dict[str, str] = {}
    for member in cleaned:
        if member:
            once.setdefault(member.casefold(), member)
    return list(once.values())


def _permissions(row: Any, keyword: str, value: Iterable[str]) -> list[str]:
    return clean_permissions(list(value))


_ROLE = {
    "name": _name,
    "description": rows.prose,
    "members": _members,
    "permissions": _permissions,
    "parent": rows.plain,
    "most_networks": rows.limit("The VM networks"),
    "member_most_networks": rows.limit("The VM networks of a member"),
}


@transaction.atomic
def add(
    caller: Caller,
    *,
    name: str,
    profile: str = RoleProfile.TENANT_ADMIN,
    id: UUID | None = None,
    **details: Unpack[Details],
) -> UserRole:
    """Make a role, under the caller's id if there is one.

    The same id, name and profile again return the role that is there, and change nothing.
    """
    require_administrator(caller)
    fields.choice(profile, RoleProfile, "user role profile", field="profile")
    cleaned = fields.name(name, "user role", longest=320)
    known = UserRole.objects.filter(pk=id).first() if id is not None else None
    if known is not None:
        if (known.name, known.profile) == (cleaned, profile):
            return known
        raise Conflict(f"There is already a user role with the id {id}.")
    role = UserRole(pk=id or uuid4(), profile=profile)
    parent = details.get("parent")
    if parent is not None:
        # What it loses meanwhile is lost to this one too.
        details["parent"] = rows.held(parent, no_key=True)
    return _write(role, {**details, "name": name})


@transaction.atomic
def change(
    caller: Caller,
    row: UserRole,
    *,
    add_members: Collection[str] = (),
    remove_members: Collection[str] = (),
    add_scopes: Sequence[ScopeLimits] = (),
    remove_scopes: Collection[UUID] = (),
    add_resources: Sequence[Grant] = (),
    remove_resources: Collection[Grant] = (),
    cloud_permissions: Mapping[UUID, Iterable[str]] = _NO_CLOUDS,
    **changes: Unpack[Changes],
) -> UserRole:
    """Change a role: what is given by its own name replaces, the rest adds and removes.

    A scope that is there already gets the new limits, also when they are below what is used.
    `cloud_permissions` replace what the role may in these clouds beside what it may everywhere.
    """
    require_administrator(caller)
    # Who orders holds a scope first, and names the role then.
    role = rows.held(row, no_key=True)
    values: dict[str, Any] = dict(changes)
    if add_members or remove_members:
        leaving = {member.casefold() for member in remove_members}
        members = [*values.get("members", role.members), *add_members]
        values["members"] = [member for member in members if member.casefold() not in leaving]
    _remove_scopes(role, remove_scopes)
    for grant in remove_resources:
        role.resources.filter(**asdict(grant)).delete()
    return _write(role, values, add_scopes, add_resources, cloud_permissions)


@transaction.atomic
def grant(caller: Caller, resource: Grant, roles: Collection[UserRole]) -> None:
    """Have exactly these roles use a resource that is given to roles one by one."""
    require_administrator(caller)
    wanted = {role.pk: role for role in roles}
    holders = UserRole.objects.filter(
        resources__kind=resource.kind, resources__resource_id=resource.resource_id
    )
    held = {role.pk: role for role in holders}
    # Parents first: a child has nothing that its parent has not.
    for role in sorted(wanted.values(), key=lambda role: (role.parent_id is not None, role.pk)):
        if role.pk not in held:
            change(caller, role, add_resources=[resource])
    for pk, role in sorted(held.items()):
        if pk not in wanted:
            change(caller, role, remove_resources=[resource])


@transaction.atomic
def remove(caller: Caller, row: UserRole) -> None:
    """Remove a role that owns nothing and has no children."""
    require_administrator(caller)
    # Scopes come before their role, as for who orders.
    list(row.scopes.select_for_update().order_by("pk"))
    role = rows.held(row)
    count = role.machines.count()
    if count:
        raise Conflict(
            f"The user role {role.name} still owns {count} virtual machines.",
            advice="Remove its machines first.",
        )
    rows.remove(
        role,
        "user role",
        ("VM networks", role.own_networks.order_by("name")),
        ("user roles", role.children.order_by("name")),
    )


def _write(
    role: UserRole,
    values: dict[str, Any],
    add_scopes: Sequence[ScopeLimits] = (),
    add_resources: Sequence[Grant] = (),
    cloud_permissions: Mapping[UUID, Iterable[str]] = _NO_CLOUDS,
) -> UserRole:
    groups = _taken(values, "host_groups")
    scopes = _taken(values, "scopes")
    resources = _taken(values, "resources")
    rows.assign(role, values, _ROLE)
    _require_profile(role, groups, scopes, add_scopes)
    rows.save(role)
    if groups is not None:
        role.host_groups.set(groups)
    if scopes is not None:
        kept = {scope.cloud_id for scope in scopes}
        role.scopes.exclude(cloud__in=kept).delete()
    _add_scopes(role, [*(scopes or ()), *add_scopes])
    _permit(role, cloud_permissions)
    if resources is not None:
        resources = _kept(role, resources)
    _add_resources(role, [*(resources or ()), *add_resources])
    require_within_parent(role)
    take_from_children(role)
    return role


def _kept(role: UserRole, resources: Sequence[Grant]) -> list[Grant]:
    """Take from the role what is not among these, and return those it has not yet.

    What it has may be gone by now: a machine that was granted, and is asked after no more.
    """
    held = {Grant(kind, pk) for kind, pk in role.resources.values_list("kind", "resource_id")}
    for gone in held - set(resources):
        role.resources.filter(**asdict(gone)).delete()
    return [grant for grant in resources if grant not in held]


def _taken(values: dict[str, Any], keyword: str) -> list[Any] | None:
    found = values.pop(keyword, UNCHANGED)
    return None if found is UNCHANGED else list(found)


def _require_profile(
    role: UserRole,
    groups: list[HostGroup] | None,
    scopes: list[ScopeLimits] | None,
    add_scopes: Sequence[ScopeLimits],
) -> None:
    """Raise Invalid when the role is given what its profile has not."""
    kind = RoleProfile(role.profile).label.lower()
    if groups and (not role.is_fabric or role.profile == RoleProfile.ADMINISTRATOR):
        raise Invalid(
            f"The role {role.name} is one of the profile {kind}: it has no host groups in scope.",
            field="host_groups",
        )
    if role.is_fabric and (scopes or add_scopes):
        raise Invalid(
            f"The role {role.name} is one of the profile {kind}: it has host groups in scope, "
            "not clouds.",
            field="scopes",
        )
    parent = role.parent
    if parent is None:
        return
    if role.profile not in _INSIDE or parent.profile != RoleProfile.TENANT_ADMIN:
        raise Invalid(
            f"The role {role.name} ({kind}) cannot be inside {parent.name} "
            f"({RoleProfile(parent.profile).label.lower()}): only an application or tenant "
            "administrator's role has a parent, and that is a tenant administrator's.",
            field="parent",
        )
    if parent.parent_id is not None or role.children.exists():
        raise Invalid(
            f"The role {role.name} cannot be inside {parent.name}: a role that is inside another "
            "has none inside itself.",
            field="parent",
        )


def _permit(role: UserRole, cloud_permissions: Mapping[UUID, Iterable[str]]) -> None:
    for cloud_id, names in cloud_permissions.items():
        cleaned = clean_permissions(list(names))
        if not role.scopes.filter(cloud=cloud_id).update(permissions=cleaned):
            raise Invalid(
                f"There is no cloud {cloud_id} in the scope of the role {role.name}.",
                field="cloud_permissions",
            )


def _add_scopes(role: UserRole, scopes: Sequence[ScopeLimits]) -> None:
    known = set(
        Cloud.objects.filter(pk__in=[scope.cloud_id for scope in scopes]).values_list(
            "pk", flat=True
        )
    )
    for scope in scopes:
        if scope.cloud_id not in known:
            raise Invalid(f"There is no cloud {scope.cloud_id}.", field="scopes")
        values: dict[str, Any] = asdict(scope)
        cloud_id = values.pop("cloud_id")
        limits = {name: fields.limit(value, f"The limit {name}") for name, value in values.items()}
        RoleScope.objects.update_or_create(role=role, cloud_id=cloud_id, defaults=limits)


def _remove_scopes(role: UserRole, clouds: Collection[UUID]) -> None:
    if clouds:
        role.scopes.filter(cloud_id__in=list(clouds)).delete()


def _add_resources(role: UserRole, grants: Sequence[Grant]) -> None:
    for kind in {grant.kind for grant in grants}:
        if kind not in KINDS:
            raise Invalid(f"{kind!r} is no kind of resource.", field="resources")
        wanted = {grant.resource_id for grant in grants if grant.kind == kind}
        known = things(kind).filter(pk__in=wanted).values_list("pk", flat=True)
        if kind == ResourceKind.MACHINE and role.parent_id is None:
            raise Invalid(
                f"The role {role.name} is inside no other: machines are granted to those that are.",
                field="resources",
            )
        for missing in wanted - set(known):
            label = ResourceKind(kind).label
            raise Invalid(f"There is no {label} {missing}.", field="resources")
    RoleResource.objects.bulk_create(
        [RoleResource(role=role, **asdict(grant)) for grant in grants], ignore_conflicts=True
    )
