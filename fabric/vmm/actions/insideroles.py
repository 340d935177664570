"""Roles inside of others: a child has nothing its parent has not, and loses what that loses."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import models

from fabric.vmm.actions import fields
from fabric.vmm.errors import Invalid
from fabric.vmm.models import (
    FileKind,
    GuestProfile,
    HardwareProfile,
    LibraryFile,
    ResourceKind,
    RunAsAccount,
    UserRole,
    VirtualHardDisk,
    VirtualMachine,
    VMNetwork,
    VMTemplate,
)

KINDS: dict[str, type[models.Model]] = {
    ResourceKind.TEMPLATE: VMTemplate,
    ResourceKind.PROFILE: HardwareProfile,
    ResourceKind.NETWORK: VMNetwork,
    ResourceKind.GUEST_PROFILE: GuestProfile,
    ResourceKind.DISK: VirtualHardDisk,
    ResourceKind.ACCOUNT: RunAsAccount,
    ResourceKind.MACHINE: VirtualMachine,
    ResourceKind.ISO: LibraryFile,
}


def require_within_parent(role: UserRole) -> None:
    """Raise Invalid, naming both roles, when the role has what its parent has not."""
    parent = role.parent
    if parent is None:
        return
    for field, extra in (
        ("permissions", _permissions_beyond(role, parent)),
        ("scopes", _clouds_beyond(role, parent)),
        ("resources", _resources_beyond(role, parent)),
    ):
        if extra:
            raise Invalid(
                f"The role {role.name} would have {fields.named(extra)}, which its parent "
                f"{parent.name} has not.",
                field=field,
            )


def take_from_children(role: UserRole) -> None:
    """Take from the children what the role has no longer."""
    for child in role.children.select_for_update(of=("self",), no_key=True).order_by("pk"):
        child.permissions = sorted(set(child.permissions) & set(role.permissions))
        child.save(update_fields=["permissions", "modified_at"])
        child.scopes.exclude(cloud__in=role.scopes.values("cloud")).delete()
        may = _may_in_clouds(role)
        for scope in child.scopes.all():
            kept = sorted(set(scope.permissions) & may[scope.cloud_id])
            child.scopes.filter(pk=scope.pk).update(permissions=kept)
        for kind in KINDS:
            held = child.resources.filter(kind=kind)
            held.exclude(resource_id__in=_may_use(role, kind)).delete()


def _may_in_clouds(role: UserRole) -> dict[UUID, set[str]]:
    rows = role.scopes.values_list("cloud", "permissions")
    return {cloud: {*role.permissions, *permissions} for cloud, permissions in rows}


def _permissions_beyond(role: UserRole, parent: UserRole) -> list[str]:
    beyond = set(role.permissions) - set(parent.permissions)
    may = _may_in_clouds(parent)
    for cloud, permissions in role.scopes.values_list("cloud", "permissions"):
        beyond |= set(permissions) - may.get(cloud, set())
    return sorted(beyond)


def _clouds_beyond(role: UserRole, parent: UserRole) -> list[str]:
    beyond = role.scopes.exclude(cloud__in=parent.scopes.values("cloud"))
    return list(beyond.order_by("cloud__name").values_list("cloud__name", flat=True))


def _resources_beyond(role: UserRole, parent: UserRole) -> list[str]:
    beyond: list[str] = []
    for kind in KINDS:
        ids = role.resources.filter(kind=kind).exclude(resource_id__in=_may_use(parent, kind))
        found = things(kind).filter(pk__in=ids.values("resource_id"))
        beyond += [str(thing) for thing in found.order_by("name")]
    return beyond


def things(kind: str) -> models.QuerySet[Any]:
    """All that is granted under a kind; of files, images alone: others hold secrets."""
    rows = KINDS[kind]._default_manager.all()
    return rows.filter(kind=FileKind.ISO) if kind == ResourceKind.ISO else rows


def _may_use(role: UserRole, kind: str) -> Any:
    """The ids of what of a kind a role was given, or owns; those of machines as a query."""
    if kind == ResourceKind.MACHINE:
        return VirtualMachine.objects.of_role(role).order_by().values("pk")
    given = set(role.resources.filter(kind=kind).values_list("resource_id", flat=True))
    if kind != ResourceKind.NETWORK:
        return given
    return given | set(role.own_networks.values_list("pk", flat=True))
