"""What differs between VMM's rows and the hosts, until somebody decides."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.db import models

from fabric.vmm.models.host import Host
from fabric.vmm.models.machine import VirtualMachine
from fabric.vmm.models.server import Server
from fabric.vmm.models.visible import ScopedQuerySet


class DriftKind(models.TextChoices):
    UNKNOWN_MACHINE = "unknown_machine", "Unknown machine"
    MISSING_MACHINE = "missing_machine", "Missing machine"
    MOVED = "moved", "Moved"
    RESIZED = "resized", "Resized"
    RENAMED = "renamed", "Renamed"
    ORPHAN_DISK = "orphan_disk", "Orphan disk"
    MISSING_DISK = "missing_disk", "Missing disk"


class DriftState(models.TextChoices):
    OPEN = "open", "Open"
    IGNORED = "ignored", "Ignored"
    SETTLED = "settled", "Settled"


class DriftQuerySet(ScopedQuerySet):
    def of_fabric(self, role: Any) -> Self:
        """Return the findings on the hosts of a fabric role's scope."""
        return self.filter(host__group__in=role.group_ids())


class Drift(models.Model):
    """One difference. `object_id` is the guest or disk; `ours` and `theirs` are what each side
    says of it, as plain values by name.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="drifts")
    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="drifts")
    machine = models.ForeignKey(
        VirtualMachine, null=True, blank=True, on_delete=models.CASCADE, related_name="drifts"
    )
    kind = models.CharField(max_length=16, choices=DriftKind.choices)
    object_id = models.UUIDField()
    object_name = models.CharField(max_length=255, blank=True, default="")
    ours = models.JSONField(default=dict)
    theirs = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=DriftState.choices, default=DriftState.OPEN)
    settled_by = models.CharField(max_length=320, blank=True, default="")
    settled_how = models.CharField(max_length=10, blank=True, default="")
    message = models.TextField(blank=True, default="")
    found_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    objects = DriftQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "object_id", "host"],
                condition=models.Q(state__in=["open", "ignored"]),
                name="vmm_drift_once",
            ),
        ]
        indexes = [models.Index(fields=["server", "state", "-found_at"], name="vmm_drift_list")]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_name}"
