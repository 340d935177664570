"""Room while something moves: held at both ends, until it is settled or given back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.db.models import F, QuerySet

from fabric.vmm.errors import Conflict, NotFound, WrongState
from fabric.vmm.models import (
    DiskDrive,
    Host,
    StorageClassification,
    StorageVolume,
    VirtualMachine,
)
from fabric.vmm.placement import room, survey
from fabric.vmm.placement.choose import seize


def reserve_on(
    machine: VirtualMachine, host: Host, *, needs_slot: bool = False
) -> dict[UUID, StorageVolume]:
    """Take room for a placed machine on another host as well; return the volume of each disk.

    Writes machine.moving_to and drive.moving_to; the same again returns the same. All limits of
    `place` hold; NoSuitableHost says which is broken.
    """
    return reserve_best(machine, among=[host], needs_slot=needs_slot)[1]


def reserve_best(
    machine: VirtualMachine,
    *,
    among: Iterable[Host] | None = None,
    exclude: Iterable[Host] = (),
    needs_slot: bool = False,
) -> tuple[Host, dict[UUID, StorageVolume]]:
    """Do `reserve_on` with the best other host, which has `rating`; once chosen it stays."""
    wanted = None if among is None else list(among)
    held = survey.read_machine(machine, lock=True)
    if held.host_id is None:
        raise WrongState(f"The machine {held.name} is on no host.")
    if held.moving_to is None:
        moving = DiskDrive.objects.filter(machine=held.pk, moving_to__isnull=False).first()
        if moving is not None:
            raise Conflict(f"The disk {moving} of {held} is moving to another volume.")
        choice = seize(held, among=wanted, exclude=exclude, needs_slot=needs_slot)
        host = choice.host
        room.assign_target(held, host, choice.volumes)
    else:
        host = held.moving_to
        if wanted is not None and host not in wanted:
            raise Conflict(f"The machine {held.name} is moving to {host} already.")
    drives = DiskDrive.objects.filter(machine=held.pk, moving_to__isnull=False)
    volumes = {drive.pk: drive.moving_to for drive in drives.select_related("moving_to")}
    machine.moving_to = host
    return host, volumes


def settle_move(machine: VirtualMachine) -> None:
    """Write that the machine is on machine.moving_to, and give back what it held before.

    Nothing when it is not moving, so it may be repeated.
    """
    held = _lock(machine)
    if held.moving_to_id is None:
        return
    drives = _give_back(held, held.host_id, "volume")
    drives.update(volume=F("moving_to"), moving_to=None)
    VirtualMachine.objects.filter(pk=held.pk).update(host=F("moving_to"), moving_to=None)
    machine.host, machine.moving_to = held.moving_to, None


def give_back(machine: VirtualMachine) -> None:
    """Give back what is held on machine.moving_to: it stays where it is. May be repeated."""
    held = _lock(machine)
    if held.moving_to_id is not None:
        _give_back(held, held.moving_to_id, "moving_to").update(moving_to=None)
        VirtualMachine.objects.filter(pk=held.pk).update(moving_to=None)
    machine.moving_to = None


def move_disk(
    drive: DiskDrive,
    volume: StorageVolume | None = None,
    *,
    classification: StorageClassification | None = None,
) -> StorageVolume:
    """Take room for a disk on another volume of its host as well; writes drive.moving_to.

    Without a volume it is the freest of the classification (or of the disk's own). Once chosen
    it stays, until it is settled or given back.
    """
    now = _drive(drive)
    if now.volume is None:
        raise WrongState(f"The disk {now.name} is on no host.")
    target = now.moving_to
    if target is None:
        host = room.lock(now.volume.host_id)
        if classification is None:
            target = room.find_volume(host, now, volume)
        else:
            target = room.find_volume(
                host,
                now,
                volume,
                classification=classification.pk,
                label=classification.name,
            )
        room.take(host.pk, 0, 0, {target.pk: now.size_gb})
        DiskDrive.objects.filter(pk=now.pk).update(moving_to=target)
    elif target.host_id != now.volume.host_id:
        raise Conflict(f"The disk {now} is moving to another host with its machine.")
    drive.moving_to = target
    return target


def settle_disk(drive: DiskDrive) -> None:
    """Write that the disk is on drive.moving_to, and give the old place back. May be repeated."""
    now = _drive(drive)
    if now.moving_to is not None:
        assert now.volume is not None
        room.take(now.volume.host_id, 0, 0, {now.volume.pk: -now.size_gb})
        DiskDrive.objects.filter(pk=now.pk).update(volume=now.moving_to, moving_to=None)
        drive.volume = now.moving_to
    drive.moving_to = None


def give_back_disk(drive: DiskDrive) -> None:
    """Give back what is held on drive.moving_to: the disk stays. May be repeated."""
    now = _drive(drive)
    if now.moving_to is not None:
        room.take(now.moving_to.host_id, 0, 0, {now.moving_to.pk: -now.size_gb})
        DiskDrive.objects.filter(pk=now.pk).update(moving_to=None)
    drive.moving_to = None


def _lock(machine: VirtualMachine) -> VirtualMachine:
    return (
        VirtualMachine.objects.select_for_update(of=("self",), no_key=True)
        .select_related("moving_to")
        .get(pk=machine.pk)
    )


def _drive(drive: DiskDrive) -> DiskDrive:
    """Return the disk as it is now, its row locked."""
    found = (
        DiskDrive.objects.select_for_update(of=("self",), no_key=True)
        .select_related("volume", "moving_to", "machine", "classification")
        .filter(pk=drive.pk)
        .first()
    )
    if found is None:
        raise NotFound(f"There is no disk {drive.pk}.")
    return found


def _give_back(machine: VirtualMachine, host_id: UUID, field: str) -> QuerySet[DiskDrive]:
    """Give back what a machine and its disks hold on one of its two hosts; return the disks."""
    drives = DiskDrive.objects.filter(machine=machine.pk).exclude(**{field: None})
    sizes: dict[UUID, int] = defaultdict(int)
    for volume, size in drives.values_list(field, "size_gb"):
        sizes[volume] -= size
    room.take(host_id, -machine.cores, -machine.memory_mb, sizes)
    return drives
