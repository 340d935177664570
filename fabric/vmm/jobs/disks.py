"""Disks of a machine that is there: add, enlarge, move to other storage, store, remove.

Room is taken by the action, and given back once the host has let go of it. `inputs` name the drive
and what the host is to do; a job that failed puts back what it changed, as far as the host lets it.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Recipe, Turn
from fabric.hypervisors.base import DiskSpec, GuestState
from fabric.hypervisors.errors import Missing
from fabric.vmm import placement, roles, slots
from fabric.vmm.jobs import truth
from fabric.vmm.jobs.faults import again, step
from fabric.vmm.jobs.hosts import driver, locked
from fabric.vmm.jobs.work import Work
from fabric.vmm.models import DiskDrive, ResourceKind, RoleResource, VirtualHardDisk
from fabric.vmm.states import MachineStatus


def _id(turn: Turn) -> UUID:
    return UUID(turn.job.inputs["drive"])


def _drive(turn: Turn) -> DiskDrive:
    return DiskDrive.objects.select_related("volume", "machine").get(pk=_id(turn))


def _spec(turn: Turn) -> DiskSpec:
    wanted = turn.job.inputs["disk"]
    return DiskSpec(_id(turn), wanted["image"], wanted["size_gb"], wanted["volume"])


def _drop(turn: Turn) -> None:
    """Take the drive off the books and give its room back."""
    machine = locked(turn)
    drive = DiskDrive.objects.filter(pk=_id(turn)).first()
    if drive is not None:
        placement.release_disk(drive)
        drive.delete()
    truth.count_storage(machine.pk)


def ensure_disk(turn: Turn) -> Again | None:
    """Have the host make the disk, and look whether it is there."""
    host = driver(turn)
    waiting = again(host.ensure_disk(_spec(turn)))
    if waiting is None and _id(turn) not in {disk.id for disk in host.disks()}:
        return truth.not_yet("The host has no such disk yet; making it again.")
    return waiting


def ensure_attached(turn: Turn) -> Again | None:
    """Have the host give the disk to the guest, and look whether it did."""
    driver(turn).ensure_attached(turn.job.subject, _spec(turn))
    if truth.attached(truth.seen(turn), _id(turn)) is None:
        return truth.not_yet("The machine does not have the disk yet; attaching it again.")
    return None


def ensure_added(turn: Turn) -> None:
    """Write that the machine is well, with the disk."""
    truth.succeeded(turn)


def add_failed(turn: Turn, fault: Fault) -> None:
    """Forget a disk that the host does not have."""
    if truth.is_known(turn) and not turn.memo["found"]["is_there"]:
        _drop(turn)
    truth.failed(turn, fault)


def _ask_added(turn: Turn, guest: GuestState) -> dict[str, Any]:
    """Clear a disk away that did not become the guest's."""
    if truth.attached(guest, _id(turn)) is not None:
        return {"is_there": True}
    host = driver(turn)
    host.ensure_disk_removed(_id(turn))
    return {"is_there": truth.is_on_host(host, guest, _id(turn))}


def ensure_grown(turn: Turn) -> Again | None:
    """Have the host enlarge the disk, and look how large it is."""
    size_gb = turn.job.inputs["size_gb"]
    waiting = again(driver(turn).ensure_disk_size(_id(turn), size_gb))
    if waiting is not None:
        return waiting
    if _of_guest(turn, truth.seen(turn)).size_gb < size_gb:
        return truth.not_yet("The disk is not larger yet; enlarging it again.")
    return None


def ensure_size_written(turn: Turn) -> None:
    """Write that the machine is well, with the larger disk."""
    truth.succeeded(turn)


def grow_failed(turn: Turn, fault: Fault) -> None:
    """Count the size that the disk has."""
    if truth.is_known(turn):
        machine = locked(turn)
        placement.grow_disk(_drive(turn), turn.memo["found"]["size_gb"])
        truth.count_storage(machine.pk)
    truth.failed(turn, fault)


def _ask_size(turn: Turn, guest: GuestState) -> dict[str, Any]:
    disk = _of_guest(turn, guest)
    # Busy when it is still growing: then nothing is certain yet.
    driver(turn).ensure_disk_size(disk.id, disk.size_gb)
    return {"size_gb": disk.size_gb}


