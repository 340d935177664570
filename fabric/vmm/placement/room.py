"""What machines and disks hold on hosts and volumes. The host's row is the lock of its volumes.

What a host holds of storage is always the sum of what its volumes hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import connection

from fabric.vmm.errors import Conflict, NoSuitableHost
from fabric.vmm.models import DiskDrive, Host, StorageVolume, VirtualMachine
from fabric.vmm.placement import survey
from fabric.vmm.placement.limits import Disk, Need, Volume, lacking, lay


def resize(machine: VirtualMachine, cores: int, memory_mb: int) -> None:
    """Count another size of a placed machine; NoSuitableHost when its host has not the room.

    The row of the machine is the caller's to write.
    """
    if machine.host_id is None:
        return
    if machine.moving_to_id is not None:
        raise Conflict(f"The machine {machine} is moving: its size cannot be changed meanwhile.")
    host = lock(machine.host_id)
    more_cores, more_mb = cores - machine.cores, memory_mb - machine.memory_mb
    if (more_mb > 0 and more_mb > host.free_memory_mb) or (
        more_cores > 0 and more_cores > host.free_cores
    ):
        raise NoSuitableHost(
            f"Its host has room for {max(0, host.free_memory_mb)} MB and "
            f"{max(0, host.free_cores)} processors more; {max(0, more_mb)} MB and "
            f"{max(0, more_cores)} processors are wanted.",
            advice="Choose a smaller size.",
        )
    take(host.pk, more_cores, more_mb, {})


def release(machine: VirtualMachine) -> None:
    """Give back what the machine and its disks hold, also where it was moving to.

    Writes machine.host and the volumes of its disks, so that it may be repeated.
    """
    held = VirtualMachine.objects.select_for_update(no_key=True).get(pk=machine.pk)
    stored: dict[UUID, dict[UUID, int]] = defaultdict(lambda: defaultdict(int))
    drives = DiskDrive.objects.filter(machine=held.pk)
    for size, *places in drives.values_list(
        "size_gb", "volume__host", "volume", "moving_to__host", "moving_to"
    ):
        for host, volume in (places[:2], places[2:]):
            if volume is not None:
                stored[host][volume] -= size
    placed = {held.host_id, held.moving_to_id} - {None}
    for host in sorted(placed | set(stored)):
        times = -1 if host in placed else 0
        take(host, times * held.cores, times * held.memory_mb, stored[host])
    drives.exclude(volume=None, moving_to=None).update(volume=None, moving_to=None)
    if placed:
        VirtualMachine.objects.filter(pk=held.pk).update(host=None, moving_to=None)
    machine.host = machine.moving_to = None


def take_disk(
    host: Host, drive: DiskDrive, *, volume: StorageVolume | None = None
) -> StorageVolume:
    """Take room for a disk on a volume that fits it (or on this one); writes drive.volume.

    One that lies on this host already stays. Room is not checked twice: the row is locked.
    """
    held = lock(host.pk)
    if drive.volume is not None and drive.volume.host_id == host.pk:
        return drive.volume
    found = find_volume(held, drive, volume)
    take(held.pk, 0, 0, {found.pk: drive.size_gb})
    DiskDrive.objects.filter(pk=drive.pk).update(volume=found)
    drive.volume = found
    return found


def release_disk(drive: DiskDrive) -> None:
    """Give back what a disk holds, also where it was moving to; writes drive.volume."""
    size, *places = DiskDrive.objects.values_list(
        "size_gb", "volume__host", "volume", "moving_to__host", "moving_to"
    ).get(pk=drive.pk)
    held = [pair for pair in (places[:2], places[2:]) if pair[1] is not None]
    for host, volume in sorted(held):
        take(host, 0, 0, {volume: -size})
    DiskDrive.objects.filter(pk=drive.pk).update(volume=None, moving_to=None)
    drive.volume = drive.moving_to = None


def grow_disk(drive: DiskDrive, size_gb: int) -> None:
    """Count another size of a disk; writes drive.size_gb. A smaller one gives room back."""
    size, volume_id, host_id, target_id = DiskDrive.objects.values_list(
        "size_gb", "volume", "volume__host", "moving_to"
    ).get(pk=drive.pk)
    if target_id is not None:
        raise Conflict(f"The disk {drive} is moving: its size cannot be changed meanwhile.")
    more = size_gb - size
    if volume_id is not None and more:
        host = lock(host_id)
        volume = StorageVolume.objects.get(pk=volume_id)
        free = min(volume.free_gb, host.free_storage_gb)
        if more > 0 and more > free:
            raise NoSuitableHost(
                f"Where the disk {drive.name} lies, {max(0, free)} GB are free; "
                f"{more} GB more are wanted.",
                advice="Move the disk to another classification, or choose a smaller size.",
            )
        take(host.pk, 0, 0, {volume_id: more})
    DiskDrive.objects.filter(pk=drive.pk).update(size_gb=size_gb)
    drive.size_gb = size_gb


def find_volume(
    host: Host,
    drive: DiskDrive,
    wanted: StorageVolume | None = None,
    *,
    classification: UUID | None = None,
    label: str = "",
) -> StorageVolume:
    """Return the volume of a locked host for a disk; NoSuitableHost when none has the room.

    The one it lies on is not considered. A classification given wins over the disk's own.
    """
    kind = classification or drive.classification_id
    name = label or (str(drive.classification) if drive.classification is not None else "")
    disk = Disk(str(drive.pk), drive.size_gb, None if kind is None else str(kind), name)
    limits = survey.read_classifications(drive.machine.cloud_id)
    volumes: list[Volume] = [
        volume
        for volume in survey.volumes_of(host)
        if volume.id != str(drive.volume_id) and (wanted is None or volume.id == str(wanted.pk))
    ]
    laid = None
    if drive.size_gb <= host.free_storage_gb:
        laid = lay([disk], Need(0, 0, classifications=limits), volumes)
    if laid is None:
        raise NoSuitableHost(
            f"The host of the machine has {lacking(disk)} for the disk {drive.name}.",
            advice="Choose a smaller size or another classification.",
        )
    return StorageVolume.objects.get(pk=laid[disk.id])


def lock(host_id: UUID | None) -> Host:
    """Return a host whose row is locked until the transaction ends."""
    return Host.objects.select_for_update(no_key=True).get(pk=host_id)


def take(host_id: UUID, cores: int, memory_mb: int, by_volume: Mapping[Any, int]) -> None:
    """Count what is held on a host and its volumes; less than nothing gives back. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE,
            {
                "host": host_id,
                "cores": cores,
                "memory_mb": memory_mb,
                "storage_gb": sum(by_volume.values()),
                "volumes": list(by_volume),
                "sizes": list(by_volume.values()),
            },
        )


