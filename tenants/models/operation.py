"""The operations log: every act is Started once, and Succeeded or Failed once, under one id."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.tenant import Tenant
from tenants.models.user import User


class Phase(models.TextChoices):
    STARTED = "started", _("Started")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")


class OperationQuerySet(models.QuerySet["Operation"]):
    def visible_to(self, user: User) -> OperationQuerySet:
        """Return the entries of the tenants a person belongs to."""
        if user.tenant_ids is not None:
            return self.filter(tenant__in=user.tenant_ids)
        return self.filter(tenant__memberships__user=user)

    def come_to(self, phase: str) -> OperationQuerySet:
        """Return the entries of acts that ended so; Phase.STARTED: that have not ended."""
        ends = Operation.objects.filter(operation_id=models.OuterRef("operation_id"))
        if phase == Phase.STARTED:
            return self.filter(~models.Exists(ends.exclude(phase=Phase.STARTED)))
        return self.filter(models.Exists(ends.filter(phase=phase)))


class Operation(models.Model):
    """An entry. Append-only; `parameters` as received, secrets never."""

    operation_id = models.UUIDField(default=uuid.uuid4)
    phase = models.CharField(max_length=10, choices=Phase.choices)
    action = models.CharField(max_length=60)
    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    actor_email = models.CharField(max_length=254, blank=True, default="")
    tenant = models.ForeignKey(Tenant, null=True, on_delete=models.SET_NULL, related_name="+")
    object_type = models.CharField(max_length=40, blank=True, default="")
    object_id = models.CharField(max_length=40, blank=True, default="", db_index=True)
    object_name = models.CharField(max_length=200, blank=True, default="")
    parameters = models.JSONField(default=dict)
    message = models.TextField(blank=True, default="")
    at = models.DateTimeField(auto_now_add=True)

    objects = OperationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["operation_id", "phase"], name="operation_phase_once"),
            models.UniqueConstraint(
                fields=["operation_id"],
                condition=~models.Q(phase="started"),
                name="operation_ends_once",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-id"], name="operation_by_tenant"),
            # Asked for every few seconds where somebody wants to hear of their team.
            models.Index(
                fields=["at"],
                condition=models.Q(action__startswith="team."),
                name="operation_of_teams",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.phase}"
