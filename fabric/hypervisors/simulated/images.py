"""Images made of disks. They lie in the library that all hosts share and take no host's room.

Other images are only names to a simulated host, which accepts any; but a name that begins with
STORED can only be of an image made here.
"""

from __future__ import annotations

from uuid import UUID

from fabric.hypervisors.base import DiskSpec, Done, Outcome, Power
from fabric.hypervisors.errors import Busy, Missing, Rejected
from fabric.hypervisors.simulated.turn import Turn

STORED = "store:"


def copy_seconds(size_gb: int) -> float:
    """Nominal time to copy this much: 2 to 6 seconds."""
    return 2 + 4 * min(size_gb / 200, 1)


def all_images(turn: Turn) -> tuple[str, ...]:
    """The images that are whole, oldest first."""
    rows = turn.connection.execute("SELECT name FROM images WHERE is_whole ORDER BY rowid")
    return tuple(name for (name,) in rows)


def ensure_image(turn: Turn, disk_id: UUID, image: str) -> Outcome:
    """Begin to copy the disk into the library, or go on with it."""
    if _is_made(turn, disk_id, image):
        return Done
    row = turn.disk(disk_id)
    work = turn.work_on(disk_id)
    if work is not None and (work.verb, work.target) == ("ensure_image", image):
        return work.outcome(turn.now)
    turn.require_idle(disk_id)
    if row["guest"] is not None:
        guest_id = UUID(row["guest"])
        turn.require_idle(guest_id)
        power = turn.guest(guest_id)["power"]
        if power != Power.OFF:
            raise Rejected(f"Guest {guest_id} must be off to make an image; it is {power}.")
    return _begin(turn, "ensure_image", disk_id, row["size_gb"], image)


def ensure_checkpoint_image(
    turn: Turn, guest_id: UUID, checkpoint_id: UUID, disk_id: UUID, image: str
) -> Outcome:
    """Begin to copy the disk as it was at the checkpoint, or go on with it."""
    if _is_made(turn, disk_id, image):
        return Done
    turn.guest(guest_id)
    work = turn.work_on(disk_id)
    if work is not None and (work.verb, work.target) == ("ensure_checkpoint_image", image):
        return work.outcome(turn.now)
    turn.require_calm(guest_id)
    turn.require_idle(disk_id)
    row = turn.row(
        "SELECT size_gb FROM checkpoint_disks"
        " WHERE host=?1 AND guest=?2 AND checkpoint=?3 AND disk=?4",
        *(str(guest_id), str(checkpoint_id), str(disk_id)),
    )
    if row is None:
        raise Missing(f"Guest {guest_id} has no disk {disk_id} at a checkpoint {checkpoint_id}.")
    return _begin(turn, "ensure_checkpoint_image", disk_id, row["size_gb"], image)


def _is_made(turn: Turn, disk_id: UUID, image: str) -> bool:
    """Whether the image is whole; one of another disk is in the way."""
    if not image:
        raise Rejected("An image needs a name.")
    made = turn.connection.execute("SELECT * FROM images WHERE name=?", (image,)).fetchone()
    if made is not None and made["disk"] != str(disk_id):
        raise Rejected(f"Image {image} exists and was made of disk {made['disk']}.")
    return made is not None and bool(made["is_whole"])


def _begin(turn: Turn, verb: str, disk_id: UUID, size_gb: int, image: str) -> Outcome:
    turn.connection.execute(
        "INSERT OR REPLACE INTO images (name, host, disk, size_gb) VALUES (?, ?, ?, ?)",
        (image, turn.host, str(disk_id), size_gb),
    )
    return turn.begin(verb, disk_id, copy_seconds(size_gb), image)


def ensure_image_removed(turn: Turn, image: str) -> None:
    """Take the image out of the library, whole or not; disks made of it stay."""
    made = turn.connection.execute(
        "SELECT host, disk FROM images WHERE name=?", (image,)
    ).fetchone()
    if made is None:
        return
    turn.connection.execute(
        "DELETE FROM work WHERE host=? AND subject=? AND target=?"
        " AND verb IN ('ensure_image', 'ensure_checkpoint_image')",
        (made["host"], made["disk"], image),
    )
    turn.connection.execute("DELETE FROM images WHERE name=?", (image,))
    turn.note("ensure_image_removed", UUID(made["disk"]))


def require_image(turn: Turn, disk: DiskSpec) -> None:
    """Refuse a disk made of a stored image that is not there, not whole, or larger."""
    made = turn.connection.execute(
        "SELECT size_gb, is_whole FROM images WHERE name=?", (disk.source_image,)
    ).fetchone()
    if made is None:
        if (disk.source_image or "").startswith(STORED):
            raise Missing(f"There is no image {disk.source_image} in the library.")
        return
    if not made["is_whole"]:
        raise Busy(f"Image {disk.source_image} is not whole yet.")
    if disk.size_gb < made["size_gb"]:
        raise Rejected(
            f"Image {disk.source_image} has {made['size_gb']} GB, disk {disk.id} only"
            f" {disk.size_gb}."
        )
