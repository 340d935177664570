"""May they? What each role may do in its tenant.

The machine rights are the permission verbs of the field; the last ones are the portal's own. What a
plan grants narrows them further: `fabric.access.rights_on`.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants.errors import NotPermitted
from tenants.models import Membership, Role, Tenant, TenantRole, User


class Right(models.TextChoices):
    CREATE = "Create", gettext_lazy("Create machines")
    AUTHOR = "Author", gettext_lazy("Configure machines: size, disks, adapters, tags")
    START = "Start", gettext_lazy("Start")
    STOP = "Stop", gettext_lazy("Stop (power off)")
    SHUTDOWN = "Shutdown", gettext_lazy("Shut down")
    PAUSE_AND_RESUME = "PauseAndResume", gettext_lazy("Pause and resume")
    SAVE = "Save", gettext_lazy("Save the state")
    CHECKPOINT = "Checkpoint", gettext_lazy("Create and delete checkpoints")
    CHECKPOINT_RESTORE_ONLY = "CheckpointRestoreOnly", gettext_lazy("Restore checkpoints")
    STORE = "Store", gettext_lazy("Store in the library")
    REMOVE = "Remove", gettext_lazy("Delete machines")
    REMOTE_CONNECT = "RemoteConnect", gettext_lazy("Connect to machines")
    NETWORKS = "AuthorVMNetwork", gettext_lazy("Create and change networks")
    SCHEDULES = "Schedules", gettext_lazy("Plan schedules and groups")
    SUBSCRIPTIONS = "Subscriptions", gettext_lazy("Subscribe, add add-ons, rename and leave")
    TEAM = "Team", gettext_lazy("Invite people and give roles")


ALL = frozenset(Right.values)
MACHINE_RIGHTS = frozenset(Right.values[:12])
_OF_ROLE = {
    Role.ADMIN: ALL,
    Role.APPLICATION: MACHINE_RIGHTS | {Right.SCHEDULES.value},
    Role.READER: frozenset[str](),
}


def of_role(role: str, custom: TenantRole | None = None) -> frozenset[str]:
    """Return the rights of a role; those of a composed one are its own."""
    if role == Role.CUSTOM:
        return ALL & frozenset(custom.rights if custom else ())
    return _OF_ROLE[Role(role)]


def of_member(membership: Membership) -> frozenset[str]:
    """Return the rights of a member, their own narrowing applied. Reads the composed role."""
    rights = of_role(membership.role, membership.custom_role)
    return rights if membership.rights is None else rights & frozenset(membership.rights)


def through_key(user: User, tenant_id: object, rights: frozenset[str]) -> frozenset[str]:
    """Narrow a person's rights in a tenant by the API key they came with, if any."""
    if user.key is None:
        return rights
    if user.key.tenant_id != tenant_id:
        return frozenset()
    return rights & frozenset(user.key.scopes)


def rights_of(user: User, tenant: Tenant) -> frozenset[str]:
    """Return what a person may do in a tenant: nothing for a stranger. One query."""
    found = memberships_of([user], [tenant]).first()
    return through_key(user, tenant.pk, of_member(found)) if found else frozenset()


def memberships_of(users: Iterable[User], tenants: Iterable[Tenant]) -> models.QuerySet[Membership]:
    """Return these people's places in these tenants, ready to be asked for rights."""
    return Membership.objects.filter(
        user__in=users, tenant__in=tenants, user__is_active=True
    ).select_related("custom_role")


def require(by: User, tenant: Tenant, right: str) -> None:
    """Raise NotPermitted unless a person holds a right in a tenant."""
    if right not in rights_of(by, tenant):
        raise NotPermitted(
            _("Your role in %(tenant)s does not allow this: %(right)s.")
            % {"tenant": tenant.name, "right": Right(right).label}
        )