def ensure_moved(turn: Turn) -> Again | None:
    """Have the host move the disk, and look where it lies."""
    volume = turn.job.inputs["volume"]
    waiting = again(driver(turn).ensure_disk_moved(_id(turn), volume))
    if waiting is not None:
        return waiting
    if _of_guest(turn, truth.seen(turn)).volume != volume:
        return truth.not_yet("The disk is not there yet; moving it again.")
    return None


def ensure_place_written(turn: Turn) -> None:
    """Give the old place back."""
    _settle(turn)
    truth.succeeded(turn)


def move_failed(turn: Turn, fault: Fault) -> None:
    """Give back the place where the disk does not lie."""
    if truth.is_known(turn):
        if turn.memo["found"]["volume"] == turn.job.inputs["volume"]:
            _settle(turn)
        else:
            locked(turn)
            placement.give_back_disk(_drive(turn))
    truth.failed(turn, fault)


def _settle(turn: Turn) -> None:
    locked(turn)
    placement.settle_disk(_drive(turn))
    kind = turn.job.inputs["classification"]
    DiskDrive.objects.filter(pk=_id(turn)).update(classification=kind)


def _ask_place(turn: Turn, guest: GuestState) -> dict[str, Any]:
    disk = _of_guest(turn, guest)
    # Busy when it is still on its way: then nothing is certain yet.
    driver(turn).ensure_disk_moved(disk.id, disk.volume)
    return {"volume": disk.volume}


def ensure_detached(turn: Turn) -> Again | None:
    """Have the host take the disk from the guest, and look whether it did."""
    driver(turn).ensure_detached(turn.job.subject, _id(turn))
    if truth.attached(truth.seen(turn), _id(turn)) is not None:
        return truth.not_yet("The machine still has the disk; detaching it again.")
    return None


def ensure_removed(turn: Turn) -> Again | None:
    """Have the host delete the disk, and see that it is gone.

    It is detached once more first: when this failed before, it was given back to the guest.
    """
    host = driver(turn)
    host.ensure_detached(turn.job.subject, _id(turn))
    host.ensure_disk_removed(_id(turn))
    if truth.is_on_host(host, truth.seen(turn), _id(turn)):
        return truth.not_yet("The host still has the disk; removing it again.")
    return None


def ensure_forgotten(turn: Turn) -> None:
    """Give back its room, and delete the row."""
    _drop(turn)
    truth.succeeded(turn)
    turn.message = "Nothing of the disk is left."


def remove_failed(turn: Turn, fault: Fault) -> None:
    """Keep the disk on the books unless the host has let go of it."""
    if truth.is_known(turn) and not turn.memo["found"]["is_there"]:
        _drop(turn)
    truth.failed(turn, fault)


def _ask_removed(turn: Turn, guest: GuestState) -> dict[str, Any]:
    """Give the guest its disk back, when it was only detached."""
    if truth.attached(guest, _id(turn)) is not None:
        return {"is_there": True}
    host = driver(turn)
    if not truth.is_on_host(host, guest, _id(turn)):
        return {"is_there": False}
    orphan = next((disk for disk in host.disks() if disk.id == _id(turn)), None)
    if orphan is not None:
        host.ensure_attached(guest.id, orphan)
    return {"is_there": True}


def ensure_image(turn: Turn) -> Again | None:
    """Have the host copy the disk into the library, and look whether the copy is there."""
    host, image = driver(turn), turn.job.inputs["image"]
    waiting = again(host.ensure_image(_id(turn), image))
    if waiting is None and image not in host.images():
        return truth.not_yet("The library has no copy yet; copying again.")
    return waiting


def ensure_stored(turn: Turn) -> None:
    """Give back its room, and offer the copy to whose the machine is."""
    _drop(turn)
    _offer(turn)
    truth.succeeded(turn)
    turn.message = "The disk is in the library."


def detach_failed(turn: Turn, fault: Fault) -> None:
    """Forget the copy when the machine has its disk, keep it when it is all that is left."""
    if truth.is_known(turn):
        found = turn.memo["found"]
        if not found["is_there"]:
            _drop(turn)
        if found["is_there"] or not found["is_stored"]:
            VirtualHardDisk.objects.filter(pk=turn.job.inputs["library_disk"]).delete()
        else:
            _offer(turn)
    truth.failed(turn, fault)


