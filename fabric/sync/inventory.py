"""Write what a stamp offers into our rows: clouds, templates, sizes, networks, disks, images."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import asdict
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


# What is kept of each kind beside id, name and description: the far side's words are ours.
KINDS: tuple[tuple[Any, str, tuple[str, ...]], ...] = (
    (
        Cloud,
        "clouds",
        ("cores", "memory_mb", "storage_gb", "machines", "used", "logical_network_ids"),
    ),
    (
        Template,
        "templates",
        (
            *("os_name", "os_type", "cores", "memory_mb", "storage_gb", "generation", "adapters"),
            *("only_cloud", "min_cores", "max_cores", "min_memory_mb", "max_memory_mb"),
        ),
    ),
    (HardwareProfile, "profiles", ("cores", "memory_mb")),
    (Network, "networks", ("logical_network_id", "isolation", "subnets", "pools")),
    (LibraryDisk, "library_disks", ("size_gb", "os_name")),
    (Media, "media", ("size_mb",)),
)
# But for these.
READ: dict[str, Callable[[Any], Any]] = {
    "used": lambda cloud: dict(cloud.used),
    "logical_network_ids": lambda cloud: [str(pk) for pk in cloud.logical_network_ids],
    "subnets": lambda network: list(network.subnets),
    "pools": lambda network: network.pools and [asdict(pool) for pool in network.pools],
    "only_cloud": lambda template: template.cloud_id,
}


@transaction.atomic
def apply(stamp: Stamp, inventory: Inventory) -> None:
    """Write the stamp's inventory, mark what was not seen, and note what is wrong."""
    now = timezone.now()
    for model, kind, columns in KINDS:
        _write(model, stamp.pk, now, (_values(told, columns) for told in getattr(inventory, kind)))
    problem = ""
    if not inventory.clouds:
        problem = NO_RIGHTS if inventory.lacks_rights else NO_CLOUDS
    Stamp.objects.filter(pk=stamp.pk).update(problem=problem)


def _values(told: Any, columns: Iterable[str]) -> dict[str, Any]:
    names = ("id", "name", "description", *columns)
    return {name: READ[name](told) if name in READ else getattr(told, name) for name in names}


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
