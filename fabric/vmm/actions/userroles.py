"""User roles: made, changed and removed by administrators of VMM."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db import models, transaction

from fabric.vmm.actions import fields
from fabric.vmm.errors import Conflict, Invalid, NotFound
from fabric.vmm.models import (
    Cloud,
    HardwareProfile,
    ResourceKind,
    RoleProfile,
    RoleResource,
    RoleScope,
    UserRole,
    VMNetwork,
    VMTemplate,
)
from fabric.vmm.roles import (
    Caller,
    Grant,
    ScopeLimits,
    clean_permissions,
    require_administrator,
)

_KINDS: dict[str, type[models.Model]] = {
    ResourceKind.TEMPLATE: VMTemplate,
    ResourceKind.PROFILE: HardwareProfile,
    ResourceKind.NETWORK: VMNetwork,
}


@transaction.atomic
def create(
    caller: Caller,
    id: UUID,
    name: str,
    profile: str = RoleProfile.TENANT_ADMIN,
    description: str = "",
) -> UserRole:
    """Make a role under the caller's id; the same again returns the one that is there."""
    require_administrator(caller)
    cleaned = fields.name(name, "user role", longest=320)
    if profile not in RoleProfile.values:
        raise Invalid(f"{profile!r} is no user role profile.")
    known = UserRole.objects.filter(pk=id).first()
    if known is not None:
        if (known.name, known.profile) == (cleaned, profile):
            return known
        raise Conflict(f"There is already a user role with the id {id}.")
    fields.require_free(UserRole.objects.filter(name=cleaned), "user role", cleaned)
    return UserRole.objects.create(
        pk=id, name=cleaned, profile=profile, description=description or ""
    )


@transaction.atomic
def update(
    caller: Caller,
    role: UserRole,
    *,
    name: str | None = None,
    description: str | None = None,
    add_members: Collection[str] = (),
    remove_members: Collection[str] = (),
    permissions: Sequence[str] | None = None,
    add_scopes: Sequence[ScopeLimits] = (),
    remove_scopes: Collection[UUID] = (),
    add_resources: Sequence[Grant] = (),
    remove_resources: Collection[Grant] = (),
) -> UserRole:
    """Change a role; everything is optional. Permissions replace, the rest adds and removes.

    A scope that is there already gets the new limits, also when they are below what is used.
    """
    require_administrator(caller)
    held = _held(role)
    if name is not None and name != held.name:
        held.name = fields.name(name, "user role", longest=320)
        fields.require_free(UserRole.objects.filter(name=held.name), "user role", held.name)
    if description is not None:
        held.description = description
    if permissions is not None:
        held.permissions = clean_permissions(list(permissions))
    leaving = {member.casefold() for member in remove_members}
    members = {member.casefold(): member for member in [*held.members, *add_members]}
    held.members = [kept for folded, kept in members.items() if folded not in leaving]
    held.save()
    _remove_scopes(held, remove_scopes)
    _add_scopes(held, add_scopes)
    for grant in remove_resources:
        held.resources.filter(**asdict(grant)).delete()
    _add_resources(held, add_resources)
    return held


@transaction.atomic
def remove(caller: Caller, role: UserRole) -> None:
    """Delete a role; refused while it owns machines."""
    require_administrator(caller)
    held = _held(role)
    count = held.machines.count()
    if count:
        raise Conflict(
            f"The user role {held.name} still owns {count} virtual machines.",
            advice="Remove its machines first.",
        )
    held.delete()


def _held(role: UserRole) -> UserRole:
    held = UserRole.objects.select_for_update().filter(pk=role.pk).first()
    if held is None:
        raise NotFound(f"There is no user role {role.pk}.")
    return held


def _add_scopes(role: UserRole, scopes: Sequence[ScopeLimits]) -> None:
    known = set(
        Cloud.objects.filter(pk__in=[scope.cloud_id for scope in scopes]).values_list(
            "pk", flat=True
        )
    )
    for scope in scopes:
        if scope.cloud_id not in known:
            raise Invalid(f"There is no cloud {scope.cloud_id}.")
        values: dict[str, Any] = asdict(scope)
        cloud_id = values.pop("cloud_id")
        limits = {name: fields.limit(value, f"The limit {name}") for name, value in values.items()}
        RoleScope.objects.update_or_create(role=role, cloud_id=cloud_id, defaults=limits)


def _remove_scopes(role: UserRole, clouds: Collection[UUID]) -> None:
    if clouds:
        role.scopes.filter(cloud_id__in=list(clouds)).delete()


def _add_resources(role: UserRole, grants: Sequence[Grant]) -> None:
    for kind in {grant.kind for grant in grants}:
        if kind not in _KINDS:
            raise Invalid(f"{kind!r} is no kind of resource.")
        wanted = {grant.resource_id for grant in grants if grant.kind == kind}
        known = _KINDS[kind]._default_manager.filter(pk__in=wanted).values_list("pk", flat=True)
        for missing in wanted - set(known):
            raise Invalid(f"There is no {ResourceKind(kind).label} {missing}.")
    RoleResource.objects.bulk_create(
        [RoleResource(role=role, **asdict(grant)) for grant in grants], ignore_conflicts=True
    )
