"""Capability profiles: what machines of a kind may be, at least and at most."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.db import models

from fabric.vmm.models.server import Server
from fabric.vmm.models.visible import ScopedQuerySet


class Platform(models.TextChoices):
    HYPER_V = "Hyper-V", "Hyper-V"
    KATAL = "Katal", "Katal"


class CapabilityProfileQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the profiles of the clouds in the role's scope."""
        return self.filter(clouds__scopes__role=role).distinct()


class CapabilityProfile(models.Model):
    """Limits of one machine. `most_…` null is no limit; `may_…` allows a feature."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="capability_profiles")
    name = models.CharField(max_length=64)
    description = models.TextField(blank=True, default="")
    platform = models.CharField(max_length=10, choices=Platform.choices, default=Platform.HYPER_V)
    least_cores = models.PositiveSmallIntegerField(default=1)
    most_cores = models.PositiveSmallIntegerField(null=True, blank=True)
    least_memory_mb = models.PositiveIntegerField(default=32)
    most_memory_mb = models.PositiveIntegerField(null=True, blank=True)
    most_disks = models.PositiveSmallIntegerField(null=True, blank=True)
    most_disk_gb = models.PositiveIntegerField(null=True, blank=True)
    least_adapters = models.PositiveSmallIntegerField(default=0)
    most_adapters = models.PositiveSmallIntegerField(null=True, blank=True)
    most_dvds = models.PositiveSmallIntegerField(null=True, blank=True)
    may_use_dynamic_memory = models.BooleanField(default=True)
    may_be_highly_available = models.BooleanField(default=True)
    may_have_checkpoints = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CapabilityProfileQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["server", "name"], name="vmm_capabilityprofile_name"),
        ]

    def __str__(self) -> str:
        return self.name
