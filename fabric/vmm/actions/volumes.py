"""Storage volumes of hosts. The host's row is their lock; its storage is their sum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict, Unpack

from django.db import transaction

from fabric.hypervisors.base import VolumeFacts
from fabric.hypervisors.errors import DriverFault
from fabric.vmm import drivers, roles
from fabric.vmm.actions import fields, rows
from fabric.vmm.errors import Conflict, NotFound
from fabric.vmm.models import DiskDrive, Host, StorageClassification, StorageVolume
from fabric.vmm.placement import inheritance
from fabric.vmm.roles import Caller


class Changes(TypedDict, total=False):
    capacity_gb: int
    classification: StorageClassification | None
    is_available: bool


@transaction.atomic
def add_volume(
    caller: Caller,
    host: Host,
    *,
    name: str,
    capacity_gb: int,
    classification: StorageClassification | None = None,
) -> StorageVolume:
    """Give a host another volume."""
    roles.require_fabric(caller, [host.group_id])
    held = held_host(host)
    volume = make_volume(held, name, capacity_gb, classification)
    _add_up(held, field="capacity_gb")
    return volume


@transaction.atomic
def change_volume(
    caller: Caller, volume: StorageVolume, **values: Unpack[Changes]
) -> StorageVolume:
    """Change a volume; Conflict when it would be too small, or not what its disks ask for.

    One that is not available takes no further disks; those on it stay.
    """
    host = volume.host
    roles.require_fabric(caller, [host.group_id])
    held = held_host(host)
    now = rows.held(volume)
    now.host = held
    rows.assign(now, values, _VOLUME)
    now.save(update_fields=list(values))
    if "capacity_gb" in values:
        _add_up(held, field="capacity_gb")
    return now


@transaction.atomic
def remove_volume(caller: Caller, volume: StorageVolume) -> None:
    """Remove a volume that no disk is on or moving to."""
    host = volume.host
    roles.require_fabric(caller, [host.group_id])
    held = held_host(host)
    fields.require_unused(
        f"The volume {volume} of {held}",
        ("disks", volume.drives.order_by("name")),
        ("disks moving there:", volume.arrivals.order_by("name")),
    )
    volume.delete()
    _add_up(held)


def make_volume(
    host: Host, name: str, capacity_gb: int, classification: StorageClassification | None
) -> StorageVolume:
    """Write a new volume of a host, whose sum is the caller's to keep."""
    volume = StorageVolume(host=host)
    values = {"name": name, "capacity_gb": capacity_gb, "classification": classification}
    return rows.save(rows.assign(volume, values, {"name": _name, **_VOLUME}))


def held_host(host: Host) -> Host:
    """Return the host with its row locked; NotFound when it is gone."""
    found: Host | None = (
        Host.objects.select_for_update(of=("self",), no_key=True)
        .select_related("server")
        .filter(pk=host.pk)
        .first()
    )
    if found is None:
        raise NotFound(f"There is no host {host}.")
    return found


def put_on_rack(host: Host, *, field: str) -> None:
    """Have the simulated host be what its row says; other hosts say themselves what they are."""
    if host.hypervisor != "simulated":
        return
    told = host.volumes.order_by("name").values_list("name", "capacity_gb")
    volumes = tuple(VolumeFacts(name, size) for name, size in told)
    try:
        drivers.add_simulated(host.name, host.cores, host.memory_mb, volumes)
    except DriverFault as fault:
        raise Conflict(f"The host {host} could not be made so: {fault.message}", field=field)


def storage_of(host: str, sizes: Iterable[int]) -> int:
    """Return what volumes of these sizes hold together; Invalid when that is beyond counting."""
    what = f"The storage of host {host} in GB"
    return fields.whole(sum(sizes), what, least=0, field="capacity_gb")


def _add_up(host: Host, *, field: str = "") -> None:
    host.storage_gb = storage_of(host.name, host.volumes.values_list("capacity_gb", flat=True))
    inheritance.require_room(host, field=field)
    host.save(update_fields=["storage_gb"])
    put_on_rack(host, field=field)


def _name(row: StorageVolume, keyword: str, value: str) -> str:
    cleaned = fields.name(value, f"volume of host {row.host}", field=keyword)
    fields.require_free(
        row.host.volumes.filter(name=cleaned), f"volume of {row.host}", cleaned, field=keyword
    )
    return cleaned


def _capacity(row: StorageVolume, keyword: str, value: int) -> int:
    size = fields.whole(value, f"The size of volume {row} of host {row.host} in GB", field=keyword)
    if size < row.used_gb:
        raise Conflict(
            f"The volume {row} of {row.host} holds {row.used_gb} GB of disks: "
            f"it cannot be {size} GB.",
            field=keyword,
        )
    return size


def _classification(
    row: StorageVolume, keyword: str, value: StorageClassification | None
) -> StorageClassification | None:
    fields.require_server(row.host.server, [value], "storage classification", field=keyword)
    asking = DiskDrive.objects.filter(volume=row, classification__isnull=False)
    drive = asking.exclude(classification=value).select_related("classification").first()
    if drive is not None:
        raise Conflict(
            f"The volume {row} of {row.host} holds the disk {drive}, "
            f"which is to lie on {drive.classification}.",
            advice="Move the disk first.",
            field=keyword,
        )
    return value


_VOLUME: dict[str, rows.Cleaner] = {
    "capacity_gb": _capacity,
    "classification": _classification,
    "is_available": rows.plain,
}
