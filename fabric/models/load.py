"""Load curves of machines, as the stamp's counters tell them: bounded, replaced, never grown."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fabric.models.machine import Machine


class Load(models.Model):
    """One curve: `samples` is a list of numbers, `times` the ISO 8601 UTC times beside them."""

    class Frame(models.TextChoices):
        HOUR = "hour", pgettext_lazy("time frame", "Hour")
        DAY = "day", pgettext_lazy("time frame", "Day")
        MONTH = "month", pgettext_lazy("time frame", "Month")

    class Counter(models.TextChoices):
        CPU = "cpu", "CPU"
        MEMORY = "memory", _("Memory")
        STORAGE = "storage", _("Storage")
        NETWORK = "network", _("Network")

    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="loads")
    frame = models.CharField(max_length=6, choices=Frame.choices)
    counter = models.CharField(max_length=8, choices=Counter.choices)
    samples = models.JSONField(default=list)
    times = models.JSONField(default=list)
    synced_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["machine", "frame", "counter"], name="load_curve_once")
        ]

    def __str__(self) -> str:
        return f"{self.counter} {self.frame}"
