"""The chosen machines of members who do not have all of their tenant's."""

from __future__ import annotations

from django.db import models

from fabric.models.machine import Machine
from tenants.models import Membership


class MachineGrant(models.Model):
    """One machine that a member may see; what they may do with it is their role's."""

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="grants")
    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="grants")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["membership", "machine"], name="machine_grant_once")
        ]

    def __str__(self) -> str:
        return f"{self.membership}: {self.machine}"
