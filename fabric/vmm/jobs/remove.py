"""Remove a machine: from hosts and library first, proved gone, and only then from our books.

`inputs`: see leaving.py; `images` are its copies in the library, `library` who can reach it.
"""

from __future__ import annotations

from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Recipe, Turn
from fabric.vmm import addresses, placement
from fabric.vmm.jobs import leaving
from fabric.vmm.jobs.faults import step
from fabric.vmm.jobs.hosts import erase_secrets, on_any_host, status_after, write
from fabric.vmm.jobs.images import ensure_dropped
from fabric.vmm.jobs.work import Work
from fabric.vmm.models import NetworkAdapter, VirtualMachine
from fabric.vmm.states import MachineStatus


def ensure_images_removed(turn: Turn) -> Again | None:
    """Have the copies of its disks removed from the library."""
    names = turn.job.inputs["images"]
    if not names:
        return None
    return on_any_host(turn, lambda host: ensure_dropped(host, names))


def ensure_forgotten(turn: Turn) -> None:
    """Give back room and addresses, erase secrets of earlier jobs, and delete the row."""
    machine = VirtualMachine.objects.select_for_update().filter(pk=turn.job.subject).first()
    if machine is None:
        return
    placement.release(machine)
    addresses.release(NetworkAdapter.objects.filter(machine=machine.pk))
    erase_secrets(machine.pk)
    machine.delete()
    turn.message = "Nothing of the machine is left."


def failed(turn: Turn, fault: Fault) -> None:
    """Keep the machine: it is on our books until the host has let go of it."""
    before = turn.job.inputs["before"]
    kept = (MachineStatus.STORED, MachineStatus.UPDATE_FAILED)
    status = before if before in kept else status_after(fault, before)
    write(turn, status=status, failed_job_id=turn.job.pk)


FORGOTTEN = step("ensure_forgotten", "Release addresses and room", ensure_forgotten, local=True)
REMOVE = Recipe(
    "remove",
    "Remove virtual machine",
    (
        *leaving.STEPS,
        step("ensure_images_removed", "Remove its copies in the library", ensure_images_removed),
        FORGOTTEN,
    ),
    failed=failed,
)

WORKS = (
    Work(REMOVE, "Remove-SCVirtualMachine", permissions=("Remove",), busy=MachineStatus.DELETING),
)
