"""Disks of a simulated host: cloning, growing and moving take time; room is taken at the start."""

from __future__ import annotations

import sqlite3
from uuid import UUID

from fabric.hypervisors.base import DiskSpec, Done, Outcome
from fabric.hypervisors.errors import Busy, Rejected
from fabric.hypervisors.simulated.images import copy_seconds, require_image
from fabric.hypervisors.simulated.room import choose_volume
from fabric.hypervisors.simulated.turn import Turn

EMPTY_SECONDS = 0.5
GROW_SECONDS = 0.5


def clone_seconds(disk: DiskSpec) -> float:
    """Nominal time to make a disk: 2 to 6 seconds for a copy, by size."""
    return EMPTY_SECONDS if disk.source_image is None else copy_seconds(disk.size_gb)


def all_disks(turn: Turn) -> tuple[DiskSpec, ...]:
    """Every disk on the host."""
    rows = turn.run(
        "SELECT id, source_image, size_gb, volume FROM disks WHERE host=?1 ORDER BY rowid"
    )
    return tuple(DiskSpec(UUID(id), *rest) for id, *rest in rows)


def ensure_disk(turn: Turn, disk: DiskSpec) -> Outcome:
    """Begin the disk, or go on with it."""
    row = turn.row(
        "SELECT source_image, size_gb, guest, is_whole FROM disks WHERE host=?1 AND id=?2",
        str(disk.id),
    )
    if row is not None:
        if (row["source_image"], row["size_gb"]) != (disk.source_image, disk.size_gb):
            raise Rejected(f"Disk {disk.id} exists with another image or size.")
        _require_calm_guest(turn, row)
        work = turn.work_on(disk.id)
        return Done if row["is_whole"] or work is None else work.outcome(turn.now)
    if disk.size_gb < 1:
        raise Rejected(f"Disk {disk.id} needs a size of at least 1 GB.")
    require_image(turn, disk)
    if turn.row("SELECT 1 FROM disks WHERE goes_to_host=?1 AND id=?2", str(disk.id)):
        raise Busy(f"Disk {disk.id} is on its way here.")
    turn.run(
        "INSERT INTO disks (host, id, source_image, size_gb, volume) VALUES (?1, ?2, ?3, ?4, ?5)",
        *(str(disk.id), disk.source_image, disk.size_gb),
        choose_volume(turn, turn.host, disk.size_gb, disk.volume),
    )
    return turn.begin("ensure_disk", disk.id, clone_seconds(disk))


def ensure_disk_size(turn: Turn, disk_id: UUID, size_gb: int) -> Outcome:
    """Begin to grow the disk, or go on with it."""
    row = turn.disk(disk_id)
    _require_calm_guest(turn, row)
    work = turn.work_on(disk_id)
    if work is not None and work.verb == "ensure_disk_size" and row["wanted_gb"] == size_gb:
        return work.outcome(turn.now)
    turn.require_idle(disk_id)
    if size_gb < row["size_gb"]:
        raise Rejected(f"Disk {disk_id} has {row['size_gb']} GB; it cannot shrink to {size_gb}.")
    if size_gb == row["size_gb"]:
        return Done
    choose_volume(turn, turn.host, size_gb - row["size_gb"], row["volume"])
    turn.run("UPDATE disks SET wanted_gb=?3 WHERE host=?1 AND id=?2", str(disk_id), size_gb)
    _stir_guest(turn, row)
    return turn.begin("ensure_disk_size", disk_id, GROW_SECONDS)


def ensure_disk_moved(turn: Turn, disk_id: UUID, volume: str) -> Outcome:
    """Begin to carry the disk to another volume of the host, or go on with it."""
    row = turn.disk(disk_id)
    _require_calm_guest(turn, row)
    work = turn.work_on(disk_id)
    if work is not None and (work.verb, work.target) == ("ensure_disk_moved", volume):
        return work.outcome(turn.now)
    turn.require_idle(disk_id)
    if volume == row["volume"]:
        return Done
    if not volume:
        raise Rejected(f"Disk {disk_id} needs a volume to move to.")
    choose_volume(turn, turn.host, row["size_gb"], volume)
    turn.run(
        "UPDATE disks SET goes_to_host=?1, goes_to_volume=?3 WHERE host=?1 AND id=?2",
        *(str(disk_id), volume),
    )
    return turn.begin("ensure_disk_moved", disk_id, copy_seconds(row["size_gb"]), volume)


def ensure_disk_removed(turn: Turn, disk_id: UUID) -> None:
    """Remove an orphan disk, whole or not."""
    row = turn.row("SELECT guest FROM disks WHERE host=?1 AND id=?2", str(disk_id))
    if row is None:
        return
    if row["guest"] is not None:
        _require_calm_guest(turn, row)
        raise Rejected(f"Disk {disk_id} belongs to guest {row['guest']}.")
    turn.give_up(disk_id)
    turn.run("DELETE FROM disks WHERE host=?1 AND id=?2", str(disk_id))
    turn.note("ensure_disk_removed", disk_id)


def _require_calm_guest(turn: Turn, disk: sqlite3.Row) -> None:
    """A disk that goes with its guest in a moment can neither be counted on nor refused."""
    if disk["guest"] is not None:
        turn.require_calm(UUID(disk["guest"]))


def _stir_guest(turn: Turn, disk: sqlite3.Row) -> None:
    if disk["guest"] is not None:
        turn.stir(UUID(disk["guest"]))
