"""The library: virtual hard disks, VM templates made of them, hardware profiles."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.db import models

from fabric.vmm.models.server import Server
from fabric.vmm.models.visible import ScopedQuerySet


class OSType(models.TextChoices):
    WINDOWS = "Windows", "Windows"
    LINUX = "Linux", "Linux"
    OTHER = "Other", "Other"


class VirtualHardDiskQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the disks of the templates granted to the role."""
        return self.filter(pk__in=VMTemplate.objects.of_role(role).values("disk"))


class VirtualHardDisk(models.Model):
    """A disk of the library; hosts copy its `source_image`. A data disk has no `os_name`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="library_disks")
    name = models.CharField(max_length=100)
    size_gb = models.PositiveIntegerField()
    os_name = models.CharField(max_length=200, blank=True, default="")
    source_image = models.CharField(max_length=255)
    description = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = VirtualHardDiskQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["server", "name"], name="vmm_virtualharddisk_name"),
        ]

    def __str__(self) -> str:
        return self.name


class VMTemplateQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the templates granted to the role."""
        return self.granted_to(role, "VMTemplate")


class VMTemplate(models.Model):
    """What a machine is made from; `cloud` null means any cloud of the server."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="templates")
    cloud = models.ForeignKey(
        "vmm.Cloud", null=True, blank=True, on_delete=models.PROTECT, related_name="templates"
    )
    disk = models.ForeignKey(VirtualHardDisk, on_delete=models.PROTECT, related_name="templates")
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True, default="")
    cores = models.PositiveSmallIntegerField()
    memory_mb = models.PositiveIntegerField()
    os_name = models.CharField(max_length=200)
    os_type = models.CharField(max_length=10, choices=OSType.choices)
    generation = models.PositiveSmallIntegerField(default=2)
    adapters = models.PositiveSmallIntegerField(default=1)
    quota_point = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    modified_at = models.DateTimeField(auto_now=True)

    objects = VMTemplateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["server", "name"], name="vmm_vmtemplate_name"),
        ]

    def __str__(self) -> str:
        return self.name


class HardwareProfileQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the hardware profiles granted to the role."""
        return self.granted_to(role, "HardwareProfile")


class HardwareProfile(models.Model):
    """A size that has a name."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="hardware_profiles")
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True, default="")
    cores = models.PositiveSmallIntegerField()
    memory_mb = models.PositiveIntegerField()
    generation = models.PositiveSmallIntegerField(default=2)
    created_at = models.DateTimeField(auto_now_add=True)
    modified_at = models.DateTimeField(auto_now=True)

    objects = HardwareProfileQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["server", "name"], name="vmm_hardwareprofile_name"),
        ]

    def __str__(self) -> str:
        return self.name
