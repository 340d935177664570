"""Remove a machine: from the host first, proved gone, and only then from our books.

Disks copied for a guest that was never defined are orphans to the host and are removed by id.
"""

from __future__ import annotations

from uuid import UUID

from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Recipe, Turn
from fabric.vmm import addresses, placement
from fabric.vmm.jobs.faults import again, step
from fabric.vmm.jobs.hosts import driver_of, status_after, write
from fabric.vmm.jobs.work import Work
from fabric.vmm.models import Job, VirtualMachine
from fabric.vmm.states import MachineStatus


def ensure_removed(turn: Turn) -> Again | None:
    """Have the host remove the guest with its disks and adapters, and ask whether it did."""
    host = driver_of(turn)
    if host is None:
        return None
    waiting = again(host.ensure_removed(turn.job.subject))
    if waiting is None and host.guest(turn.job.subject) is not None:
        return Again(1.0, message="The host still has the machine; removing it again.")
    return waiting


def ensure_orphans_removed(turn: Turn) -> None:
    """Have the host drop disks that never became the guest's."""
    host = driver_of(turn)
    if host is not None:
        for disk in turn.job.inputs["disks"]:
            host.ensure_disk_removed(UUID(disk))


def ensure_nothing_left(turn: Turn) -> Again | None:
    """Look on the host itself before anything is given back; remove again what is still there."""
    host = driver_of(turn)
    if host is None:
        return None
    if host.guest(turn.job.subject) is not None:
        host.ensure_removed(turn.job.subject)
        return Again(1.0, message="The host still has the machine; removing it again.")
    ours = {UUID(disk) for disk in turn.job.inputs["disks"]}
    left = ours & {disk.id for disk in host.disks()} if ours else set()
    for disk in left:
        host.ensure_disk_removed(disk)
    return Again(1.0, message="The host still has a disk; removing it again.") if left else None


def ensure_forgotten(turn: Turn) -> None:
    """Give back room and addresses, erase secrets of earlier jobs, and delete the row."""
    machine = VirtualMachine.objects.select_for_update().filter(pk=turn.job.subject).first()
    if machine is None:
        return
    placement.release(machine)
    addresses.release(machine.adapters.all())
    Job.objects.filter(subject=machine.pk).exclude(sealed="").update(sealed="")
    machine.delete()
    turn.message = "Nothing of the machine is left."


def failed(turn: Turn, fault: Fault) -> None:
    """Keep the machine: it is on our books until the host has let go of it."""
    before = turn.job.inputs["before"]
    write(turn, status=status_after(fault, before), failed_job_id=turn.job.pk)


REMOVE = Recipe(
    "remove",
    "Remove virtual machine",
    (
        step("ensure_removed", "Remove the machine from its host", ensure_removed, share=40),
        step("ensure_orphans_removed", "Remove its disks", ensure_orphans_removed),
        step("ensure_nothing_left", "Check that nothing is left", ensure_nothing_left, limit=300),
        step("ensure_forgotten", "Release addresses and room", ensure_forgotten, local=True),
    ),
    failed=failed,
)

WORKS = (
    Work(REMOVE, "Remove-SCVirtualMachine", permissions=("Remove",), busy=MachineStatus.DELETING),
)
