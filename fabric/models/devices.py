"""What is in a machine, as the stamp tells it: disks, network adapters, checkpoints.

Rows are written by sync only, keyed by the machine and the far side's id, and deleted when the
machine does not have the thing any more. `Machine.devices_synced_at` says how old they are.
"""

from __future__ import annotations

import uuid

from django.db import models

from fabric.models.inventory import Network
from fabric.models.machine import Machine
from tenants.models import User


class DeviceQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> DeviceQuerySet:
        """Return what is in the machines a person may see."""
        return self.filter(machine__in=Machine.objects.visible_to(user))


class Device(models.Model):
    """Common to what is in a machine. `remote_id` is VMM's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="%(class)ss")
    remote_id = models.UUIDField()

    objects = DeviceQuerySet.as_manager()

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(fields=["machine", "remote_id"], name="%(class)s_once")
        ]


class Disk(Device):
    """A virtual disk and where it is attached."""

    name = models.CharField(max_length=200, blank=True, default="")
    size_gb = models.PositiveIntegerField(default=0)
    bus_type = models.CharField(max_length=10, blank=True, default="")
    bus = models.PositiveSmallIntegerField(default=0)
    lun = models.PositiveSmallIntegerField(default=0)
    is_boot = models.BooleanField(default=False)

    class Meta(Device.Meta):
        ordering = ["-is_boot", "bus_type", "bus", "lun", "id"]

    def __str__(self) -> str:
        return self.name or f"{self.bus_type} {self.bus}:{self.lun}"


class Adapter(Device):
    """A network adapter; one without a network is not connected. `addresses` is a list of texts."""

    slot = models.PositiveSmallIntegerField(default=0)
    network = models.ForeignKey(
        Network, null=True, blank=True, on_delete=models.SET_NULL, related_name="adapters_here"
    )
    network_name = models.CharField(max_length=200, blank=True, default="")
    mac = models.CharField(max_length=20, blank=True, default="")
    is_static = models.BooleanField(default=False)
    addresses = models.JSONField(default=list)

    class Meta(Device.Meta):
        ordering = ["slot", "id"]

    def __str__(self) -> str:
        return self.network_name or self.mac


class Checkpoint(Device):
    """A checkpoint in its machine's tree. The current one is where the machine was last."""

    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children"
    )
    name = models.CharField(max_length=200, blank=True, default="")
    description = models.TextField(blank=True, default="", max_length=2000)
    created_at = models.DateTimeField(null=True, blank=True)
    is_current = models.BooleanField(default=False)

    class Meta(Device.Meta):
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return self.name
