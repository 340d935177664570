"""What a machine has: disk drives, a DVD drive, network adapters, checkpoints."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.db import models

from fabric.vmm.models.host import StorageVolume
from fabric.vmm.models.library import LibraryFile, VirtualHardDisk
from fabric.vmm.models.machine import VirtualMachine, in_sight_of
from fabric.vmm.models.network import VMNetwork
from fabric.vmm.models.storage import StorageClassification
from fabric.vmm.models.visible import ScopedQuerySet


class AddressType(models.TextChoices):
    DYNAMIC = "Dynamic", "Dynamic"
    STATIC = "Static", "Static"


class DeviceQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the devices of the machines the role sees."""
        return self.filter(in_sight_of(role, "machine__"))

    def of_fabric(self, role: Any) -> Self:
        """Return the devices of the machines in a fabric role's scope."""
        return self.filter(machine__in=VirtualMachine.objects.of_fabric(role))


class DiskDrive(models.Model):
    """A disk of a machine: a copy of a library disk or an empty one, under our id on the host.

    `image` is what it is copied from (null: empty). `volume` is where it lies; null until it is
    placed and while the machine is stored, when its content is `stored_image`.
    Room on `moving_to` is held as well while it moves.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    machine = models.ForeignKey(VirtualMachine, on_delete=models.CASCADE, related_name="disks")
    source = models.ForeignKey(
        VirtualHardDisk, null=True, on_delete=models.SET_NULL, related_name="drives"
    )
    classification = models.ForeignKey(
        StorageClassification,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="drives",
    )
    volume = models.ForeignKey(
        StorageVolume, null=True, blank=True, on_delete=models.PROTECT, related_name="drives"
    )
    moving_to = models.ForeignKey(
        StorageVolume, null=True, blank=True, on_delete=models.PROTECT, related_name="arrivals"
    )
    name = models.CharField(max_length=100)
    image = models.CharField(max_length=255, null=True, blank=True)
    stored_image = models.CharField(max_length=255, blank=True, default="")
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


class DVDDrive(models.Model):
    """A DVD drive of a machine, with an ISO image in it or empty."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    machine = models.ForeignKey(VirtualMachine, on_delete=models.CASCADE, related_name="dvds")
    iso = models.ForeignKey(
        LibraryFile, null=True, blank=True, on_delete=models.PROTECT, related_name="drives"
    )
    bus = models.PositiveSmallIntegerField(default=0)
    lun = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DeviceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["machine", "bus", "lun"], name="vmm_dvddrive_place"),
        ]

    def __str__(self) -> str:
        return f"DVD drive {self.lun} of {self.machine_id}"


class Checkpoint(models.Model):
    """A checkpoint of a machine, under our id on the host; `parent` is the one before it.

    `memory_mb`, `cores` and `power` are what the machine was; `power` is the host's word.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    machine = models.ForeignKey(
        VirtualMachine, on_delete=models.CASCADE, related_name="checkpoints"
    )
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children"
    )
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True, default="")
    cores = models.PositiveSmallIntegerField()
    memory_mb = models.PositiveIntegerField()
    power = models.CharField(max_length=10, blank=True, default="")
    is_complete = models.BooleanField(default=False)
    is_current = models.BooleanField(default=False)
    owner_name = models.CharField(max_length=320, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DeviceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["machine"],
                condition=models.Q(is_current=True),
                name="vmm_checkpoint_one_current",
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
    ipv6_type = models.CharField(
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
        """Return the leased addresses, IPv4 first; prefetch `leases` where there are many."""
        leased = [str(lease.address) for lease in self.leases.all()]
        return sorted(leased, key=lambda address: ":" in address)
