"""What a new machine is made of: a template, or a library disk with hardware of its own.

A hardware profile, or values of the order, go before the template's, as far as it leaves them open.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef

from fabric.vmm import capability
from fabric.vmm.actions import fields
from fabric.vmm.errors import Denied, Invalid, NotFound
from fabric.vmm.models import (
    CapabilityProfile,
    Cloud,
    DiskDrive,
    GuestProfile,
    HardwareProfile,
    TemplateDisk,
    VirtualHardDisk,
    VirtualMachine,
    VMTemplate,
)
from fabric.vmm.models.template import may_change_all
from fabric.vmm.roles import Caller


@dataclass(frozen=True)
class Wanted:
    """What an order says a machine is made of: one of template and disk; None is not said."""

    template_id: uuid.UUID | None = None
    disk_id: uuid.UUID | None = None
    hardware_profile_id: uuid.UUID | None = None
    cores: int | None = None
    memory_mb: int | None = None
    is_dynamic_memory: bool | None = None
    is_highly_available: bool | None = None
    classification_id: uuid.UUID | None = None


@dataclass(frozen=True)
class Disk:
    """A disk to have: the library's it is a copy of, or none when it is empty."""

    source: VirtualHardDisk | None
    size_gb: int
    classification_id: uuid.UUID | None


@dataclass(frozen=True)
class Source:
    """What a machine will be made of, all of it decided."""

    what: str
    template: VMTemplate | None
    guest_profile: GuestProfile | None
    profiles: tuple[CapabilityProfile, ...]
    disks: tuple[Disk, ...]
    cores: int
    memory_mb: int
    generation: int
    adapters: int
    points: int
    is_dynamic_memory: bool
    is_highly_available: bool
    pattern: str
    open_to_all: frozenset[str]

    def require_open(self, caller: Caller, keyword: str, words: str) -> None:
        """Raise Denied when the template leaves this to administrators, and the caller is none."""
        if not caller.is_fabric and keyword not in self.open_to_all:
            raise Denied(f"{self.what} does not let you choose {words}.")

    def require_fits(self, machine: VirtualMachine, cloud: Cloud, adapters: int) -> None:
        """Raise Invalid unless the machine fits its source's profiles and one of the cloud's.

        `cloud` says whether it has any (`has_profiles`): only then is there a query.
        """
        shape = capability.Shape(
            cores=machine.cores,
            memory_mb=machine.memory_mb,
            disks=len(self.disks),
            largest_disk_gb=max(disk.size_gb for disk in self.disks),
            adapters=adapters,
            is_dynamic_memory=machine.is_dynamic_memory,
            is_highly_available=machine.is_highly_available,
        )
        what = f"The machine {machine.name}"
        for profile in self.profiles:
            capability.require_fits(shape, [profile], what=what)
        if getattr(cloud, "has_profiles", True):
            offered = list(cloud.capability_profiles.order_by("name"))
            capability.require_fits(shape, offered, what=what)

    def require_classifications(self, cloud: Cloud) -> None:
        """Raise Invalid when a disk asks for storage the cloud has not; a cloud of none has all."""
        asked = {disk.classification_id for disk in self.disks} - {None}
        if not asked:
            return
        offered = dict(cloud.classifications.values_list("pk", "name"))
        if offered and asked - set(offered):
            raise Invalid(
                f"{self.what} asks for storage that the cloud {cloud.name} has not: it has "
                f"{fields.named(sorted(offered.values()))}.",
                field="classification_id",
            )

    def drives(self, machine: VirtualMachine) -> list[DiskDrive]:
        """Return the rows of the machine's disks, not saved."""
        return [
            DiskDrive(
                machine=machine,
                source=disk.source,
                name=f"{machine.name}_disk_{lun + 1}",
                image=disk.source.source_image if disk.source is not None else None,
                size_gb=disk.size_gb,
                classification_id=disk.classification_id,
                lun=lun,
            )
            for lun, disk in enumerate(self.disks)
        ]


def find(caller: Caller, cloud: Cloud, wanted: Wanted) -> Source:
    """Return what the order is made of, among what the caller may use. One query, or more where
    there are data disks or a hardware profile.
    """
    if (wanted.template_id is None) == (wanted.disk_id is None):
        raise Invalid("A machine is made of either a template or a virtual hard disk.")
    profile = _hardware(caller, cloud, wanted.hardware_profile_id)
    if wanted.template_id is not None:
        return _of_template(caller, cloud, wanted, profile)
    return _of_disk(caller, cloud, wanted, profile)


