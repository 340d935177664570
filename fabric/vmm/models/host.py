"""Hosts and their groups. How much of a host is taken is counted on its row, under its lock."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q

from fabric.vmm.models.server import Server
from fabric.vmm.models.visible import ScopedQuerySet

VIRTUAL_CORES_PER_CORE = 8


class HostGroup(models.Model):
    """Hosts that clouds are made of."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="host_groups")
    name = models.CharField(max_length=64)
    description = models.TextField(blank=True, default="")

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["server", "name"], name="vmm_hostgroup_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Host(models.Model):
    """One host. `used_…` is what the machines placed here hold, whether running or not.

    `reserved_memory_mb` is kept free for the host itself. The name is the host's address, so it is
    unique over all servers.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="hosts")
    group = models.ForeignKey(HostGroup, on_delete=models.PROTECT, related_name="hosts")
    name = models.CharField(max_length=255, unique=True)
    hypervisor = models.CharField(max_length=20, default="simulated")
    cores = models.PositiveIntegerField()
    memory_mb = models.PositiveIntegerField()
    storage_gb = models.PositiveIntegerField()
    reserved_memory_mb = models.PositiveIntegerField(default=0)
    used_cores = models.PositiveIntegerField(default=0)
    used_memory_mb = models.PositiveIntegerField(default=0)
    used_storage_gb = models.PositiveIntegerField(default=0)
    is_available = models.BooleanField(default=True)
    is_in_maintenance = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(used_memory_mb__lte=F("memory_mb") - F("reserved_memory_mb")),
                name="vmm_host_memory_not_overfilled",
            ),
            models.CheckConstraint(
                condition=Q(used_storage_gb__lte=F("storage_gb")),
                name="vmm_host_storage_not_overfilled",
            ),
            models.CheckConstraint(
                condition=Q(used_cores__lte=F("cores") * VIRTUAL_CORES_PER_CORE),
                name="vmm_host_cores_not_overfilled",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def free_memory_mb(self) -> int:
        return self.memory_mb - self.reserved_memory_mb - self.used_memory_mb

    @property
    def free_cores(self) -> int:
        """Virtual processors that may still be given away; a core carries several."""
        return self.cores * VIRTUAL_CORES_PER_CORE - self.used_cores

    @property
    def free_storage_gb(self) -> int:
        return self.storage_gb - self.used_storage_gb
