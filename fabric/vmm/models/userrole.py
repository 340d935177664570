"""User roles: who may do what, in which clouds, up to which limits, with which resources.

A role has no server: its id alone names it, and it may span several (so it is in SPF).
"""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models.functions import Coalesce

from fabric.vmm.models.cloud import Cloud
from fabric.vmm.models.host import HostGroup
from fabric.vmm.models.visible import ScopedQuerySet


class RoleProfile(models.TextChoices):
    ADMINISTRATOR = "Administrator", "Administrator"
    DELEGATED = "DelegatedAdmin", "Fabric administrator"
    READ_ONLY = "ReadOnlyAdmin", "Read-only administrator"
    TENANT_ADMIN = "TenantAdmin", "Tenant administrator"
    SELF_SERVICE = "SelfServiceUser", "Application administrator"


FABRIC_PROFILES = (RoleProfile.ADMINISTRATOR, RoleProfile.DELEGATED, RoleProfile.READ_ONLY)


class ResourceKind(models.TextChoices):
    TEMPLATE = "VMTemplate", "VM template"
    PROFILE = "HardwareProfile", "Hardware profile"
    NETWORK = "VMNetwork", "VM network"
    GUEST_PROFILE = "GuestOSProfile", "guest operating system profile"
    DISK = "VirtualHardDisk", "virtual hard disk"
    ACCOUNT = "RunAsAccount", "run-as account"
    MACHINE = "VirtualMachine", "virtual machine"
    ISO = "ISO", "ISO image"


class UserRoleQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the role itself, and those inside it."""
        return self.family(role.pk)

    def family(self, top: Any) -> Self:
        """Return the role of this id, and those inside it."""
        return self.filter(models.Q(pk=top) | models.Q(parent=top))

    def with_sight(self) -> Self:
        """Return the rows, each with the ids of its tenant's roles, for `sight_of`."""
        top = Coalesce(models.OuterRef("parent"), models.OuterRef("pk"))
        family = UserRole.objects.family(top).order_by("pk").values("pk")
        return self.annotate(family=ArraySubquery(family))


def sight_of(role: Any) -> Any:
    """Return the ids of the roles whose things a tenant's role sees: of its tenant all, or itself.

    A query, unless they were read with the role: tables are then found by their index at once.
    """
    if role.sees_chosen:
        return [role.pk]
    known = getattr(role, "family", None)
    if known is not None:
        return known
    return UserRole.objects.family(role.tenant_id).order_by().values("pk")


class UserRole(models.Model):
    """A role; the id is the caller's (the tenant's). `permissions` are names, as on the wire.

    One with a `parent` is inside a tenant's role, for some of its people: see `sees_chosen`. Roles
    of the fabric profiles have host groups in scope (with all below) instead of clouds; without
    any, a fabric role has the whole fabric in scope.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=320, unique=True)
    profile = models.CharField(max_length=20, choices=RoleProfile.choices)
    description = models.TextField(blank=True, default="")
    members = models.JSONField(default=list)
    permissions = models.JSONField(default=list)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="children"
    )
    host_groups = models.ManyToManyField(HostGroup, blank=True, related_name="roles")
    most_networks = models.PositiveIntegerField(null=True, blank=True)
    member_most_networks = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    modified_at = models.DateTimeField(auto_now=True)

    objects = UserRoleQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def is_fabric(self) -> bool:
        """Tell whether the role runs (or reads) the fabric, rather than uses it."""
        return self.profile in FABRIC_PROFILES

    @property
    def tenant_id(self) -> uuid.UUID:
        """Return the id of the tenant's own role, which this is or is inside of."""
        return self.parent_id or self.pk

    @property
    def sees_chosen(self) -> bool:
        """Tell whether it sees its own machines and those granted to it, not all of its tenant."""
        return self.parent_id is not None and self.profile == RoleProfile.SELF_SERVICE

    def group_ids(self) -> set[uuid.UUID]:
        """Return the host groups in scope, those below them included. Two queries."""
        parents = dict(HostGroup.objects.values_list("pk", "parent"))
        tops = set(self.host_groups.values_list("pk", flat=True))
        if not tops:
            return set(parents)
        found = set()
        for group in parents:
            above = group
            while above is not None:
                if above in tops:
                    found.add(group)
                    break
                above = parents[above]
        return found


class RoleScopeQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the role's own scopes."""
        return self.filter(role=role)


class RoleScope(models.Model):
    """A cloud in a role's scope, with the limits of the role there and of each of its members.

    `permissions` are what the role may there beside what it may everywhere.
    Its row is the lock under which the role's usage of the cloud is counted.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    role = models.ForeignKey(UserRole, on_delete=models.CASCADE, related_name="scopes")
    cloud = models.ForeignKey(Cloud, on_delete=models.PROTECT, related_name="scopes")
    permissions = models.JSONField(default=list)
    vm_count = models.PositiveIntegerField(null=True, blank=True)
    cpu_count = models.PositiveIntegerField(null=True, blank=True)
    memory_mb = models.PositiveIntegerField(null=True, blank=True)
    storage_gb = models.PositiveIntegerField(null=True, blank=True)
    points = models.PositiveIntegerField(null=True, blank=True)
    member_vm_count = models.PositiveIntegerField(null=True, blank=True)
    member_cpu_count = models.PositiveIntegerField(null=True, blank=True)
    member_memory_mb = models.PositiveIntegerField(null=True, blank=True)
    member_storage_gb = models.PositiveIntegerField(null=True, blank=True)
    member_points = models.PositiveIntegerField(null=True, blank=True)

    objects = RoleScopeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["role", "cloud"], name="vmm_rolescope_once"),
        ]

    def __str__(self) -> str:
        return f"{self.role_id} in {self.cloud_id}"


class RoleResource(models.Model):
    """A template, profile, network, disk, image or account that a role may use, or a machine of its
    tenant that a role inside the tenant's may see. A machine's stays when the machine is gone:
    whoever removed it may still ask for the job.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    role = models.ForeignKey(UserRole, on_delete=models.CASCADE, related_name="resources")
    kind = models.CharField(max_length=20, choices=ResourceKind.choices)
    resource_id = models.UUIDField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["role", "kind", "resource_id"], name="vmm_roleresource_once"
            ),
        ]
        # Who has a thing is told with every row of it.
        indexes = [models.Index(fields=["resource_id", "kind"], name="vmm_roleresource_holders")]

    def __str__(self) -> str:
        return f"{self.kind} {self.resource_id}"
