"""What machines are made from: templates, hardware profiles, library disks.

Over SPF they are given to user roles, by administrators, and no more than that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from fabric.odata.literals import Value
from fabric.spf.schema import Join, Resource, Row, Table, Update, names
from fabric.spf.scope import Scope
from fabric.spf.sets.columns import GIB, never, plain, stamp
from fabric.spf.sets.drives import machine_disks
from fabric.spf.sets.grants import grant, granted, with_grants
from fabric.spf.sets.recording import record
from fabric.vmm.models import (
    HardwareProfile,
    ResourceKind,
    TemplateDisk,
    VirtualHardDisk,
    VMTemplate,
)

BOOT_ORDER = ["CD", "IdeHardDrive", "PxeBoot", "Floppy"]


def operating_system(name: str, os_type: str) -> Row | None:
    """OperatingSystemInstance of a machine or a template."""
    if not name:
        return None
    return {"Architecture": "amd64", "Description": name, "Name": name, "OSType": os_type}


def _templates(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    rows = VMTemplate.objects.visible_to(scope.caller).filter(server__in=scope.servers)
    data = TemplateDisk.objects.filter(template=OuterRef("pk")).values("template")
    rows = rows.select_related("disk", "capability_profile")
    return with_grants(scope, ResourceKind.TEMPLATE, rows).annotate(
        data_gb=Coalesce(Subquery(data.values(size=Sum("size_gb"))), 0)
    )


def _template(scope: Scope, template: VMTemplate) -> Row:
    size_gb = template.disk.size_gb + template.data_gb
    profile = template.capability_profile
    return {
        **_sizes(template),
        "ID": template.pk,
        "StampId": scope.stamp_of(template.server_id),
        "Name": template.name,
        "Description": template.description,
        "Accessibility": "Public",
        "AddedTime": template.created_at,
        # Whether its guest profile has one is sealed: whoever orders is asked for one.
        "AdminPasswordHasValue": False,
        "BootOrder": BOOT_ORDER,
        "CapabilityProfile": profile.name if profile is not None else "Hyper-V",
        "CloudID": template.cloud_id,
        "ComputerName": template.computer_name_pattern or None,
        "CPUCount": template.cores,
        "CreationTime": template.created_at,
        "DynamicMemoryEnabled": template.is_dynamic_memory,
        "Enabled": template.is_enabled,
        "Generation": template.generation,
        "GrantedToList": granted(scope, template),
        "IsCustomizable": True,
        "IsHighlyAvailable": template.is_highly_available,
        "IsTagEmpty": not template.tags,
        "IsTemporaryTemplate": False,
        "Memory": template.memory_mb,
        "ModifiedTime": template.modified_at,
        "NicCount": template.adapters,
        "OperatingSystem": template.os_name,
        "OperatingSystemInstance": operating_system(template.os_name, template.os_type),
        "OSType": template.os_type,
        "ProductKeyHasValue": bool(template.sealed),
        "QuotaPoint": template.quota_point,
        "Status": "Normal",
        "Tag": ";".join(template.tags) or "(none)",
        "TotalVHDCapacity": size_gb * GIB,
        "VirtualHardDiskId": template.disk_id,
        "VirtualizationPlatform": "HyperV",
    }


def _sizes(template: VMTemplate) -> Row:
    """Which sizes a tenant's machine of it may have, as far as the template says; null is no limit.

    What it does not let tenants change is fixed. Profiles of its cloud may narrow the rest.
    """
    profile = template.capability_profile
    told: Row = {}
    for name, field, keyword in (
        ("CPUCount", "cores", "cores"),
        ("MemoryMB", "memory_mb", "memory"),
    ):
        least = getattr(profile, f"least_{field}", None)
        most = getattr(profile, f"most_{field}", None)
        if keyword not in template.tenant_may_change:
            least = most = getattr(template, field)
        told |= {f"{name}Minimum": least, f"{name}Maximum": most}
    return told


def _profiles(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    rows = HardwareProfile.objects.visible_to(scope.caller).filter(server__in=scope.servers)
    return with_grants(scope, ResourceKind.PROFILE, rows)


def _profile(scope: Scope, profile: HardwareProfile) -> Row:
    return {
        "ID": profile.pk,
        "StampId": scope.stamp_of(profile.server_id),
        "Name": profile.name,
        "Description": profile.description,
        "Accessibility": "Public",
        "AddedTime": profile.created_at,
        "CPUCount": profile.cores,
        "CreationTime": profile.created_at,
        "DynamicMemoryEnabled": profile.is_dynamic_memory,
        "Enabled": True,
        "Generation": profile.generation,
        "GrantedToList": granted(scope, profile),
        "Memory": profile.memory_mb,
        "ModifiedTime": profile.modified_at,
        "TotalVHDCapacity": 0,
    }


def _disks(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    rows = VirtualHardDisk.objects.visible_to(scope.caller).filter(server__in=scope.servers)
    return rows.select_related("share")


def _disk(scope: Scope, disk: VirtualHardDisk) -> Row:
    return {
        "ID": disk.pk,
        "StampId": scope.stamp_of(disk.server_id),
        "Name": disk.name,
        "Description": disk.description,
        "Accessibility": "Public",
        "AddedTime": disk.created_at,
        "Enabled": disk.is_enabled,
        "FamilyName": disk.family or None,
        "IsOrphaned": False,
        "LibraryShareId": disk.share_id,
        "MaximumSize": disk.size_gb * GIB,
        "ModifiedTime": disk.created_at,
        # A data disk is told by this word.
        "OperatingSystem": disk.os_name or "None",
        "OperatingSystemInstance": operating_system(disk.os_name, disk.os_type),
        "Release": disk.release or None,
        "SharePath": None if disk.share is None else f"{disk.share.path}\\{disk.name}",
        "Size": disk.size_gb * GIB,
        "State": "Normal",
        "Type": "VirtualHardDisk",
        "VHDType": "DynamicallyExpanding",
        "VirtualizationPlatform": "HyperV",
    }


def _disks_of(scope: Scope, templates: Collection[Value]) -> Iterable[tuple[Value, Value]]:
    """Which library disks machines of which template get a copy of."""
    firsts = VMTemplate.objects.filter(pk__in=templates).values_list("pk", "disk")
    others = TemplateDisk.objects.filter(template__in=templates, disk__isnull=False)
    return [*firsts, *others.order_by("lun").values_list("template", "disk")]


@transaction.atomic
def _grant_template(scope: Scope, template: VMTemplate, body: Row) -> UUID | None:
    if not grant(scope, ResourceKind.TEMPLATE, template, body):
        return None
    return record(scope, template, "Grant-SCResource", "Grant VM template")


@transaction.atomic
def _grant_profile(scope: Scope, profile: HardwareProfile, body: Row) -> UUID | None:
    if not grant(scope, ResourceKind.PROFILE, profile, body):
        return None
    return record(scope, profile, "Grant-SCResource", "Grant hardware profile")


SETS = (
    Resource(
        name="VMTemplates",
        sources=(
            Table(
                _templates,
                _template,
                plain(
                    ID="pk",
                    Name="name",
                    Description="description",
                    CPUCount="cores",
                    Memory="memory_mb",
                    CloudID="cloud",
                    Enabled="is_enabled",
                    DynamicMemoryEnabled="is_dynamic_memory",
                    IsHighlyAvailable="is_highly_available",
                    Generation="generation",
                    NicCount="adapters",
                    OperatingSystem="os_name",
                    OSType="os_type",
                    QuotaPoint="quota_point",
                    VirtualHardDiskId="disk",
                    AddedTime="created_at",
                    CreationTime="created_at",
                    ModifiedTime="modified_at",
                )
                | {"StampId": stamp()},
            ),
        ),
        joins={
            "VirtualDiskDrives": Join("ID", "TemplateId"),
            "VirtualHardDisks": Join("ID", "ID", _disks_of),
            "VirtualNetworkAdapters": Join("ID", "TemplateId"),
            "VirtualSCSIAdapters": Join("ID", "TemplateId"),
        },
        update=Update(_grant_template, takes=names("GrantedToList")),
    ),
    Resource(
        name="HardwareProfiles",
        sources=(
            Table(
                _profiles,
                _profile,
                plain(
                    ID="pk",
                    Name="name",
                    Description="description",
                    CPUCount="cores",
                    Memory="memory_mb",
                    DynamicMemoryEnabled="is_dynamic_memory",
                    Generation="generation",
                    AddedTime="created_at",
                    CreationTime="created_at",
                    ModifiedTime="modified_at",
                )
                | {"StampId": stamp()},
            ),
        ),
        update=Update(_grant_profile, takes=names("GrantedToList")),
    ),
    Resource(
        name="VirtualHardDisks",
        sources=(
            Table(
                _disks,
                _disk,
                plain(
                    ID="pk",
                    Name="name",
                    Description="description",
                    Enabled="is_enabled",
                    LibraryShareId="share",
                    AddedTime="created_at",
                )
                | {"StampId": stamp(), "VMId": never()},
            ),
            machine_disks,
        ),
    ),
)