def _offer(turn: Turn) -> None:
    stored = VirtualHardDisk.objects.filter(pk=turn.job.inputs["library_disk"])
    stored.update(is_enabled=True)
    role = turn.job.role
    # No role inside a tenant's has what the tenant's has not.
    for id in {role.pk, role.tenant_id} if role is not None else set():
        RoleResource.objects.get_or_create(
            role_id=id, kind=ResourceKind.DISK, resource_id=turn.job.inputs["library_disk"]
        )


def _ask_detached(turn: Turn, guest: GuestState) -> dict[str, Any]:
    """Give the guest its disk back, and only then clear the copy away."""
    found = _ask_removed(turn, guest)
    host, image = driver(turn), turn.job.inputs["image"]
    if found["is_there"]:
        host.ensure_image_removed(image)
    return {**found, "is_stored": image in host.images()}


def _of_guest(turn: Turn, guest: GuestState) -> DiskSpec:
    disk = truth.attached(guest, _id(turn))
    if disk is None:
        raise Missing(f"Guest {guest.id} has no disk {_id(turn)}.")
    return disk


_FINISH = "Finish"

ADD = slots.heavy(
    Recipe(
        "add_disk",
        "Add virtual disk",
        (
            truth.asking("ensure_disk", "Make the disk", ensure_disk, _ask_added, share=60),
            truth.asking(
                "ensure_attached", "Attach it to the machine", ensure_attached, _ask_added
            ),
            step("ensure_added", _FINISH, ensure_added, local=True, share=5),
        ),
        failed=add_failed,
    )
)
GROW = Recipe(
    "grow_disk",
    "Enlarge virtual disk",
    (
        truth.asking("ensure_grown", "Enlarge the disk", ensure_grown, _ask_size, share=60),
        step("ensure_size_written", _FINISH, ensure_size_written, local=True, share=5),
    ),
    failed=grow_failed,
)
MOVE = slots.heavy(
    Recipe(
        "move_disk",
        "Move virtual disk",
        (
            truth.asking("ensure_moved", "Move the disk", ensure_moved, _ask_place, share=80),
            step("ensure_place_written", _FINISH, ensure_place_written, local=True, share=5),
        ),
        failed=move_failed,
    )
)
_DETACH = ("ensure_detached", "Take it from the machine", ensure_detached)
_REMOVE = ("ensure_removed", "Remove the disk from its host", ensure_removed)
REMOVE = Recipe(
    "remove_disk",
    "Remove virtual disk",
    (
        truth.asking(*_DETACH, _ask_removed),
        truth.asking(*_REMOVE, _ask_removed),
        step("ensure_forgotten", "Release its room", ensure_forgotten, local=True, share=5),
    ),
    failed=remove_failed,
)
DETACH = slots.heavy(
    Recipe(
        "detach_disk",
        "Store virtual disk in the library",
        (
            truth.asking(
                "ensure_image",
                "Copy the disk into the library",
                ensure_image,
                _ask_detached,
                share=60,
            ),
            truth.asking(*_DETACH, _ask_detached),
            truth.asking(*_REMOVE, _ask_detached),
            step("ensure_stored", "Release its room", ensure_stored, local=True, share=5),
        ),
        failed=detach_failed,
    )
)


def _work(recipe: Recipe, cmdlet: str, **options: Any) -> Work:
    return Work(recipe, cmdlet, busy=MachineStatus.UNDER_UPDATE, **options)


WORKS = (
    _work(ADD, "New-SCVirtualDiskDrive", any_of=roles.CHANGE, refusal=truth.refusal),
    _work(GROW, "Expand-SCVirtualDiskDrive", any_of=roles.CHANGE, refusal=truth.refusal),
    _work(MOVE, "Move-SCVirtualHardDisk", any_of=roles.CHANGE, refusal=truth.refusal),
    _work(REMOVE, "Remove-SCVirtualDiskDrive", any_of=roles.CHANGE),
    _work(
        DETACH,
        "Save-SCVirtualHardDisk",
        permissions=("Store",),
        any_of=roles.CHANGE,
        refusal=truth.refusal,
    ),
)
