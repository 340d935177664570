"""Load curves of machines: one bounded row a machine and time frame."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models

from fabric.vmm.models.machine import VirtualMachine, in_sight_of
from fabric.vmm.models.visible import ScopedQuerySet


class Frame(models.TextChoices):
    HOUR = "hour", "Hour"
    DAY = "day", "Day"
    MONTH = "month", "Month"


class PerformanceQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the curves of the machines the role sees."""
        return self.filter(in_sight_of(role, "machine__"))


class Performance(models.Model):
    """Four curves over the same moments, oldest first. `weight` samples make up the last point."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    machine = models.ForeignKey(
        VirtualMachine, on_delete=models.CASCADE, related_name="performance"
    )
    frame = models.CharField(max_length=5, choices=Frame.choices)
    times = ArrayField(models.DateTimeField())
    cpu_percent = ArrayField(models.IntegerField())
    memory_mb = ArrayField(models.IntegerField())
    storage_iops = ArrayField(models.IntegerField())
    network_kbps = ArrayField(models.IntegerField())
    weight = models.PositiveIntegerField(default=1)

    objects = PerformanceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["machine", "frame"], name="vmm_performance_once"),
        ]

    def __str__(self) -> str:
        return f"{self.frame} of {self.machine_id}"
