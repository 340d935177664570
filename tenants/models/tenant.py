"""Tenants, who belongs to them, and the roles they compose."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy

from tenants.models.user import User


class Role(models.TextChoices):
    """What a member may do; `tenants.rights` says which rights each comes with."""

    ADMIN = "admin", gettext_lazy("Tenant Admin")
    APPLICATION = "application", gettext_lazy("Application Administrator")
    READER = "reader", gettext_lazy("Reader")
    CUSTOM = "custom", gettext_lazy("Composed role")


class TenantQuerySet(models.QuerySet["Tenant"]):
    def visible_to(self, user: User) -> TenantQuerySet:
        """Return the tenants a person belongs to."""
        return self.filter(memberships__user=user)


class Tenant(models.Model):
    """A customer: one person or a team. Subscriptions and machines belong to it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    requires_second_factor = models.BooleanField(default=False)
    members = models.ManyToManyField(User, through="Membership", related_name="tenants")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class TenantRole(models.Model):
    """A role that a tenant composed of rights (`tenants.rights.Right`)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="roles")
    name = models.CharField(max_length=60)
    description = models.CharField(max_length=200, blank=True, default="")
    rights = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint("tenant", Lower("name"), name="tenant_role_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person in a tenant.

    `rights` narrows the role for this member; null is as the role. Without `all_machines` the
    member has the machines granted to them, and those they made.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=15, choices=Role.choices, default=Role.READER)
    custom_role = models.ForeignKey(
        TenantRole, null=True, blank=True, on_delete=models.PROTECT, related_name="memberships"
    )
    rights = models.JSONField(null=True, blank=True, default=None)
    all_machines = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user"], name="membership_once"),
            models.CheckConstraint(
                condition=models.Q(role="custom", custom_role__isnull=False)
                | (~models.Q(role="custom") & models.Q(custom_role__isnull=True)),
                name="membership_composed_role",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.tenant}"

    @property
    def role_title(self) -> str:
        """Return the role as people read it. Reads the composed role when there is one."""
        return self.custom_role.name if self.custom_role else str(Role(self.role).label)
