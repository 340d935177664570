"""Repair a difference: have the host be what the books say, or clear away what they do not know.

`inputs` name the difference (`drift`), the host it is on, and what is wanted. What is cleared away
is proved gone; the difference is settled with the job's end, or keeps the reason it could not be.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now

from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Recipe, Step, Turn
from fabric.vmm.errors import Conflict
from fabric.vmm.jobs import truth
from fabric.vmm.jobs.faults import again, step
from fabric.vmm.jobs.hosts import driver, write
from fabric.vmm.jobs.remove import FORGOTTEN
from fabric.vmm.jobs.work import Work
from fabric.vmm.models import DiskDrive, Drift, DriftState, VirtualHardDisk, VirtualMachine
from fabric.vmm.states import MachineStatus

REPAIRED = "repaired"


def settle(turn: Turn) -> None:
    """Settle the difference."""
    Drift.objects.filter(pk=turn.job.inputs["drift"]).update(
        state=DriftState.SETTLED,
        settled_how=REPAIRED,
        settled_by=turn.job.owner_name,
        settled_at=Now(),
        message="",
    )


def failed(turn: Turn, fault: Fault) -> None:
    """Leave the difference open, with the reason."""
    Drift.objects.filter(pk=turn.job.inputs["drift"]).update(message=fault.message)


def require_strange(id: UUID, at: str) -> None:
    """Raise Conflict when the thing on a host is ours by now, and so not to be removed."""
    machines = VirtualMachine.objects.filter(Q(host__name=at) | Q(moving_to__name=at))
    disks = DiskDrive.objects.filter(Q(volume__host__name=at) | Q(moving_to__host__name=at))
    if any(rows.filter(pk=id).exists() for rows in (machines, disks)):
        raise Conflict("It is on our books by now.", advice="Compare the hosts again.")


def ensure_stranger_removed(turn: Turn) -> Again | None:
    """Have the host remove a machine that is nobody's, and ask whether it did."""
    require_strange(turn.job.subject, turn.job.inputs["host"])
    host = driver(turn)
    waiting = again(host.ensure_removed(turn.job.subject))
    if waiting is None and host.guest(turn.job.subject) is not None:
        return Again(1.0, message="The host still has the machine; removing it again.")
    return waiting


def ensure_disk_removed(turn: Turn) -> Again | None:
    """Have the host drop the disk, and ask whether it did."""
    require_strange(turn.job.subject, turn.job.inputs["host"])
    host = driver(turn)
    host.ensure_disk_removed(turn.job.subject)
    if any(disk.id == turn.job.subject for disk in host.disks()):
        return Again(1.0, message="The host still has the disk; removing it again.")
    return None


def ensure_image(turn: Turn) -> Again | None:
    """Copy the disk into the library, and see that it is there."""
    host = driver(turn)
    waiting = again(host.ensure_image(turn.job.subject, turn.job.inputs["image"]))
    if waiting is None and turn.job.inputs["image"] not in host.images():
        return Again(1.0, message="The library has no copy yet; copying again.")
    return waiting


def ensure_shelved(turn: Turn) -> None:
    """Put the copy on the books, as a disk of the library."""
    inputs = turn.job.inputs
    VirtualHardDisk.objects.get_or_create(
        server_id=turn.job.server_id,
        source_image=inputs["image"],
        defaults={
            "name": inputs["name"],
            "size_gb": inputs["size_gb"],
            "share_id": inputs["share"],
            "description": inputs["description"],
        },
    )


def ensure_back(turn: Turn) -> Again | None:
    """Move the machine back to the host it is on in the books, and see that it has left."""
    inputs = turn.job.inputs
    volumes = {UUID(disk): name for disk, name in inputs["volumes"].items()}
    host = driver(turn)
    waiting = again(host.ensure_moved(turn.job.subject, inputs["target"], volumes))
    if waiting is None and host.guest(turn.job.subject) is not None:
        return truth.not_yet("The machine has not left yet; moving it again.")
    return waiting


