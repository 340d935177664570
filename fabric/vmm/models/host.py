"""Host groups, hosts and their volumes. How much is taken is counted on the rows, under their lock.

A group's reserves and rules hold for every host below it, unless a group or host nearer says
otherwise. What follows for a host is kept on its row, so that placement reads nothing else.
"""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.db import models
from django.db.models import F, Q

from fabric.vmm.models.server import Server
from fabric.vmm.models.storage import StorageClassification
from fabric.vmm.models.visible import ScopedQuerySet

VIRTUAL_CORES_PER_CORE = 8
SLOTS = 8


class HostGroupQuerySet(ScopedQuerySet):
    def of_fabric(self, role: Any) -> Self:
        """Return the groups in a fabric role's scope, those below them included."""
        return self.filter(pk__in=role.group_ids())


class HostGroup(models.Model):
    """Hosts that clouds are made of; a tree. A setting that is null is the parent's.

    `placement_rules`: dicts of tag, relation (must, should, must_not, should_not) and host_tag,
    for machines with that tag; those of the groups above hold as well.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="host_groups")
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    name = models.CharField(max_length=64)
    description = models.TextField(blank=True, default="")
    reserved_memory_mb = models.PositiveIntegerField(null=True, blank=True)
    reserved_storage_gb = models.PositiveIntegerField(null=True, blank=True)
    cores_per_core = models.PositiveSmallIntegerField(null=True, blank=True)
    slots = models.PositiveSmallIntegerField(null=True, blank=True)
    placement_rules = models.JSONField(default=list)

    objects = HostGroupQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["server", "name"], name="vmm_hostgroup_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Health(models.TextChoices):
    OK = "ok", "Healthy"
    WARNING = "warning", "Needs attention"
    UNREACHABLE = "unreachable", "Not responding"
    UNKNOWN = "unknown", "Not checked yet"


class HostQuerySet(ScopedQuerySet):
    def of_fabric(self, role: Any) -> Self:
        """Return the hosts in a fabric role's scope."""
        return self.filter(group__in=role.group_ids())


class Host(models.Model):
    """One host. `used_…` is what the machines placed here hold, whether running or not.

    `own_…` is what was set on the host itself (null: the group's); the same name without it is
    what holds. `reserved_…` is kept free for the host itself, a core carries `cores_per_core`
    virtual ones, and `slots` heavy jobs run at once. `storage_gb` is the sum of its volumes. The
    name is the host's address, so it is unique over all servers.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="hosts")
    group = models.ForeignKey(HostGroup, on_delete=models.PROTECT, related_name="hosts")
    name = models.CharField(max_length=255, unique=True)
    description = models.TextField(blank=True, default="")
    hypervisor = models.CharField(max_length=20, default="simulated")
    version = models.CharField(max_length=60, blank=True, default="")
    cluster = models.CharField(max_length=64, blank=True, default="")
    tags = models.JSONField(default=list)
    cores = models.PositiveIntegerField()
    memory_mb = models.PositiveIntegerField()
    storage_gb = models.PositiveIntegerField()
    own_reserved_memory_mb = models.PositiveIntegerField(null=True, blank=True)
    own_reserved_storage_gb = models.PositiveIntegerField(null=True, blank=True)
    own_cores_per_core = models.PositiveSmallIntegerField(null=True, blank=True)
    own_slots = models.PositiveSmallIntegerField(null=True, blank=True)
    reserved_memory_mb = models.PositiveIntegerField(default=0)
    reserved_storage_gb = models.PositiveIntegerField(default=0)
    cores_per_core = models.PositiveSmallIntegerField(default=VIRTUAL_CORES_PER_CORE)
    slots = models.PositiveSmallIntegerField(default=SLOTS)
    used_cores = models.PositiveIntegerField(default=0)
    used_memory_mb = models.PositiveIntegerField(default=0)
    used_storage_gb = models.PositiveIntegerField(default=0)
    busy_slots = models.PositiveSmallIntegerField(default=0)
    is_available = models.BooleanField(default=True)
    is_in_maintenance = models.BooleanField(default=False)
    drain_started_at = models.DateTimeField(null=True, blank=True)
    drain_total = models.PositiveIntegerField(default=0)
    health = models.CharField(max_length=12, choices=Health.choices, default=Health.UNKNOWN)
    health_message = models.TextField(blank=True, default="")
    checked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    # Why placement chose it; only on the object that placement returns.
    rating: Any = None

    objects = HostQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(used_memory_mb__lte=F("memory_mb") - F("reserved_memory_mb")),
                name="vmm_host_memory_not_overfilled",
            ),
            models.CheckConstraint(
                condition=Q(used_storage_gb__lte=F("storage_gb") - F("reserved_storage_gb")),
                name="vmm_host_storage_not_overfilled",
            ),
            models.CheckConstraint(
                condition=Q(used_cores__lte=F("cores") * F("cores_per_core")),
                name="vmm_host_cores_not_overfilled",
            ),
            models.CheckConstraint(
                condition=Q(busy_slots__lte=F("slots")), name="vmm_host_slots_not_overfilled"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def free_memory_mb(self) -> int:
        """Memory that may still be given to machines, the host's reserve left alone."""
        return self.memory_mb - self.reserved_memory_mb - self.used_memory_mb

    @property
    def free_cores(self) -> int:
        """Virtual processors that may still be given away; a core carries several."""
        return self.cores * self.cores_per_core - self.used_cores

    @property
    def free_storage_gb(self) -> int:
        """Storage that may still be given to disks, the host's reserve left alone."""
        return self.storage_gb - self.reserved_storage_gb - self.used_storage_gb


class StorageVolumeQuerySet(ScopedQuerySet):
    def of_fabric(self, role: Any) -> Self:
        """Return the volumes of the hosts in a fabric role's scope."""
        return self.filter(host__group__in=role.group_ids())


class StorageVolume(models.Model):
    """Where a host keeps disks. The host's row is the lock of its volumes as well."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="volumes")
    classification = models.ForeignKey(
        StorageClassification,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="volumes",
    )
    name = models.CharField(max_length=64)
    capacity_gb = models.PositiveIntegerField()
    used_gb = models.PositiveIntegerField(default=0)
    is_available = models.BooleanField(default=True)

    objects = StorageVolumeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["host", "name"], name="vmm_storagevolume_name"),
            models.CheckConstraint(
                condition=Q(used_gb__lte=F("capacity_gb")), name="vmm_storagevolume_not_overfilled"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def free_gb(self) -> int:
        """What no disk holds; the host may keep some of it in reserve."""
        return self.capacity_gb - self.used_gb
