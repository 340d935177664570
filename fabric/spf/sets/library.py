"""What machines are made from: templates, hardware profiles, library disks."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from fabric.spf.schema import Join, Resource, Row, Table
from fabric.spf.scope import Scope
from fabric.spf.sets.columns import GIB, plain, stamp
from fabric.spf.sets.drives import machine_disks
from fabric.spf.sets.grants import granted, with_grants
from fabric.vmm.models import HardwareProfile, ResourceKind, VirtualHardDisk, VMTemplate

BOOT_ORDER = ["CD", "IdeHardDrive", "PxeBoot", "Floppy"]


def operating_system(name: str, os_type: str) -> Row | None:
    """OperatingSystemInstance of a machine or a template."""
    if not name:
        return None
    return {"Architecture": "amd64", "Description": name, "Name": name, "OSType": os_type}


def _templates(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    rows = VMTemplate.objects.visible_to(scope.caller).filter(server__in=scope.servers)
    return with_grants(scope, ResourceKind.TEMPLATE, rows.select_related("disk"))


def _template(scope: Scope, template: VMTemplate) -> Row:
    return {
        "ID": template.pk,
        "StampId": scope.stamp_of(template.server_id),
        "Name": template.name,
        "Description": template.description,
        "Accessibility": "Public",
        "AddedTime": template.created_at,
        "AdminPasswordHasValue": False,
        "BootOrder": BOOT_ORDER,
        "CapabilityProfile": "Hyper-V",
        "CloudID": template.cloud_id,
        "CPUCount": template.cores,
        "CreationTime": template.created_at,
        "DynamicMemoryEnabled": False,
        "Enabled": True,
        "Generation": template.generation,
        "GrantedToList": granted(template),
        "IsCustomizable": True,
        "IsTagEmpty": True,
        "IsTemporaryTemplate": False,
        "Memory": template.memory_mb,
        "ModifiedTime": template.modified_at,
        "NicCount": template.adapters,
        "OperatingSystem": template.os_name,
        "OperatingSystemInstance": operating_system(template.os_name, template.os_type),
        "OSType": template.os_type,
        "ProductKeyHasValue": False,
        "QuotaPoint": template.quota_point,
        "Status": "Normal",
        "Tag": "(none)",
        "TotalVHDCapacity": template.disk.size_gb * GIB,
        "VirtualHardDiskId": template.disk_id,
        "VirtualizationPlatform": "HyperV",
    }


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
        "DynamicMemoryEnabled": False,
        "Enabled": True,
        "Generation": profile.generation,
        "GrantedToList": granted(profile),
        "Memory": profile.memory_mb,
        "ModifiedTime": profile.modified_at,
        "TotalVHDCapacity": 0,
    }


def _disks(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    return VirtualHardDisk.objects.visible_to(scope.caller).filter(server__in=scope.servers)


def _disk(scope: Scope, disk: VirtualHardDisk) -> Row:
    return {
        "ID": disk.pk,
        "StampId": scope.stamp_of(disk.server_id),
        "Name": disk.name,
        "Description": disk.description,
        "Accessibility": "Public",
        "AddedTime": disk.created_at,
        "Enabled": True,
        "MaximumSize": disk.size_gb * GIB,
        # A data disk is told by this word.
        "OperatingSystem": disk.os_name or "None",
        "Size": disk.size_gb * GIB,
        "State": "Normal",
        "Type": "VirtualHardDisk",
        "VHDType": "DynamicallyExpanding",
        "VirtualizationPlatform": "HyperV",
    }


SETS = (
    Resource(
        name="VMTemplates",
        sources=(
            Table(
                _templates,
                _template,
                plain(ID="pk", Name="name", CPUCount="cores", Memory="memory_mb", CloudID="cloud")
                | {"StampId": stamp()},
            ),
        ),
        joins={
            "VirtualNetworkAdapters": Join("ID", "TemplateId"),
            "VirtualHardDisks": Join("VirtualHardDiskId", "ID"),
        },
    ),
    Resource(
        name="HardwareProfiles",
        sources=(
            Table(
                _profiles,
                _profile,
                plain(ID="pk", Name="name", CPUCount="cores", Memory="memory_mb")
                | {"StampId": stamp()},
            ),
        ),
    ),
    Resource(
        name="VirtualHardDisks",
        sources=(
            Table(_disks, _disk, plain(ID="pk", Name="name") | {"StampId": stamp()}),
            machine_disks,
        ),
    ),
)
