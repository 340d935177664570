"""Disks of a simulated host: cloning takes time, room is taken when it begins."""

from __future__ import annotations

from uuid import UUID

from fabric.hypervisors.base import DiskSpec, Done, Outcome
from fabric.hypervisors.errors import Full, Rejected
from fabric.hypervisors.simulated.turn import Turn

EMPTY_SECONDS = 0.5


def clone_seconds(disk: DiskSpec) -> float:
    """Nominal time to make a disk: 2 to 6 seconds for a copy, by size."""
    if disk.source_image is None:
        return EMPTY_SECONDS
    return 2 + 4 * min(disk.size_gb / 200, 1)


def all_disks(turn: Turn) -> tuple[DiskSpec, ...]:
    """Every disk on the host."""
    rows = turn.run("SELECT id, source_image, size_gb FROM disks WHERE host=?1 ORDER BY rowid")
    return tuple(DiskSpec(UUID(id), image, size) for id, image, size in rows)


def ensure_disk(turn: Turn, disk: DiskSpec) -> Outcome:
    """Begin the disk, or go on with it."""
    row = turn.row(
        "SELECT source_image, size_gb, guest FROM disks WHERE host=?1 AND id=?2", str(disk.id)
    )
    if row is not None:
        if (row["source_image"], row["size_gb"]) != (disk.source_image, disk.size_gb):
            raise Rejected(f"Disk {disk.id} exists with another image or size.")
        _refuse_while_leaving(turn, row["guest"])
        work = turn.work_on(disk.id)
        return Done if work is None else work.outcome(turn.now)
    if disk.size_gb < 1:
        raise Rejected(f"Disk {disk.id} needs a size of at least 1 GB.")
    _require_room(turn, disk)
    turn.run(
        "INSERT INTO disks (host, id, source_image, size_gb) VALUES (?1, ?2, ?3, ?4)",
        *(str(disk.id), disk.source_image, disk.size_gb),
    )
    return turn.begin("ensure_disk", disk.id, clone_seconds(disk))


def ensure_disk_removed(turn: Turn, disk_id: UUID) -> None:
    """Remove an orphan disk, whole or not."""
    row = turn.row("SELECT guest FROM disks WHERE host=?1 AND id=?2", str(disk_id))
    if row is None:
        return
    if row["guest"] is not None:
        _refuse_while_leaving(turn, row["guest"])
        raise Rejected(f"Disk {disk_id} belongs to guest {row['guest']}.")
    turn.give_up(disk_id)
    turn.run("DELETE FROM disks WHERE host=?1 AND id=?2", str(disk_id))
    turn.note("ensure_disk_removed", disk_id)


def _refuse_while_leaving(turn: Turn, guest: str | None) -> None:
    """A disk that goes with its guest in a moment can neither be counted on nor refused."""
    if guest is None:
        return
    work = turn.work_on(UUID(guest))
    if work is not None and work.verb == "ensure_removed":
        raise turn.busy(UUID(guest), work)


def _require_room(turn: Turn, disk: DiskSpec) -> None:
    row = turn.row(
        "SELECT storage_gb - (SELECT coalesce(sum(size_gb), 0) FROM disks WHERE host=?1)"
        " FROM hosts WHERE name=?1"
    )
    free = row[0] if row else 0
    if disk.size_gb > free:
        raise Full(
            f"Storage of host {turn.host} is full: {free} GB free, {disk.size_gb} GB wanted.",
            resource="storage",
            free=free,
            wanted=disk.size_gb,
        )