def _of_template(
    caller: Caller, cloud: Cloud, wanted: Wanted, profile: HardwareProfile | None
) -> Source:
    template = _template(caller, cloud, wanted.template_id)
    disks = [Disk(template.disk, template.disk.size_gb, template.classification_id)]
    if template.has_data_disks:
        disks += [
            Disk(part.disk, part.size_gb, part.classification_id or template.classification_id)
            for part in template.data_disks.select_related("disk").order_by("lun")
        ]
    if wanted.classification_id is not None:
        disks = [Disk(disk.source, disk.size_gb, wanted.classification_id) for disk in disks]
    what = f"The template {template.name}"
    for disk in disks:
        _require_enabled(disk.source, what)
    guest = template.guest_profile
    source = Source(
        what=what,
        template=template,
        guest_profile=guest,
        profiles=_profiles(template, profile),
        disks=tuple(disks),
        generation=template.generation,
        adapters=template.adapters,
        points=template.quota_point,
        pattern=template.computer_name_pattern
        or (guest.computer_name_pattern if guest is not None else ""),
        open_to_all=frozenset(template.tenant_may_change),
        **_hardware_values(wanted, profile, template),
    )
    if source.cores != template.cores:
        source.require_open(caller, "cores", f"its processors: it has {template.cores}")
    if source.memory_mb != template.memory_mb:
        source.require_open(caller, "memory", f"its memory: it has {template.memory_mb:,} MB")
    return source


def _of_disk(
    caller: Caller, cloud: Cloud, wanted: Wanted, profile: HardwareProfile | None
) -> Source:
    rows = VirtualHardDisk.objects.visible_to(caller).filter(server=cloud.server_id)
    disk: VirtualHardDisk | None = rows.filter(pk=wanted.disk_id).first()
    if disk is None:
        raise NotFound(f"There is no virtual hard disk {wanted.disk_id}.")
    what = f"The disk {disk.name}"
    _require_enabled(disk, what)
    if not disk.os_name:
        raise Invalid(f"{what} holds no operating system to start.", field="disk_id")
    if profile is None and (wanted.cores is None or wanted.memory_mb is None):
        raise Invalid(
            "A machine made of a disk needs a hardware profile, or processors and memory.",
            field="hardware_profile_id",
        )
    return Source(
        what=what,
        template=None,
        guest_profile=None,
        profiles=_profiles(None, profile),
        disks=(Disk(disk, disk.size_gb, wanted.classification_id),),
        generation=profile.generation if profile is not None else 2,
        adapters=0,
        points=1,
        pattern="",
        open_to_all=frozenset(may_change_all()),
        **_hardware_values(wanted, profile, None),
    )


def _template(caller: Caller, cloud: Cloud, template_id: uuid.UUID | None) -> VMTemplate:
    data_disks = TemplateDisk.objects.filter(template=OuterRef("pk"))
    template: VMTemplate | None = (
        VMTemplate.objects.visible_to(caller)
        .select_related("disk", "guest_profile", "capability_profile")
        .filter(server=cloud.server_id, pk=template_id)
        .annotate(has_data_disks=Exists(data_disks))
        .first()
    )
    if template is None:
        raise NotFound(f"There is no template {template_id}.")
    if template.cloud_id not in (None, cloud.pk):
        raise Invalid(f"The template {template.name} is not for the cloud {cloud.name}.")
    if not template.is_enabled:
        raise Invalid(f"The template {template.name} is not enabled.", field="template_id")
    return template


def _hardware(caller: Caller, cloud: Cloud, profile_id: uuid.UUID | None) -> HardwareProfile | None:
    if profile_id is None:
        return None
    rows = HardwareProfile.objects.visible_to(caller).select_related("capability_profile")
    found: HardwareProfile | None = rows.filter(server=cloud.server_id, pk=profile_id).first()
    if found is None:
        raise Invalid(
            f"There is no hardware profile {profile_id} that you may use.",
            field="hardware_profile_id",
        )
    return found


def _hardware_values(
    wanted: Wanted, profile: HardwareProfile | None, template: VMTemplate | None
) -> dict[str, Any]:
    """Size and features: as ordered, else the profile's, else the template's."""

    def first(keyword: str, default: Any = None) -> Any:
        for holder in (wanted, profile, template):
            value = getattr(holder, keyword, None)
            if value is not None:
                return value
        return default

    return {
        "cores": fields.cores(first("cores")),
        "memory_mb": fields.memory_mb(first("memory_mb")),
        "is_dynamic_memory": first("is_dynamic_memory", False),
        "is_highly_available": first("is_highly_available", False),
    }


def _profiles(
    template: VMTemplate | None, profile: HardwareProfile | None
) -> tuple[CapabilityProfile, ...]:
    """The hardware profile's own capability profile takes the place of the template's."""
    holders: Collection[Any] = (profile, template)
    found = [holder.capability_profile for holder in holders if holder is not None]
    return tuple(found[:1]) if found and found[0] is not None else tuple(filter(None, found))


def _require_enabled(disk: VirtualHardDisk | None, what: str) -> None:
    if disk is not None and not disk.is_enabled:
        raise Invalid(f"{what} cannot be used: the disk {disk.name} is not enabled.")
