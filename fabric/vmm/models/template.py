"""VM templates, and the profiles they and machines are made with: guest system and hardware."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.db import models

from fabric.vmm.models.capability import CapabilityProfile
from fabric.vmm.models.library import LibraryFile, OSType, VirtualHardDisk
from fabric.vmm.models.server import Server
from fabric.vmm.models.storage import StorageClassification
from fabric.vmm.models.visible import ScopedQuerySet


class GuestProfile(models.Model):
    """How a guest's operating system is set up. `sealed` keeps product key and passwords."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="guest_profiles")
    answer_file = models.ForeignKey(
        LibraryFile,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="profiles_answering",
    )
    script = models.ForeignKey(
        LibraryFile,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="profiles_running",
    )
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True, default="")
    os_type = models.CharField(max_length=10, choices=OSType.choices)
    computer_name_pattern = models.CharField(max_length=63, blank=True, default="")
    admin_user = models.CharField(max_length=104, blank=True, default="")
    time_zone = models.CharField(max_length=64, blank=True, default="")
    workgroup = models.CharField(max_length=64, blank=True, default="")
    domain = models.CharField(max_length=255, blank=True, default="")
    sealed = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    modified_at = models.DateTimeField(auto_now=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["server", "name"], name="vmm_guestprofile_name"),
        ]

    def __str__(self) -> str:
        return self.name


def may_change_all() -> list[str]:
    """Return all that a template may leave to who orders."""
    return ["adapters", "cores", "memory", "name"]


class VMTemplateQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the templates granted to the role."""
        return self.granted_to(role, "VMTemplate")


class VMTemplate(models.Model):
    """What a machine is made from; `cloud` null means any cloud of the server.

    `tenant_may_change` names what an order may say otherwise: cores, memory, name, adapters. A
    pattern such as web-## makes computer names. `sealed` keeps the product key, encrypted.
    """

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
    capability_profile = models.ForeignKey(
        CapabilityProfile,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="templates",
    )
    classification = models.ForeignKey(
        StorageClassification,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="templates",
    )
    guest_profile = models.ForeignKey(
        GuestProfile, null=True, blank=True, on_delete=models.PROTECT, related_name="templates"
    )
    computer_name_pattern = models.CharField(max_length=63, blank=True, default="")
    tenant_may_change = models.JSONField(default=may_change_all)
    tags = models.JSONField(default=list)
    is_dynamic_memory = models.BooleanField(default=False)
    is_highly_available = models.BooleanField(default=False)
    is_enabled = models.BooleanField(default=True)
    sealed = models.TextField(blank=True, default="")
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


class TemplateDisk(models.Model):
    """A disk that machines of a template have beside the first: a copy, or an empty one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    template = models.ForeignKey(VMTemplate, on_delete=models.CASCADE, related_name="data_disks")
    disk = models.ForeignKey(
        VirtualHardDisk,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="template_disks",
    )
    classification = models.ForeignKey(
        StorageClassification,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="template_disks",
    )
    name = models.CharField(max_length=100)
    size_gb = models.PositiveIntegerField()
    lun = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["template", "lun"], name="vmm_templatedisk_place"),
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
    capability_profile = models.ForeignKey(
        CapabilityProfile,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="hardware_profiles",
    )
    is_dynamic_memory = models.BooleanField(default=False)
    is_highly_available = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    modified_at = models.DateTimeField(auto_now=True)

    objects = HardwareProfileQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["server", "name"], name="vmm_hardwareprofile_name"),
        ]

    def __str__(self) -> str:
        return self.name
