"""Moving simulated guests between the hosts of a rack; till the end they are on the source."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from fabric.hypervisors.base import Done, Outcome
from fabric.hypervisors.errors import Missing, Rejected
from fabric.hypervisors.simulated.room import choose_volume, require_compute
from fabric.hypervisors.simulated.turn import Turn

LEAST_SECONDS = 3.0
MOST_SECONDS = 10.0
SECONDS_PER_GB = 0.02


def ensure_moved(turn: Turn, guest_id: UUID, target: str, volumes: Mapping[UUID, str]) -> Outcome:
    """Take the room on the target and begin to carry the guest over, or go on with it."""
    row = turn.row("SELECT * FROM guests WHERE host=?1 AND id=?2", str(guest_id))
    if row is None:
        if _has_guest(turn, target, guest_id):
            return Done
        raise Missing(f"There is no guest {guest_id} on host {turn.host}.")
    work = turn.work_on(guest_id)
    if work is not None and (work.verb, work.target) == ("ensure_moved", target):
        return work.outcome(turn.now)
    if target == turn.host:
        turn.require_calm(guest_id)
        return Done
    turn.require_idle(guest_id)
    turn.require_idle_disks(guest_id)
    known = turn.connection.execute("SELECT 1 FROM hosts WHERE name=?", (target,)).fetchone()
    if known is None:
        raise Rejected(f"There is no host {target} to move guest {guest_id} to.")
    if _has_guest(turn, target, guest_id):
        raise Rejected(f"Host {target} has another guest {guest_id}.")
    total_gb = _take_storage(turn, guest_id, target, volumes)
    if row["holds_memory"]:
        require_compute(turn, target, row["cores"], row["memory_mb"])
    turn.run("UPDATE guests SET goes_to_host=?3 WHERE host=?1 AND id=?2", str(guest_id), target)
    seconds = min(LEAST_SECONDS + SECONDS_PER_GB * total_gb, MOST_SECONDS)
    return turn.begin("ensure_moved", guest_id, seconds, target)


def _take_storage(turn: Turn, guest_id: UUID, target: str, volumes: Mapping[UUID, str]) -> int:
    """Take a place for each disk, one after the other, and return their size together."""
    disks = turn.run(
        "SELECT id, size_gb FROM disks WHERE host=?1 AND guest=?2 ORDER BY position", str(guest_id)
    ).fetchall()
    for id, size_gb in disks:
        if _has_disk(turn, target, id):
            raise Rejected(f"Host {target} has another disk {id}.")
        volume = choose_volume(turn, target, size_gb, volumes.get(UUID(id), ""))
        turn.run(
            "UPDATE disks SET goes_to_host=?3, goes_to_volume=?4 WHERE host=?1 AND id=?2",
            *(id, target, volume),
        )
    return sum(size_gb for _, size_gb in disks)


def _has_guest(turn: Turn, host: str, id: UUID) -> bool:
    found = turn.connection.execute(
        "SELECT 1 FROM guests WHERE host=? AND id=?", (host, str(id))
    ).fetchone()
    return found is not None


def _has_disk(turn: Turn, host: str, id: str) -> bool:
    found = turn.connection.execute("SELECT 1 FROM disks WHERE host=? AND id=?", (host, id))
    return found.fetchone() is not None
