"""Attaching disks to simulated guests and taking them off again, as orphans."""

from __future__ import annotations

from uuid import UUID

from fabric.hypervisors.base import DiskSpec, Power
from fabric.hypervisors.errors import Busy, Rejected
from fabric.hypervisors.simulated.turn import Turn


def attach(turn: Turn, guest_id: UUID, disk: DiskSpec, position: int) -> None:
    """Make an orphan disk the guest's."""
    row = turn.disk(disk.id)
    if row["guest"] is not None:
        raise Rejected(f"Disk {disk.id} belongs to guest {row['guest']}.")
    if (row["source_image"], row["size_gb"]) != (disk.source_image, disk.size_gb):
        raise Rejected(f"Disk {disk.id} exists with another image or size.")
    turn.require_idle(disk.id)
    if not row["is_whole"]:
        raise Busy(f"Disk {disk.id} is not whole yet.")
    turn.run(
        "UPDATE disks SET guest=?3, position=?4 WHERE host=?1 AND id=?2",
        *(str(disk.id), str(guest_id), position),
    )


def ensure_attached(turn: Turn, guest_id: UUID, disk: DiskSpec) -> None:
    """Make the disk the guest's last one."""
    guest = turn.guest(guest_id)
    turn.require_calm(guest_id)
    if turn.disk(disk.id)["guest"] == str(guest_id):
        return
    turn.require_idle(guest_id)
    _refuse_saved(guest_id, guest["power"])
    row = turn.row(
        "SELECT coalesce(max(position), -1) FROM disks WHERE host=?1 AND guest=?2", str(guest_id)
    )
    attach(turn, guest_id, disk, row[0] + 1 if row else 0)
    turn.stir(guest_id)
    turn.note("ensure_attached", disk.id)


def ensure_detached(turn: Turn, guest_id: UUID, disk_id: UUID) -> None:
    """Make the guest's disk an orphan."""
    row = turn.row(
        "SELECT g.power, d.position, min(o.position) AS first"
        " FROM disks d JOIN guests g ON g.host=d.host AND g.id=d.guest"
        " JOIN disks o ON o.host=d.host AND o.guest=d.guest"
        " WHERE d.host=?1 AND d.guest=?2 AND d.id=?3 GROUP BY d.id",
        *(str(guest_id), str(disk_id)),
    )
    if row is None:
        return
    turn.require_idle(guest_id)
    _refuse_saved(guest_id, row["power"])
    if row["position"] == row["first"]:
        raise Rejected(f"Disk {disk_id} is the first one of guest {guest_id}.")
    if turn.row(
        "SELECT 1 FROM checkpoint_disks WHERE host=?1 AND guest=?2 AND disk=?3",
        *(str(guest_id), str(disk_id)),
    ):
        raise Rejected(f"Disk {disk_id} has checkpoints of guest {guest_id}.")
    turn.run("UPDATE disks SET guest=NULL, position=NULL WHERE host=?1 AND id=?2", str(disk_id))
    turn.stir(guest_id)
    turn.note("ensure_detached", disk_id)


def _refuse_saved(guest_id: UUID, power: str) -> None:
    if power == Power.SAVED:
        raise Rejected(f"Guest {guest_id} is saved: its disks cannot change.")
