"""What becomes of work: its end when the time has come, its undoing when it is given up."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from fabric.hypervisors.base import Power

if TYPE_CHECKING:
    from fabric.hypervisors.simulated.turn import Turn

CUT = "cut"  # the target of switching off without asking the system


def nothing_is_left(turn: Turn, subject: str, _: str = "") -> None:
    """The guest goes with everything that is its."""
    for statement in (
        "DELETE FROM checkpoint_disks WHERE host=?1 AND guest=?2",
        "DELETE FROM checkpoints WHERE host=?1 AND guest=?2",
        "DELETE FROM adapters WHERE host=?1 AND guest=?2",
        "DELETE FROM disks WHERE host=?1 AND guest=?2",
        "DELETE FROM guests WHERE host=?1 AND id=?2",
    ):
        turn.run(statement, subject)


def power_is(turn: Turn, subject: str, target: str) -> None:
    """The guest has this power, and the memory that goes with it."""
    power = Power.OFF if target == CUT else Power(target)
    holds_memory = power in (Power.RUNNING, Power.PAUSED)
    turn.run(
        "UPDATE guests SET power=?3, holds_memory=?4,"
        " running_since=iif(?4, running_since, NULL) WHERE host=?1 AND id=?2",
        *(subject, power.value, holds_memory),
    )


def guest_is_on(turn: Turn, subject: str, target: str) -> None:
    """The guest and all that is its belong to the other host."""
    for statement in (
        "UPDATE disks SET host=?3, volume=goes_to_volume, goes_to_host=NULL, goes_to_volume=NULL"
        " WHERE host=?1 AND guest=?2",
        "UPDATE checkpoint_disks SET host=?3 WHERE host=?1 AND guest=?2",
        "UPDATE checkpoints SET host=?3 WHERE host=?1 AND guest=?2",
        "UPDATE adapters SET host=?3 WHERE host=?1 AND guest=?2",
        "UPDATE guests SET host=?3, goes_to_host=NULL WHERE host=?1 AND id=?2",
    ):
        turn.run(statement, subject, target)


def _guest_stays(turn: Turn, subject: str, _: str) -> None:
    turn.run("UPDATE guests SET goes_to_host=NULL WHERE host=?1 AND id=?2", subject)
    turn.run(
        "UPDATE disks SET goes_to_host=NULL, goes_to_volume=NULL WHERE host=?1 AND guest=?2",
        subject,
    )


def _disk_is_whole(turn: Turn, subject: str, _: str) -> None:
    turn.run("UPDATE disks SET is_whole=1 WHERE host=?1 AND id=?2", subject)


def _disk_has_grown(turn: Turn, subject: str, _: str) -> None:
    turn.run(
        "UPDATE disks SET size_gb=coalesce(wanted_gb, size_gb), wanted_gb=NULL"
        " WHERE host=?1 AND id=?2",
        subject,
    )


def _disk_keeps_its_size(turn: Turn, subject: str, _: str) -> None:
    turn.run("UPDATE disks SET wanted_gb=NULL WHERE host=?1 AND id=?2", subject)


def _disk_lies_on(turn: Turn, subject: str, volume: str) -> None:
    turn.run("UPDATE disks SET volume=?3 WHERE host=?1 AND id=?2", subject, volume)
    _disk_stays(turn, subject, volume)


def _disk_stays(turn: Turn, subject: str, _: str) -> None:
    turn.run(
        "UPDATE disks SET goes_to_host=NULL, goes_to_volume=NULL WHERE host=?1 AND id=?2", subject
    )


def _is_set_up(turn: Turn, subject: str, _: str) -> None:
    turn.run("UPDATE guests SET is_set_up=1 WHERE host=?1 AND id=?2", subject)


def _image_is_whole(turn: Turn, _: str, image: str) -> None:
    turn.connection.execute("UPDATE images SET is_whole=1 WHERE name=?", (image,))


def _image_is_not_made(turn: Turn, _: str, image: str) -> None:
    turn.connection.execute("DELETE FROM images WHERE name=? AND NOT is_whole", (image,))


def _checkpoint_is_made(turn: Turn, subject: str, target: str) -> None:
    id, name = json.loads(target)
    turn.run(
        "INSERT INTO checkpoints (host, guest, id, name, parent, power, cores, memory_mb)"
        " SELECT host, id, ?3, ?4, checkpoint, power, cores, memory_mb FROM guests"
        " WHERE host=?1 AND id=?2",
        *(subject, id, name),
    )
    turn.run(
        "INSERT INTO checkpoint_disks (host, guest, checkpoint, disk, size_gb, position)"
        " SELECT host, guest, ?3, id, size_gb, position FROM disks WHERE host=?1 AND guest=?2",
        *(subject, id),
    )
    turn.run(
        "UPDATE guests SET checkpoint=?3, stands_at=iif(power IN ('off', 'saved'), ?3, NULL)"
        " WHERE host=?1 AND id=?2",
        *(subject, id),
    )


def _guest_is_as_at(turn: Turn, subject: str, checkpoint: str) -> None:
    turn.run(
        "UPDATE disks SET guest=NULL, position=NULL WHERE host=?1 AND guest=?2 AND id NOT IN"
        " (SELECT disk FROM checkpoint_disks WHERE host=?1 AND guest=?2 AND checkpoint=?3)",
        *(subject, checkpoint),
    )
    turn.run(
        "UPDATE disks SET size_gb=c.size_gb, position=c.position, wanted_gb=NULL"
        " FROM checkpoint_disks c WHERE c.host=?1 AND c.guest=?2 AND c.checkpoint=?3"
        " AND disks.host=?1 AND disks.guest=?2 AND disks.id=c.disk",
        *(subject, checkpoint),
    )
    turn.run(
        "UPDATE guests SET cores=c.cores, memory_mb=c.memory_mb,"
        " power=iif(c.power='off', 'off', 'saved'), holds_memory=0, running_since=NULL,"
        " checkpoint=?3, stands_at=?3 FROM checkpoints c"
        " WHERE c.host=?1 AND c.guest=?2 AND c.id=?3 AND guests.host=?1 AND guests.id=?2",
        *(subject, checkpoint),
    )


def _guest_is_not_restored(turn: Turn, subject: str, _: str) -> None:
    turn.run(
        "UPDATE disks SET wanted_gb=NULL WHERE host=?1 AND guest=?2"
        " AND NOT EXISTS (SELECT 1 FROM work w WHERE w.host=?1 AND w.subject=disks.id)",
        subject,
    )


def _checkpoint_is_gone(turn: Turn, subject: str, checkpoint: str) -> None:
    row = turn.row(
        "SELECT parent FROM checkpoints WHERE host=?1 AND guest=?2 AND id=?3", subject, checkpoint
    )
    if row is None:
        return
    turn.run(
        "UPDATE checkpoints SET parent=?4 WHERE host=?1 AND guest=?2 AND parent=?3",
        *(subject, checkpoint, row["parent"]),
    )
    turn.run(
        "UPDATE guests SET checkpoint=iif(checkpoint=?3, ?4, checkpoint),"
        " stands_at=nullif(stands_at, ?3) WHERE host=?1 AND id=?2",
        *(subject, checkpoint, row["parent"]),
    )
    for statement in (
        "DELETE FROM checkpoint_disks WHERE host=?1 AND guest=?2 AND checkpoint=?3",
        "DELETE FROM checkpoints WHERE host=?1 AND guest=?2 AND id=?3",
    ):
        turn.run(statement, subject, checkpoint)


ENDS: dict[str, Callable[[Turn, str, str], None]] = {
    "ensure_disk": _disk_is_whole,
    "ensure_disk_size": _disk_has_grown,
    "ensure_disk_moved": _disk_lies_on,
    "ensure_power": power_is,
    "ensure_guest_setup": _is_set_up,
    "ensure_checkpoint": _checkpoint_is_made,
    "ensure_restored": _guest_is_as_at,
    "ensure_checkpoint_removed": _checkpoint_is_gone,
    "ensure_image": _image_is_whole,
    "ensure_checkpoint_image": _image_is_whole,
    "ensure_moved": guest_is_on,
    "ensure_removed": nothing_is_left,
}

UNDONE: dict[str, Callable[[Turn, str, str], None]] = {
    "ensure_disk_size": _disk_keeps_its_size,
    "ensure_disk_moved": _disk_stays,
    "ensure_restored": _guest_is_not_restored,
    "ensure_image": _image_is_not_made,
    "ensure_checkpoint_image": _image_is_not_made,
    "ensure_moved": _guest_stays,
}
