"""What a machine has: disk drives and network adapters."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.db import models

from fabric.vmm.models.library import VirtualHardDisk
from fabric.vmm.models.machine import VirtualMachine
from fabric.vmm.models.network import VMNetwork
from fabric.vmm.models.visible import ScopedQuerySet


class AddressType(models.TextChoices):
    DYNAMIC = "Dynamic", "Dynamic"
    STATIC = "Static", "Static"


class DeviceQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the devices of the role's machines."""
        return self.filter(machine__role=role)


class DiskDrive(models.Model):
    """A disk of a machine: a copy of a library disk, under our id on the host."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    machine = models.ForeignKey(VirtualMachine, on_delete=models.CASCADE, related_name="disks")
    source = models.ForeignKey(
        VirtualHardDisk, null=True, on_delete=models.SET_NULL, related_name="drives"
    )
    name = models.CharField(max_length=100)
    size_gb = models.PositiveIntegerField()
    bus_type = models.CharField(max_length=4, default="SCSI")
    bus = models.PositiveSmallIntegerField(default=0)
    lun = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DeviceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["machine", "bus_type", "bus", "lun"], name="vmm_diskdrive_place"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class NetworkAdapter(models.Model):
    """An adapter of a machine; connected when it has a network. The MAC comes when deployed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    machine = models.ForeignKey(VirtualMachine, on_delete=models.CASCADE, related_name="adapters")
    network = models.ForeignKey(
        VMNetwork, null=True, blank=True, on_delete=models.PROTECT, related_name="adapters"
    )
    slot = models.PositiveSmallIntegerField(default=0)
    mac = models.CharField(max_length=17, null=True, blank=True, unique=True)
    mac_type = models.CharField(
        max_length=8, choices=AddressType.choices, default=AddressType.STATIC
    )
    ipv4_type = models.CharField(
        max_length=8, choices=AddressType.choices, default=AddressType.DYNAMIC
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DeviceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["machine", "slot"], name="vmm_networkadapter_slot"),
        ]

    def __str__(self) -> str:
        return f"adapter {self.slot} of {self.machine_id}"

    @property
    def addresses(self) -> list[str]:
        """Return the leased addresses; prefetch `leases` where there are many."""
        return [str(lease.address) for lease in self.leases.all()]
