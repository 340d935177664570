"""Disks of machines that are there. The first one is the system's and stays with its machine.

While a machine has checkpoints its disks stay as they are: checkpoints are made of them.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Max

from fabric.vmm import capability, placement, quota, roles
from fabric.vmm.actions import fields, held
from fabric.vmm.actions.library import LARGEST_GB
from fabric.vmm.errors import Conflict, Invalid, NotFound, WrongState
from fabric.vmm.jobs.disks import ADD, DETACH, GROW, MOVE, REMOVE
from fabric.vmm.jobs.truth import count_storage
from fabric.vmm.models import (
    DiskDrive,
    Job,
    StorageClassification,
    StorageVolume,
    VirtualHardDisk,
    VirtualMachine,
)
from fabric.vmm.roles import Caller
from fabric.vmm.states import MachineStatus

_UNSAVED = held.SETTLED - {MachineStatus.SAVED}
# As many as one controller has places for.
_LUNS = 64


@transaction.atomic
def add(
    caller: Caller,
    machine: VirtualMachine,
    *,
    name: str = "",
    size_gb: int | None = None,
    library_disk: VirtualHardDisk | None = None,
    classification: StorageClassification | None = None,
    lun: int | None = None,
) -> Job:
    """Give a machine one more disk: an empty one, or a copy of a library disk, perhaps larger.

    It takes the first free place on the SCSI controller, or the one named by `lun`.
    """
    row = _ready(caller, machine, _UNSAVED, "no disk can be added")
    source = None if library_disk is None else _library_disk(caller, row, library_disk)
    size = _size(size_gb, source)
    if classification is not None:
        _require_classification(row, classification)
    drives = list(row.disks.all())
    cleaned = fields.name(name or f"{row.name}_disk_{len(drives) + 1}", "disk", longest=100)
    fields.require_free(row.disks.filter(name=cleaned), f"disk of {row.name}", cleaned)
    largest = max([size, *(drive.size_gb for drive in drives)])
    capability.require(row, disks=len(drives) + 1, largest_disk_gb=largest)
    _require_room(row, size)
    drive = DiskDrive.objects.create(
        machine=row,
        source=source,
        classification=classification,
        name=cleaned,
        image=None if source is None else source.source_image,
        size_gb=size,
        lun=_free_lun(row) if lun is None else _lun(row, lun),
    )
    volume = placement.take_disk(row.host, drive)
    count_storage(row.pk)
    disk = {"image": drive.image, "size_gb": size, "volume": volume.name}
    return held.begin_change(caller, row, ADD, drive=str(drive.pk), disk=disk)


@transaction.atomic
def rename(caller: Caller, drive: DiskDrive, *, name: str) -> DiskDrive:
    """Call a disk something else in our books; the host goes by its id."""
    row = held.held(caller, drive.machine)
    roles.require_any(caller, *roles.CHANGE, clouds=[row.cloud_id])
    disk = _found(row, drive)
    cleaned = fields.name(name, "disk", longest=100)
    others = row.disks.filter(name=cleaned).exclude(pk=disk.pk)
    fields.require_free(others, f"disk of {row.name}", cleaned)
    disk.name = cleaned
    disk.save(update_fields=["name"])
    return disk


@transaction.atomic
def grow(caller: Caller, drive: DiskDrive, *, size_gb: int) -> Job:
    """Enlarge a disk; the file systems on it are its guest's to enlarge."""
    row = _ready(caller, drive.machine, held.SETTLED, "its disks cannot be enlarged")
    disk = _found(row, drive)
    size = _size(size_gb, None)
    if size <= disk.size_gb:
        raise Invalid(
            f"The disk {disk} has {disk.size_gb} GB already: {size} GB is not more.",
            field="size_gb",
        )
    largest = row.disks.aggregate(largest=Max("size_gb"))["largest"]
    capability.require(row, largest_disk_gb=max(size, largest))
    _require_room(row, size - disk.size_gb)
    placement.grow_disk(disk, size)
    count_storage(row.pk)
    return held.begin_change(caller, row, GROW, drive=str(disk.pk), size_gb=size)


@transaction.atomic
def move(caller: Caller, drive: DiskDrive, *, classification: StorageClassification) -> Job:
    """Move a disk to storage of another classification on the host of its machine."""
    row = _ready(caller, drive.machine, held.SETTLED, "its disks cannot be moved")
    disk = _found(row, drive)
    _require_classification(row, classification)
    if disk.moving_to is not None and disk.moving_to.classification_id != classification.pk:
        # An earlier move failed unseen, and what it holds is the host's to say.
        raise Conflict(
            f"The disk {disk} is on its way to the volume {disk.moving_to} still.",
            advice="Move it there first: choose the same classification again.",
        )
    if disk.volume is not None and disk.volume.classification_id == classification.pk:
        raise Conflict(
            f"The disk {disk} lies on storage of the classification {classification} already.",
            field="classification",
        )
    if not StorageVolume.objects.filter(host=row.host, classification=classification).exists():
        raise Conflict(
            f"The host of {row.name} has no volume of the classification {classification}.",
            field="classification",
        )
    volume = placement.move_disk(disk, classification=classification)
    return held.begin_change(
        caller,
        row,
        MOVE,
        drive=str(disk.pk),
        volume=volume.name,
        classification=str(classification.pk),
    )


