"""Make, restore and remove checkpoints. The tree in our books follows the host's.

An answer that leaves out a checkpoint we did not ask to remove is not believed: rows go only with
what was removed here, or was never made. Storage of checkpoints counts against no quota.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Recipe, Turn
from fabric.hypervisors.base import CheckpointState, GuestState, Power
from fabric.vmm import placement
from fabric.vmm.jobs import truth
from fabric.vmm.jobs.faults import again, step
from fabric.vmm.jobs.hosts import driver, locked, write
from fabric.vmm.jobs.work import Work
from fabric.vmm.models import Checkpoint, DiskDrive
from fabric.vmm.states import MachineStatus

_RESTORED = (Power.OFF, Power.SAVED)


def ensure_checkpoint(turn: Turn) -> Again | None:
    """Have the host make the checkpoint, and look whether it is there."""
    inputs = turn.job.inputs
    id = UUID(inputs["checkpoint"])
    waiting = again(driver(turn).ensure_checkpoint(turn.job.subject, id, inputs["name"]))
    if waiting is not None:
        return waiting
    states = _note(turn)
    truth.seen(turn)
    if not any(state.id == id and state.is_current for state in states):
        return truth.not_yet("The host has no such checkpoint yet; making it again.")
    return None


def ensure_made(turn: Turn) -> None:
    """Write that the checkpoint is there."""
    locked(turn)
    _follow(turn.job.subject, turn.memo["checkpoints"])
    truth.succeeded(turn)


def make_failed(turn: Turn, fault: Fault) -> None:
    """Forget a checkpoint that the host never made; keep one that it did make."""
    if truth.is_known(turn):
        found = turn.memo["found"]["checkpoints"]
        wanted = turn.job.inputs["checkpoint"]
        _follow(turn.job.subject, found)
        if not any(state["id"] == wanted for state in found):
            Checkpoint.objects.filter(pk=wanted).delete()
    truth.failed(turn, fault)


def ensure_restored(turn: Turn) -> Again | None:
    """Have the host bring the guest back, and look whether it stands there."""
    id = UUID(turn.job.inputs["checkpoint"])
    waiting = again(driver(turn).ensure_restored(turn.job.subject, id))
    if waiting is not None:
        return waiting
    states, guest = _note(turn), truth.seen(turn)
    turn.memo["guest"] = _guest(guest)
    is_there = any(
        state.id == id
        and state.is_current
        and (state.cores, state.memory_mb) == (guest.cores, guest.memory_mb)
        for state in states
    )
    if not is_there or guest.power not in _RESTORED:
        return truth.not_yet("The machine is not back yet; restoring it again.")
    return None


def ensure_followed(turn: Turn) -> None:
    """Write the machine as the host has it now, and give back the room that it does not need."""
    _follow_guest(turn, turn.memo["guest"])
    _follow(turn.job.subject, turn.memo["checkpoints"])
    write(turn, last_restored_id=UUID(turn.job.inputs["checkpoint"]))
    truth.succeeded(turn)


def restore_failed(turn: Turn, fault: Fault) -> None:
    """Believe the host: the machine is as it was, or restored."""
    if truth.is_known(turn):
        found = turn.memo["found"]
        _follow_guest(turn, found["guest"])
        _follow(turn.job.subject, found["checkpoints"])
    truth.failed(turn, fault)


def ensure_checkpoints_removed(turn: Turn) -> Again | None:
    """Have the host remove them one after the other, those below first, and look."""
    wanted = turn.job.inputs["checkpoints"]
    host = driver(turn)
    for place, id in enumerate(wanted):
        outcome = host.ensure_checkpoint_removed(turn.job.subject, UUID(id))
        if not outcome.done:
            waiting = again(outcome, f"Checkpoint {place + 1} of {len(wanted)}")
            return waiting
    states = _note(turn)
    truth.seen(turn)
    if any(str(state.id) in wanted for state in states):
        return truth.not_yet("The host still has a checkpoint; removing it again.")
    return None


def ensure_forgotten(turn: Turn) -> None:
    """Write the tree without them."""
    locked(turn)
    _forget(turn, turn.memo["checkpoints"])
    truth.succeeded(turn)


def remove_failed(turn: Turn, fault: Fault) -> None:
    """Forget those that are gone; the others stay, and the job can be resumed."""
    if truth.is_known(turn):
        _forget(turn, turn.memo["found"]["checkpoints"])
    truth.failed(turn, fault)


def _forget(turn: Turn, states: list[dict[str, Any]]) -> None:
    """Delete what is gone; what was below it, and the current place, go to what was above it."""
    left = {state["id"] for state in states}
    gone = {UUID(id) for id in turn.job.inputs["checkpoints"] if id not in left}
    rows = {row.pk: row for row in Checkpoint.objects.filter(machine=turn.job.subject)}

    def above(row: Checkpoint) -> UUID | None:
        parent = row.parent_id
        while parent in gone:
            parent = rows[parent].parent_id
        return parent

    current = next((row for row in rows.values() if row.is_current and row.pk in gone), None)
    for row in rows.values():
        if row.pk not in gone and row.parent_id in gone:
            Checkpoint.objects.filter(pk=row.pk).update(parent=above(row))
    Checkpoint.objects.filter(pk__in=gone).delete()
    if current is not None:
        Checkpoint.objects.filter(pk=above(current)).update(is_current=True)
    _follow(turn.job.subject, states)


def _note(turn: Turn) -> tuple[CheckpointState, ...]:
    """Ask for the guest's checkpoints and write them down."""
    states = driver(turn).checkpoints(turn.job.subject)
    turn.memo["checkpoints"] = [_told(state) for state in states]
    return states


