"""A member's part of a subscription's quota."""

from __future__ import annotations

from django.db import models

from plans.models.subscription import Subscription
from plans.rules import RESOURCES
from tenants.models import Membership


class MemberLimit(models.Model):
    """What one person may use of a subscription at most. None is no limit but the plan's."""

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="limits")
    subscription = models.ForeignKey(
        Subscription, on_delete=models.CASCADE, related_name="member_limits"
    )
    machines = models.PositiveIntegerField(null=True, blank=True)
    cores = models.PositiveIntegerField(null=True, blank=True)
    memory_mb = models.PositiveIntegerField(null=True, blank=True)
    storage_gb = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["membership", "subscription"], name="member_limit_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.membership}: {self.subscription}"

    @property
    def limits(self) -> dict[str, int | None]:
        """Return the limits by the ledger's resource names."""
        return {resource.name: getattr(self, resource.name) for resource in RESOURCES}