@transaction.atomic
def detach(caller: Caller, drive: DiskDrive) -> Job:
    """Take a disk from its machine and keep it, as a disk of the library that may be added again.

    It is stored on the share where its cloud stores things. The machine must be off.
    """
    row = _ready(caller, drive.machine, held.SETTLED, "its disks cannot be detached")
    roles.require_all(caller, "Store", clouds=[row.cloud_id])
    disk = _spare(row, drive, "detached")
    if row.cloud.store is None:
        raise Conflict(
            f"The cloud {row.cloud} has no library share to store the disk {disk} on.",
            advice="Your provider can give it one; or remove the disk with what is on it.",
        )
    held.require_status(
        row,
        {MachineStatus.POWER_OFF},
        "its disks can be detached only while it is off",
        advice="Stop it first.",
    )
    stored = VirtualHardDisk(
        server_id=row.server_id,
        share=row.cloud.store,
        size_gb=disk.size_gb,
        description=f"Detached from {row.name}.",
        # Offered when it is there.
        is_enabled=False,
    )
    stored.name = _free_name(row, disk, stored)
    stored.source_image = f"store:{stored.pk}"
    stored.save(force_insert=True)
    return held.begin_change(
        caller,
        row,
        DETACH,
        drive=str(disk.pk),
        image=stored.source_image,
        library_disk=str(stored.pk),
    )


@transaction.atomic
def remove(caller: Caller, drive: DiskDrive) -> Job:
    """Remove a disk from its machine, and what is on it for good."""
    row = _ready(caller, drive.machine, _UNSAVED, "its disks cannot be removed")
    disk = _spare(row, drive, "removed")
    return held.begin_change(caller, row, REMOVE, drive=str(disk.pk))


def _ready(caller: Caller, machine: VirtualMachine, allowed: Any, what: str) -> VirtualMachine:
    """Return the machine held, when its disks can be changed."""
    row = held.held(caller, machine)
    roles.require_any(caller, *roles.CHANGE, clouds=[row.cloud_id])
    held.require_idle(row)
    held.require_status(row, allowed, what)
    checkpoint = row.checkpoints.order_by("created_at").first()
    if checkpoint is not None:
        raise WrongState(
            f"The machine {row.name} has the checkpoint {checkpoint}: {what}.",
            advice="Remove its checkpoints first.",
        )
    return row


def _found(machine: VirtualMachine, drive: DiskDrive) -> DiskDrive:
    found = (
        machine.disks.select_related("volume", "moving_to", "machine").filter(pk=drive.pk).first()
    )
    if found is None:
        raise NotFound(f"The machine {machine.name} has no disk {drive.pk}.")
    return found


def _spare(machine: VirtualMachine, drive: DiskDrive, what: str) -> DiskDrive:
    """Return the disk, unless it is the first one."""
    disk = _found(machine, drive)
    first = machine.disks.order_by("bus_type", "bus", "lun").first()
    if disk == first:
        raise Conflict(f"The disk {disk} is the first one of {machine.name}: it cannot be {what}.")
    return disk


def _library_disk(
    caller: Caller, machine: VirtualMachine, disk: VirtualHardDisk
) -> VirtualHardDisk:
    found: VirtualHardDisk | None = (
        VirtualHardDisk.objects.visible_to(caller)
        .filter(pk=disk.pk, server=machine.server_id, is_enabled=True)
        .first()
    )
    if found is None:
        raise NotFound(f"There is no disk {disk} in the library.", field="library_disk")
    return found


def _size(size_gb: int | None, source: VirtualHardDisk | None) -> int:
    if size_gb is None:
        if source is None:
            raise Invalid("An empty disk needs a size.", field="size_gb")
        return source.size_gb
    size = fields.whole(size_gb, "The size in GB", most=LARGEST_GB, field="size_gb")
    if source is not None and size < source.size_gb:
        raise Invalid(
            f"A copy of {source} has {source.size_gb} GB at least, not {size} GB.", field="size_gb"
        )
    return size


def _require_classification(machine: VirtualMachine, classification: StorageClassification) -> None:
    """Raise NotFound unless the machine's cloud, or one that limits none, offers it."""
    rows = StorageClassification.objects.filter(server=machine.server_id)
    if machine.cloud.classifications.exists():
        rows = rows.filter(clouds=machine.cloud_id)
    if not rows.filter(pk=classification.pk).exists():
        raise NotFound(
            f"The cloud {machine.cloud} has no storage classification {classification}.",
            field="classification",
        )


def _require_room(machine: VirtualMachine, more_gb: int) -> None:
    more = quota.Size(storage_gb=more_gb)
    quota.require_room(machine.role, machine.cloud, more, member=machine.owner_name)


def _free_lun(machine: VirtualMachine) -> int:
    taken = set(machine.disks.filter(bus_type="SCSI", bus=0).values_list("lun", flat=True))
    for lun in range(_LUNS):
        if lun not in taken:
            return lun
    raise Conflict(f"The machine {machine.name} has {_LUNS} disks, and room for no more.")


def _lun(machine: VirtualMachine, lun: int) -> int:
    place = fields.whole(lun, "The LUN", least=0, most=_LUNS - 1, field="lun")
    taken = machine.disks.filter(bus_type="SCSI", bus=0, lun=place).first()
    if taken is not None:
        raise Conflict(f"LUN {place} of {machine.name} is taken by the disk {taken}.", field="lun")
    return place


def _free_name(machine: VirtualMachine, drive: DiskDrive, stored: VirtualHardDisk) -> str:
    """Return the disk's own name, or one that tells it apart from a library disk of that name."""
    others = VirtualHardDisk.objects.filter(server=machine.server_id, name=drive.name)
    return f"{drive.name[:90]} {stored.pk.hex[:8]}" if others.exists() else drive.name