def assign(machine: VirtualMachine, host: Host, volumes: Mapping[str, str]) -> None:
    """Write where a machine and its disks are. One query."""
    _point(_ASSIGN, machine, host, volumes)


def assign_target(machine: VirtualMachine, host: Host, volumes: Mapping[str, str]) -> None:
    """Write where a machine and its disks are moving to. One query."""
    _point(_ASSIGN_TARGET, machine, host, volumes)


def _point(statement: str, machine: VirtualMachine, host: Host, volumes: Mapping[str, str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "machine": machine.pk,
                "host": host.pk,
                "drives": list(volumes),
                "volumes": list(volumes.values()),
            },
        )


# The host comes first: its row is the lock.
_TAKE = """
WITH host AS (
    UPDATE vmm_host SET used_cores = used_cores + %(cores)s,
        used_memory_mb = used_memory_mb + %(memory_mb)s,
        used_storage_gb = used_storage_gb + %(storage_gb)s
    WHERE id = %(host)s RETURNING id
)
UPDATE vmm_storagevolume AS volume SET used_gb = volume.used_gb + told.gb
FROM unnest(%(volumes)s::uuid[], %(sizes)s::int[]) AS told (id, gb), host
WHERE volume.id = told.id AND volume.host_id = host.id
"""
_ASSIGN = """
WITH drives AS (
    UPDATE vmm_diskdrive AS drive SET volume_id = told.volume
    FROM unnest(%(drives)s::uuid[], %(volumes)s::uuid[]) AS told (id, volume)
    WHERE drive.id = told.id
)
UPDATE vmm_virtualmachine SET host_id = %(host)s WHERE id = %(machine)s
"""
_ASSIGN_TARGET = _ASSIGN.replace("volume_id =", "moving_to_id =").replace(
    "host_id =", "moving_to_id ="
)
