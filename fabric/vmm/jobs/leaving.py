"""Have hosts let go of a guest, and prove that nothing of it is left there.

`inputs["hosts"]` are the hosts that may have it (none when it was never placed), `disks` its disks:
those copied for a guest that was never defined are orphans to the host and are removed by id.
"""

from __future__ import annotations

from uuid import UUID

from fabric.durable.recipe import Again, Turn
from fabric.vmm.jobs.faults import again, step
from fabric.vmm.jobs.hosts import driver_at


def ensure_removed(turn: Turn) -> Again | None:
    """Have the hosts remove the guest with its disks and adapters, and ask whether they did."""
    for note in turn.job.inputs["hosts"]:
        host = driver_at(turn, note)
        waiting = again(host.ensure_removed(turn.job.subject))
        if waiting is None and host.guest(turn.job.subject) is not None:
            waiting = Again(1.0, message="The host still has the machine; removing it again.")
        if waiting is not None:
            return waiting
    return None


def ensure_orphans_removed(turn: Turn) -> None:
    """Have the hosts drop disks that never became the guest's."""
    for note in turn.job.inputs["hosts"]:
        host = driver_at(turn, note)
        for disk in turn.job.inputs["disks"]:
            host.ensure_disk_removed(UUID(disk))


def ensure_nothing_left(turn: Turn) -> Again | None:
    """Look on the hosts themselves before anything is given back; remove again what is left."""
    ours = {UUID(disk) for disk in turn.job.inputs["disks"]}
    for note in turn.job.inputs["hosts"]:
        host = driver_at(turn, note)
        if host.guest(turn.job.subject) is not None:
            host.ensure_removed(turn.job.subject)
            return Again(1.0, message="The host still has the machine; removing it again.")
        left = ours & {disk.id for disk in host.disks()} if ours else set()
        for disk in left:
            host.ensure_disk_removed(disk)
        if left:
            return Again(1.0, message="The host still has a disk; removing it again.")
    return None


REMOVED = step("ensure_removed", "Remove the machine from its host", ensure_removed, share=40)
ORPHANS = step("ensure_orphans_removed", "Remove its disks", ensure_orphans_removed)
NOTHING_LEFT = step(
    "ensure_nothing_left", "Check that nothing is left", ensure_nothing_left, limit=300
)
STEPS = (REMOVED, ORPHANS, NOTHING_LEFT)
