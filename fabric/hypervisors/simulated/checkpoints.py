"""Checkpoints of simulated guests: a tree of sizes, disks and powers, and the place in it."""

from __future__ import annotations

import json
from uuid import UUID

from fabric.hypervisors.base import CheckpointState, Done, Outcome, Power
from fabric.hypervisors.errors import Missing
from fabric.hypervisors.simulated.room import choose_volume
from fabric.hypervisors.simulated.turn import Turn

MAKE_SECONDS = 1.0
MAKE_WITH_MEMORY_SECONDS = 2.5
RESTORE_SECONDS = 2.0
MERGE_SECONDS = 2.0


def of_guest(turn: Turn, guest_id: UUID) -> tuple[CheckpointState, ...]:
    """The guest's checkpoints, in the order they were made."""
    current = turn.guest(guest_id)["checkpoint"]
    rows = turn.run(
        "SELECT id, name, parent, power, cores, memory_mb FROM checkpoints"
        " WHERE host=?1 AND guest=?2 ORDER BY rowid",
        str(guest_id),
    )
    return tuple(
        CheckpointState(
            id=UUID(row["id"]),
            name=row["name"],
            parent=None if row["parent"] is None else UUID(row["parent"]),
            power=Power(row["power"]),
            cores=row["cores"],
            memory_mb=row["memory_mb"],
            is_current=row["id"] == current,
        )
        for row in rows
    )


def ensure_checkpoint(turn: Turn, guest_id: UUID, checkpoint_id: UUID, name: str) -> Outcome:
    """Begin the checkpoint, go on with it, or bring its name up to date."""
    guest = turn.guest(guest_id)
    made = _named(turn, guest_id, checkpoint_id)
    if made is not None:
        turn.require_calm(guest_id)
        if made != name:
            turn.run(
                "UPDATE checkpoints SET name=?4 WHERE host=?1 AND guest=?2 AND id=?3",
                *(str(guest_id), str(checkpoint_id), name),
            )
        return Done
    target = json.dumps([str(checkpoint_id), name])
    work = turn.work_on(guest_id)
    if work is not None and (work.verb, work.target) == ("ensure_checkpoint", target):
        return work.outcome(turn.now)
    turn.require_idle(guest_id)
    turn.require_idle_disks(guest_id)
    is_off = guest["power"] == Power.OFF
    seconds = MAKE_SECONDS if is_off else MAKE_WITH_MEMORY_SECONDS
    return turn.begin("ensure_checkpoint", guest_id, seconds, target)


def ensure_restored(turn: Turn, guest_id: UUID, checkpoint_id: UUID) -> Outcome:
    """Begin to bring the guest back to the checkpoint, or go on with it."""
    guest = turn.guest(guest_id)
    if _named(turn, guest_id, checkpoint_id) is None:
        raise Missing(f"Guest {guest_id} has no checkpoint {checkpoint_id}.")
    target = str(checkpoint_id)
    work = turn.work_on(guest_id)
    if work is not None and (work.verb, work.target) == ("ensure_restored", target):
        return work.outcome(turn.now)
    turn.require_idle(guest_id)
    turn.require_idle_disks(guest_id)
    if guest["stands_at"] == target:
        return Done
    _take_room(turn, guest_id, checkpoint_id)
    return turn.begin("ensure_restored", guest_id, RESTORE_SECONDS, target)


def ensure_checkpoint_removed(turn: Turn, guest_id: UUID, checkpoint_id: UUID) -> Outcome:
    """Begin to merge the checkpoint away, go on with it, or give up one being made."""
    if turn.row("SELECT 1 FROM guests WHERE host=?1 AND id=?2", str(guest_id)) is None:
        return Done
    target = str(checkpoint_id)
    work = turn.work_on(guest_id)
    if _named(turn, guest_id, checkpoint_id) is None:
        is_being_made = work is not None and work.verb == "ensure_checkpoint"
        if work is not None and is_being_made and json.loads(work.target)[0] == target:
            turn.give_up(guest_id)
        return Done
    if work is not None and (work.verb, work.target) == ("ensure_checkpoint_removed", target):
        return work.outcome(turn.now)
    turn.require_idle(guest_id)
    turn.require_idle_disks(guest_id, "ensure_checkpoint_image")
    return turn.begin("ensure_checkpoint_removed", guest_id, MERGE_SECONDS, target)


def _named(turn: Turn, guest_id: UUID, checkpoint_id: UUID) -> str | None:
    row = turn.row(
        "SELECT name FROM checkpoints WHERE host=?1 AND guest=?2 AND id=?3",
        *(str(guest_id), str(checkpoint_id)),
    )
    return None if row is None else str(row["name"])


def _take_room(turn: Turn, guest_id: UUID, checkpoint_id: UUID) -> None:
    """Take the room of disks that were larger at the checkpoint than they are now."""
    for row in turn.run(
        "SELECT d.id, d.volume, d.size_gb, c.size_gb AS then_gb FROM disks d"
        " JOIN checkpoint_disks c ON c.host=d.host AND c.guest=d.guest AND c.disk=d.id"
        " WHERE d.host=?1 AND d.guest=?2 AND c.checkpoint=?3 AND c.size_gb > d.size_gb",
        *(str(guest_id), str(checkpoint_id)),
    ).fetchall():
        choose_volume(turn, turn.host, row["then_gb"] - row["size_gb"], row["volume"])
        turn.run("UPDATE disks SET wanted_gb=?3 WHERE host=?1 AND id=?2", row["id"], row["then_gb"])