def _ask(turn: Turn, guest: GuestState) -> dict[str, Any]:
    host = driver(turn)
    # Busy when it is still at work on the guest: then nothing is certain yet.
    host.ensure_renamed(guest.id, guest.name)
    states = host.checkpoints(turn.job.subject) or host.checkpoints(turn.job.subject)
    return {"checkpoints": [_told(state) for state in states], "guest": _guest(guest)}


def _told(state: CheckpointState) -> dict[str, Any]:
    return {
        "id": str(state.id),
        "parent": str(state.parent) if state.parent else None,
        "power": str(state.power),
        "cores": state.cores,
        "memory_mb": state.memory_mb,
        "is_current": state.is_current,
    }


def _guest(guest: GuestState) -> dict[str, Any]:
    return {
        "cores": guest.cores,
        "memory_mb": guest.memory_mb,
        "disks": {str(disk.id): disk.size_gb for disk in guest.disks},
    }


def _follow(machine: UUID, states: list[dict[str, Any]]) -> None:
    """Write parents, sizes and the current one as the host tells them, for the rows there are."""
    rows = {str(row.pk): row for row in Checkpoint.objects.filter(machine=machine)}
    told = [state for state in states if state["id"] in rows]
    if not told:
        return
    # The one that is current now can be written only when none is.
    Checkpoint.objects.filter(machine=machine, is_current=True).update(is_current=False)
    for state in told:
        values = {name: state[name] for name in ("power", "cores", "memory_mb", "is_current")}
        parent = state["parent"] if state["parent"] in rows else None
        Checkpoint.objects.filter(pk=state["id"]).update(parent=parent, is_complete=True, **values)


def _follow_guest(turn: Turn, guest: dict[str, Any]) -> None:
    machine = locked(turn)
    placement.resize(machine, guest["cores"], guest["memory_mb"])
    write(turn, cores=guest["cores"], memory_mb=guest["memory_mb"])
    for drive in DiskDrive.objects.filter(machine=machine):
        size_gb = guest["disks"].get(str(drive.pk), drive.size_gb)
        if size_gb != drive.size_gb:
            placement.grow_disk(drive, size_gb)
    truth.count_storage(machine.pk)


MAKE = Recipe(
    "make_checkpoint",
    "Create checkpoint",
    (
        truth.asking("ensure_checkpoint", "Make the checkpoint", ensure_checkpoint, _ask, share=60),
        step("ensure_made", "Finish", ensure_made, local=True, share=5),
    ),
    failed=make_failed,
)
RESTORE = Recipe(
    "restore_checkpoint",
    "Restore checkpoint",
    (
        truth.asking("ensure_restored", "Bring the machine back", ensure_restored, _ask, share=60),
        step("ensure_followed", "Finish", ensure_followed, local=True, share=5),
    ),
    failed=restore_failed,
)
REMOVE = Recipe(
    "remove_checkpoint",
    "Remove checkpoint",
    (
        truth.asking(
            "ensure_checkpoints_removed",
            "Merge the checkpoint",
            ensure_checkpoints_removed,
            _ask,
            share=60,
        ),
        step("ensure_forgotten", "Finish", ensure_forgotten, local=True, share=5),
    ),
    failed=remove_failed,
)

WORKS = (
    Work(
        MAKE,
        "New-SCVMCheckpoint",
        permissions=("Checkpoint",),
        busy=MachineStatus.CREATING_CHECKPOINT,
        refusal=truth.refusal,
    ),
    Work(
        RESTORE,
        "Restore-SCVMCheckpoint",
        any_of=("Checkpoint", "CheckpointRestoreOnly"),
        busy=MachineStatus.RECOVERING_CHECKPOINT,
        refusal=truth.refusal,
    ),
    Work(
        REMOVE,
        "Remove-SCVMCheckpoint",
        permissions=("Checkpoint",),
        busy=MachineStatus.DELETING_CHECKPOINT,
    ),
)
