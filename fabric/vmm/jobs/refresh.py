"""Read a machine again: our books follow what its host says, after a change behind our back.

What is more than a change (a disk or the machine that is gone, or elsewhere) is left to the drift
sweep and told in the job's message. A machine that is being repaired keeps its status.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Recipe, Turn
from fabric.hypervisors.base import GuestState, Power
from fabric.vmm import placement
from fabric.vmm.errors import VMMError
from fabric.vmm.jobs.faults import step
from fabric.vmm.jobs.hosts import locked, status_after, write
from fabric.vmm.jobs.operate import STATUS_OF_POWER, Operation
from fabric.vmm.jobs.truth import count_storage, look
from fabric.vmm.jobs.work import Work
from fabric.vmm.models import DiskDrive, StorageVolume, VirtualMachine
from fabric.vmm.states import MachineStatus as Status

LONGEST_NAME = 64


def ensure_read(turn: Turn) -> Again | None:
    """Ask the host what the guest is."""
    guest = look(turn)
    if guest is not None and guest.power not in STATUS_OF_POWER:
        return Again(1.0, message="The host is still changing its power.")
    turn.memo["guest"] = None if guest is None else _notes(guest)
    return None


def _notes(guest: GuestState) -> dict[str, Any]:
    return {
        "power": str(guest.power),
        "hypervisor_id": str(guest.hypervisor_id),
        "name": guest.name,
        "size": {"cores": guest.cores, "memory_mb": guest.memory_mb},
        "disks": {str(d.id): {"size_gb": d.size_gb, "volume": d.volume} for d in guest.disks},
    }


def ensure_refreshed(turn: Turn) -> None:
    """Write what the host told; a machine that was never made stays a failed one."""
    told = turn.memo["guest"]
    machine = locked(turn)
    never_made = turn.job.inputs["before"] == Status.CREATION_FAILED
    if told is None:
        write(turn, status=Status.CREATION_FAILED if never_made else Status.MISSING)
        return
    unsaid = [*_size(turn, machine, told["size"]), *_disks(machine, told["disks"])]
    if 0 < len(told["name"]) <= LONGEST_NAME:
        write(turn, name=told["name"])
    # With room on two hosts, or copies in the library, it is for its repair to say where it is.
    if machine.moving_to_id is None and machine.stored_on_id is None:
        write(
            turn,
            status=STATUS_OF_POWER[Power(told["power"])],
            hypervisor_id=told["hypervisor_id"],
            deployment_error=None,
            failed_job_id=None,
        )
    turn.message = " ".join(unsaid)


def _size(turn: Turn, machine: VirtualMachine, size: dict[str, int]) -> list[str]:
    if size == {"cores": machine.cores, "memory_mb": machine.memory_mb}:
        return []
    try:
        placement.resize(machine, **size)
    except VMMError as error:
        return [f"The host has another size, for which our books have no room: {error.message}"]
    write(turn, **size)
    return []


def _disks(machine: VirtualMachine, told: dict[str, dict[str, Any]]) -> list[str]:
    """Follow disks that grew or lie elsewhere; say what cannot be followed."""
    unsaid = []
    drives = DiskDrive.objects.filter(machine=machine.pk).select_related("volume")
    for drive in drives.select_for_update(of=("self",), no_key=True).order_by("pk"):
        found = told.get(str(drive.pk))
        if found is None:
            unsaid.append(f"The host does not have the disk {drive.name} in it.")
            continue
        try:
            _follow(machine, drive, found)
        except VMMError as error:
            unsaid.append(error.message)
    known = {str(drive.pk) for drive in drives}
    strange = [UUID(id) for id in told if id not in known]
    if strange:
        unsaid.append(f"The host has {len(strange)} more disks in it.")
    count_storage(machine.pk)
    return unsaid


def _follow(machine: VirtualMachine, drive: DiskDrive, found: dict[str, Any]) -> None:
    if found["size_gb"] != drive.size_gb:
        placement.grow_disk(drive, found["size_gb"])
    lies_elsewhere = drive.volume is not None and found["volume"] not in ("", drive.volume.name)
    if lies_elsewhere and drive.moving_to_id is None:
        volume = StorageVolume.objects.filter(host=machine.host_id, name=found["volume"]).first()
        if volume is not None:
            placement.move_disk(drive, volume)
            placement.settle_disk(drive)


def refresh_failed(turn: Turn, fault: Fault) -> None:
    """Nothing was changed: a job that failed before can still be resumed, undone or dismissed."""
    before = turn.job.inputs["before"]
    if before in (Status.CREATION_FAILED, Status.UPDATE_FAILED):
        return
    write(turn, status=status_after(fault, before))
    VirtualMachine.objects.filter(pk=turn.job.subject, failed_job_id=None).update(
        failed_job_id=turn.job.pk
    )


REFRESH = Operation(
    "Refresh",
    "Read-SCVirtualMachine",
    frozenset(
        {
            *STATUS_OF_POWER.values(),
            Status.HOST_NOT_RESPONDING,
            Status.MISSING,
            Status.CREATION_FAILED,
            Status.UPDATE_FAILED,
        }
    ),
    None,
    Recipe(
        "refresh",
        "Refresh virtual machine",
        (
            step("ensure_read", "Ask the host", ensure_read),
            step("ensure_refreshed", "Finish", ensure_refreshed, local=True),
        ),
        failed=refresh_failed,
    ),
)

WORKS = (Work(REFRESH.recipe, REFRESH.cmdlet),)
