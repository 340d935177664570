"""Whether a template can ever be deployed: its disks, its system and its capability profile agree.

Asked when a template is written, and again when what it is made of changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any
from uuid import UUID

from django.db.models import Q

from fabric.vmm import capability
from fabric.vmm.errors import Invalid
from fabric.vmm.models import (
    HardwareProfile,
    HostGroup,
    OSType,
    StorageClassification,
    StorageVolume,
    TemplateDisk,
    VirtualHardDisk,
    VMTemplate,
)


def shape_of(template: VMTemplate, data_disks: Collection[TemplateDisk]) -> capability.Shape:
    """Return what machines of a template have unless they are ordered otherwise."""
    return capability.Shape(
        cores=template.cores,
        memory_mb=template.memory_mb,
        disks=1 + len(data_disks),
        largest_disk_gb=max([template.disk.size_gb, *(disk.size_gb for disk in data_disks)]),
        adapters=template.adapters,
        is_dynamic_memory=template.is_dynamic_memory,
        is_highly_available=template.is_highly_available,
    )


def shape_of_profile(profile: HardwareProfile) -> capability.Shape:
    """Return what a hardware profile says of a machine."""
    return capability.Shape(
        cores=profile.cores,
        memory_mb=profile.memory_mb,
        is_dynamic_memory=profile.is_dynamic_memory,
        is_highly_available=profile.is_highly_available,
    )


def require_sense(template: VMTemplate, data_disks: Collection[TemplateDisk]) -> None:
    """Raise Invalid, naming both sides, when no machine could be made of the template."""
    _require_system(template)
    _require_volumes(template, data_disks)
    shape, what = shape_of(template, data_disks), f"The template {template.name}"
    if template.capability_profile is not None:
        capability.require_fits(shape, [template.capability_profile], what=what)
    if template.cloud is not None:
        profiles = list(template.cloud.capability_profiles.order_by("name"))
        capability.require_fits(shape, profiles, what=what)


def require_sense_of(disk: VirtualHardDisk) -> None:
    """Raise Invalid when a template made of the disk makes no sense any more."""
    made_of = Q(disk=disk) | Q(data_disks__disk=disk)
    for template in with_parts(made_of):
        require_sense(template, list(template.data_disks.all()))


def with_parts(which: Q) -> Any:
    """Return templates with all that `require_sense` looks at, in a constant number of queries."""
    return (
        VMTemplate.objects.filter(which)
        .select_related("disk", "capability_profile", "cloud", "classification", "guest_profile")
        .prefetch_related("data_disks__disk", "data_disks__classification")
        .order_by("name")
        .distinct()
    )


def groups_with_those_below(groups: Collection[UUID]) -> set[UUID]:
    """Return the host groups and all below them; one query."""
    children: dict[UUID | None, list[UUID]] = {}
    for pk, parent in HostGroup.objects.values_list("pk", "parent"):
        children.setdefault(parent, []).append(pk)
    found, waiting = set(groups), list(groups)
    while waiting:
        below = [pk for pk in children.get(waiting.pop(), ()) if pk not in found]
        found.update(below)
        waiting.extend(below)
    return found


def _require_system(template: VMTemplate) -> None:
    disk, guest = template.disk, template.guest_profile
    if not disk.os_name:
        raise Invalid(
            f"The disk {disk.name} of template {template.name} holds no operating system.",
            field="disk",
        )
    if disk.os_type not in (OSType.OTHER, template.os_type):
        raise Invalid(
            f"The template {template.name} is for {template.os_type}; its disk {disk.name} holds "
            f"{disk.os_name}, which is {disk.os_type}.",
            field="os_type",
        )
    if guest is not None and guest.os_type != template.os_type:
        raise Invalid(
            f"The template {template.name} is for {template.os_type}; the guest profile "
            f"{guest.name} is for {guest.os_type}.",
            field="guest_profile",
        )


def _require_volumes(template: VMTemplate, data_disks: Collection[TemplateDisk]) -> None:
    volumes = StorageVolume.objects.filter(host__server=template.server_id)
    if template.cloud is not None:
        groups = template.cloud.host_groups.values_list("pk", flat=True)
        volumes = volumes.filter(host__group__in=groups_with_those_below(list(groups)))
    if not volumes.exists():
        return
    largest: dict[Any, StorageVolume | None] = {}
    for field, name, size_gb, kind in _wanted(template, data_disks):
        if kind not in largest:
            fitting = volumes if kind is None else volumes.filter(classification=kind)
            largest[kind] = fitting.select_related("host").order_by("-capacity_gb", "name").first()
        volume = largest[kind]
        if volume is None:
            raise Invalid(
                f"The disk {name} of template {template.name} is to be on {kind} storage; no "
                "volume of its hosts is.",
                field="classification",
            )
        if size_gb > volume.capacity_gb:
            raise Invalid(
                f"The disk {name} of template {template.name} has {size_gb:,} GB; the largest "
                f"volume{'' if kind is None else f' of {kind} storage'}, {volume.name} of "
                f"{volume.host.name}, holds {volume.capacity_gb:,} GB.",
                field=field,
            )


def _wanted(
    template: VMTemplate, data_disks: Collection[TemplateDisk]
) -> Iterator[tuple[str, str, int, StorageClassification | None]]:
    """Each disk of the template: the keyword that says it, its name, size and classification."""
    yield "disk", template.disk.name, template.disk.size_gb, template.classification
    for disk in data_disks:
        source = disk.disk
        if source is not None and disk.size_gb < source.size_gb:
            raise Invalid(
                f"The disk {disk.name} of template {template.name} has {disk.size_gb:,} GB; "
                f"{source.name}, of which it is a copy, has {source.size_gb:,} GB.",
                field="data_disks",
            )
        yield "data_disks", disk.name, disk.size_gb, disk.classification or template.classification
