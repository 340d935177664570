"""What is in a machine, as rows: disks, adapters, checkpoints; images for its drive."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone

from fabric.models import Adapter, Checkpoint, Disk, LibraryDisk, Machine, Media


def make_disk(machine: Machine, name: str = "web-01_data", **fields: Any) -> Disk:
    """Return a data disk."""
    values: dict[str, Any] = {"remote_id": uuid.uuid4(), "size_gb": 20, "bus_type": "SCSI"}
    return Disk.objects.create(machine=machine, name=name, **values | {"lun": 1} | fields)


def make_adapter(machine: Machine, **fields: Any) -> Adapter:
    """Return an adapter on the machine's network."""
    values: dict[str, Any] = {
        "remote_id": uuid.uuid4(),
        "network": machine.network,
        "network_name": machine.network.name if machine.network else "",
        "mac": "00:1D:D8:B7:1C:0A",
        "is_static": True,
        "addresses": list(machine.addresses),
    }
    return Adapter.objects.create(machine=machine, **values | fields)


def make_checkpoint(machine: Machine, name: str = "before update", **fields: Any) -> Checkpoint:
    """Return a checkpoint made an hour ago."""
    values: dict[str, Any] = {
        "remote_id": uuid.uuid4(),
        "created_at": timezone.now() - timedelta(hours=1),
    }
    return Checkpoint.objects.create(machine=machine, name=name, **values | fields)


def make_media(machine: Machine, name: str = "rescue.iso") -> Media:
    """Return an image that the machine's plan holds."""
    made = Media.objects.create(
        id=uuid.uuid4(), stamp=machine.stamp, name=name, size_mb=700, synced_at=timezone.now()
    )
    machine.subscription.plan.offering.media.add(made)
    return made


def make_library_disk(machine: Machine, name: str = "tools.vhdx") -> LibraryDisk:
    """Return a disk of the library that the machine's plan holds."""
    made = LibraryDisk.objects.create(
        id=uuid.uuid4(), stamp=machine.stamp, name=name, size_gb=12, synced_at=timezone.now()
    )
    machine.subscription.plan.offering.library_disks.add(made)
    return made