def ensure_size(turn: Turn) -> Again | None:
    """Give the guest the size that the books say, and look whether it has it."""
    wanted = (turn.job.inputs["cores"], turn.job.inputs["memory_mb"])
    driver(turn).ensure_resized(turn.job.subject, *wanted)
    guest = truth.seen(turn)
    if (guest.cores, guest.memory_mb) != wanted:
        return truth.not_yet("The machine does not have its size yet; changing it again.")
    return None


def ensure_name(turn: Turn) -> Again | None:
    """Give the guest the name that the books say, and look whether it has it."""
    driver(turn).ensure_renamed(turn.job.subject, turn.job.inputs["name"])
    if truth.seen(turn).name != turn.job.inputs["name"]:
        return truth.not_yet("The machine does not have its name yet; changing it again.")
    return None


def ensure_still_gone(turn: Turn) -> None:
    """Raise Conflict when the host has the machine again: its data are not given up unasked."""
    if truth.look(turn) is not None:
        raise Conflict(
            f"The host {turn.job.inputs['host']} has the machine again.",
            advice="Compare the hosts again.",
        )


def ensure_free(turn: Turn) -> None:
    """Let others work on the machine again."""
    write(turn, status=turn.job.inputs["before"])


def machine_failed(turn: Turn, fault: Fault) -> None:
    """Leave difference and machine as they were."""
    write(turn, status=turn.job.inputs["before"])
    failed(turn, fault)


def _recipe(name: str, title: str, *steps: Step) -> Recipe:
    return Recipe(name, title, steps, succeeded=settle, failed=failed)


_FREE = step("ensure_free", "Finish", ensure_free, local=True, share=5)


def _of_machine(name: str, title: str, mend: Step) -> Recipe:
    return Recipe(name, title, (mend, _FREE), succeeded=settle, failed=machine_failed)


REMOVE_STRANGER = _recipe(
    "remove_stranger",
    "Remove unknown machine",
    step("ensure_stranger_removed", "Remove the machine from its host", ensure_stranger_removed),
)
REMOVE_ORPHAN = _recipe(
    "remove_orphan",
    "Remove orphan disk",
    step("ensure_disk_removed", "Remove the disk from its host", ensure_disk_removed),
)
SHELVE_ORPHAN = _recipe(
    "shelve_orphan",
    "Take orphan disk into the library",
    step("ensure_image", "Copy the disk into the library", ensure_image, share=60),
    step("ensure_shelved", "Add it to the library", ensure_shelved, local=True),
    step("ensure_disk_removed", "Remove the disk from its host", ensure_disk_removed),
)
BRING_BACK = _of_machine(
    "bring_back",
    "Move machine back to its host",
    step("ensure_back", "Move the machine", ensure_back, share=60),
)
RESTORE_SIZE = _of_machine(
    "restore_size",
    "Give machine its size back",
    step("ensure_size", "Change processors and memory", ensure_size),
)
RESTORE_NAME = _of_machine(
    "restore_name",
    "Give machine its name back",
    step("ensure_name", "Rename the machine on its host", ensure_name),
)
FORGET = Recipe(
    "forget",
    "Forget missing machine",
    (step("ensure_still_gone", "Ask the host once more", ensure_still_gone), FORGOTTEN),
    failed=machine_failed,
)

WORKS = (
    *(
        Work(recipe, "Repair-SCVMHost", of_fabric=True)
        for recipe in (REMOVE_STRANGER, REMOVE_ORPHAN, SHELVE_ORPHAN)
    ),
    Work(
        BRING_BACK,
        "Repair-SCVirtualMachine",
        of_fabric=True,
        busy=MachineStatus.UNDER_MIGRATION,
    ),
    *(
        Work(recipe, "Repair-SCVirtualMachine", of_fabric=True, busy=MachineStatus.UNDER_UPDATE)
        for recipe in (RESTORE_SIZE, RESTORE_NAME)
    ),
    Work(FORGET, "Remove-SCVirtualMachine", of_fabric=True, busy=MachineStatus.DELETING),
)
