"""Invitations: a mailed link by which somebody joins a tenant, once."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from tenants.models.tenant import Role, Tenant, TenantRole
from tenants.models.user import User


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def unanswered(self) -> InvitationQuerySet:
        """Return those neither accepted nor revoked, the expired ones among them."""
        return self.filter(accepted_at=None, revoked_at=None)


class Invitation(models.Model):
    """Only a digest of the link's token is kept. `rights`, `all_machines` and `machines` (ids)
    are what the membership will say.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=15, choices=Role.choices, default=Role.READER)
    custom_role = models.ForeignKey(
        TenantRole, null=True, blank=True, on_delete=models.PROTECT, related_name="invitations"
    )
    rights = models.JSONField(null=True, blank=True, default=None)
    all_machines = models.BooleanField(default=True)
    machines = models.JSONField(default=list, blank=True)
    token_digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="invitation_email_is_lower_case"
            ),
            models.UniqueConstraint(
                fields=["tenant", "email"],
                condition=models.Q(accepted_at=None, revoked_at=None),
                name="invitation_open_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} to {self.tenant}"

    @property
    def is_open(self) -> bool:
        """Tell whether its link still works."""
        answered = self.accepted_at or self.revoked_at
        return not answered and self.expires_at > timezone.now()

    @property
    def role_title(self) -> str:
        """Return the role as people read it. Reads the composed role when there is one."""
        return self.custom_role.name if self.custom_role else str(Role(self.role).label)
