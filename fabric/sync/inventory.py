"""Write what a stamp offers into our rows: clouds, templates, sizes, networks, disks, images."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone

from fabric.models import (
    Cloud,
    HardwareProfile,
    LibraryDisk,
    Media,
    Network,
    Stamp,
    Template,
)
from fabric.providers.base import Inventory

NO_RIGHTS = (
    "The account of this endpoint sees nothing in VMM: it has no rights there. Make it a member of "
    "VMM's Administrator role, and of the groups SPF_Admin, SPF_VMM and SPF_Provider on the SPF "
    "server. The number of clouds stays 0 until then."
)
NO_CLOUDS = "VMM has no clouds yet. Make one there; it appears here by itself."


@transaction.atomic
def apply(stamp: Stamp, inventory: Inventory) -> None:
    """Write the stamp's inventory, mark what was not seen, and note what is wrong."""
    now = timezone.now()
    _write(
        Cloud,
        stamp.pk,
        now,
        (
            {
                "id": cloud.id,
                "name": cloud.name,
                "description": cloud.description,
                "cores": cloud.cores,
                "memory_mb": cloud.memory_mb,
                "storage_gb": cloud.storage_gb,
                "machines": cloud.machines,
                "used": dict(cloud.used),
                "logical_network_ids": [str(pk) for pk in cloud.logical_network_ids],
            }
            for cloud in inventory.clouds
        ),
    )
    _write(
        Template,
        stamp.pk,
        now,
        (
            {
                "id": template.id,
                "name": template.name,
                "description": template.description,
                "os_name": template.os_name,
                "os_type": template.os_type,
                "cores": template.cores,
                "memory_mb": template.memory_mb,
                "storage_gb": template.storage_gb,
                "generation": template.generation,
                "adapters": template.adapters,
                "only_cloud": template.cloud_id,
                "min_cores": template.min_cores,
                "max_cores": template.max_cores,
                "min_memory_mb": template.min_memory_mb,
                "max_memory_mb": template.max_memory_mb,
            }
            for template in inventory.templates
        ),
    )
    _write(
        HardwareProfile,
        stamp.pk,
        now,
        (
            {
                "id": profile.id,
                "name": profile.name,
                "description": profile.description,
                "cores": profile.cores,
                "memory_mb": profile.memory_mb,
            }
            for profile in inventory.profiles
        ),
    )
    _write(
        Network,
        stamp.pk,
        now,
        (
            {
                "id": network.id,
                "name": network.name,
                "description": network.description,
                "logical_network_id": network.logical_network_id,
                "isolation": network.isolation,
            }
            for network in inventory.networks
        ),
    )
    _write(
        LibraryDisk,
        stamp.pk,
        now,
        (
            {
                "id": disk.id,
                "name": disk.name,
                "description": disk.description,
                "size_gb": disk.size_gb,
                "os_name": disk.os_name,
            }
            for disk in inventory.library_disks
        ),
    )
    _write(
        Media,
        stamp.pk,
        now,
        (
            {
                "id": media.id,
                "name": media.name,
                "description": media.description,
                "size_mb": media.size_mb,
            }
            for media in inventory.media
        ),
    )
    problem = ""
    if not inventory.clouds:
        problem = NO_RIGHTS if inventory.lacks_rights else NO_CLOUDS
    Stamp.objects.filter(pk=stamp.pk).update(problem=problem)


def _write(model: Any, stamp_id: uuid.UUID, now: Any, rows: Iterable[dict[str, Any]]) -> None:
    objects = [
        model(stamp_id=stamp_id, synced_at=now, missing_at=None, **values) for values in rows
    ]
    if objects:
        columns = [
            field.name
            for field in model._meta.concrete_fields
            if not field.primary_key and field.name != "stamp"
        ]
        model.objects.bulk_create(
            objects,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=columns,
            batch_size=500,
        )
    model.objects.filter(stamp_id=stamp_id, missing_at=None).exclude(
        pk__in=[row.pk for row in objects]
    ).update(missing_at=now)
