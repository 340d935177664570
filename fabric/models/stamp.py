"""A VMM server behind an SPF, as registered."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.utils import timezone

from fabric.models.provider import Provider

STALE_AFTER = timedelta(seconds=90)


class Stamp(models.Model):
    """Its id is SPF's. The friendly name is the one shown everywhere.

    `away_since` is when it stopped answering, `failures` the passes that failed since then; nobody
    asks it before `next_probe_at`. `synced_until` is a time by the far side's clock: what changed
    there before it is in our rows. `others` is by how many its machines outnumber our rows, as the
    last full pass saw it. Until `full_until` every pass is a full one.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="stamps")
    name = models.CharField(max_length=200)
    friendly_name = models.CharField(max_length=80)
    problem = models.TextField(blank=True, default="")
    synced_at = models.DateTimeField(null=True, blank=True)
    full_sync_at = models.DateTimeField(null=True, blank=True)
    synced_until = models.DateTimeField(null=True, blank=True)
    full_until = models.DateTimeField(null=True, blank=True)
    others = models.IntegerField(null=True, blank=True)
    away_since = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveSmallIntegerField(default=0)
    next_probe_at = models.DateTimeField(null=True, blank=True)
    next_sync_at = models.DateTimeField(default=timezone.now)
    next_watch_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["friendly_name"]

    def __str__(self) -> str:
        return self.friendly_name

    @property
    def is_stale(self) -> bool:
        """Tell whether what we know of it is older than it should be."""
        return self.synced_at is None or timezone.now() - self.synced_at > STALE_AFTER
