"""Capability profiles: what machines of a cloud may be."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from fabric.spf.schema import Resource, Row, Table
from fabric.spf.scope import Scope
from fabric.spf.sets.columns import plain, stamp
from fabric.vmm.models import CapabilityProfile

MB_OF_GB = 1024


def _profiles(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    return CapabilityProfile.objects.visible_to(scope.caller).filter(server__in=scope.servers)


def _profile(scope: Scope, profile: CapabilityProfile) -> Row:
    """What is not limited, or not ours to limit, is null."""
    most_gb = profile.most_disk_gb
    return {
        "ID": profile.pk,
        "StampId": scope.stamp_of(profile.server_id),
        "Name": profile.name,
        "Description": profile.description,
        "FabricCapabilityType": profile.platform,
        "CPUCountMinimum": profile.least_cores,
        "CPUCountMaximum": profile.most_cores,
        "MemoryMBMinimum": profile.least_memory_mb,
        "MemoryMBMaximum": profile.most_memory_mb,
        "VirtualHardDiskCountMaximum": profile.most_disks,
        "VirtualHardDiskSizeMBMaximum": None if most_gb is None else most_gb * MB_OF_GB,
        "VirtualNetworkAdapterCountMinimum": profile.least_adapters,
        "VirtualNetworkAdapterCountMaximum": profile.most_adapters,
        "VirtualDVDDriveCountMaximum": profile.most_dvds,
        "DynamicMemoryValueCanChange": profile.may_use_dynamic_memory,
        "VMHighlyAvailableValueCanChange": profile.may_be_highly_available,
    }


SETS = (
    Resource(
        name="CapabilityProfiles",
        sources=(
            Table(
                _profiles,
                _profile,
                plain(ID="pk", Name="name", Description="description") | {"StampId": stamp()},
            ),
        ),
    ),
)
