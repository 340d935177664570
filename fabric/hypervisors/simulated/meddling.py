"""What an operator at the host itself might do behind the VMM's back, for tests and demos.

Changes of the rack without time, faults, capacity, journal or manners. A guest or disk named here
must be there: else Missing. What it was in the middle of is given up.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

from fabric.hypervisors.base import DEFAULT_VOLUME, DiskSpec, GuestSpec, Power
from fabric.hypervisors.errors import Rejected
from fabric.hypervisors.simulated import ends
from fabric.hypervisors.simulated.guests import give_up_disks
from fabric.hypervisors.simulated.rack import Rack
from fabric.hypervisors.simulated.turn import Turn


def add_guest(
    rack: Path,
    host: str,
    name: str = "stranger",
    *,
    cores: int = 1,
    memory_mb: int = 1024,
    disk_gb: int = 10,
    power: Power = Power.OFF,
    id: UUID | None = None,
) -> UUID:
    """Make a guest with one disk that nobody asked for, and return its id."""
    guest_id = id or uuid4()
    with _at(rack, host) as turn:
        disk = _put_disk(turn, DiskSpec(uuid4(), "stranger-image", disk_gb))
        turn.run(
            "UPDATE disks SET guest=?3, position=0 WHERE host=?1 AND id=?2",
            *(str(disk.id), str(guest_id)),
        )
        spec = GuestSpec(guest_id, name, cores, memory_mb, (disk,), ())
        turn.run(
            "INSERT INTO guests (host, id, hypervisor_id, name, cores, memory_mb, definition)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            *(str(guest_id), str(uuid4()), name, cores, memory_mb, repr(spec)),
        )
        _put_power(turn, guest_id, power)
    return guest_id


def add_disk(
    rack: Path,
    host: str,
    *,
    size_gb: int = 10,
    source_image: str | None = None,
    volume: str = "",
) -> DiskSpec:
    """Make an orphan disk, whole at once."""
    with _at(rack, host) as turn:
        return _put_disk(turn, DiskSpec(uuid4(), source_image, size_gb, volume))


def remove_guest(rack: Path, host: str, guest_id: UUID) -> None:
    """Delete the guest with its disks, adapters and checkpoints."""
    with _at(rack, host) as turn:
        _take_hold(turn, guest_id)
        ends.nothing_is_left(turn, str(guest_id))


def rename_guest(rack: Path, host: str, guest_id: UUID, name: str) -> None:
    """Call the guest something else."""
    with _at(rack, host) as turn:
        turn.guest(guest_id)
        turn.run("UPDATE guests SET name=?3 WHERE host=?1 AND id=?2", str(guest_id), name)


def resize_guest(rack: Path, host: str, guest_id: UUID, cores: int, memory_mb: int) -> None:
    """Give the guest another size, whatever its power."""
    with _at(rack, host) as turn:
        turn.guest(guest_id)
        turn.run(
            "UPDATE guests SET cores=?3, memory_mb=?4, stands_at=NULL WHERE host=?1 AND id=?2",
            *(str(guest_id), cores, memory_mb),
        )


def set_power(rack: Path, host: str, guest_id: UUID, power: Power) -> None:
    """Put the guest into this power, whatever its power was."""
    with _at(rack, host) as turn:
        turn.guest(guest_id)
        turn.give_up(guest_id)
        _put_power(turn, guest_id, power)


def move_guest(rack: Path, host: str, guest_id: UUID, target: str) -> None:
    """Carry the guest over to another host of the rack, onto its first volume."""
    with _at(rack, host) as turn:
        _take_hold(turn, guest_id)
        turn.run(
            "UPDATE disks SET goes_to_volume=?3 WHERE host=?1 AND guest=?2",
            *(str(guest_id), _first_volume(turn, target)),
        )
        ends.guest_is_on(turn, str(guest_id), target)


@contextmanager
def _at(rack: Path, host: str) -> Iterator[Turn]:
    """A turn at the host in which time has stood still."""
    with Rack(rack).writing() as connection:
        turn = Turn(connection, host, time.time(), 0)
        if turn.row("SELECT 1 FROM hosts WHERE name=?1") is None:
            raise Rejected(f"There is no host {host} on the rack.")
        turn.settle()
        yield turn


def _take_hold(turn: Turn, guest_id: UUID) -> None:
    turn.guest(guest_id)
    turn.give_up(guest_id)
    give_up_disks(turn, guest_id)


def _put_power(turn: Turn, guest_id: UUID, power: Power) -> None:
    if power in (Power.STARTING, Power.STOPPING):
        raise Rejected(f"{power} is passing: no guest stays in it.")
    turn.run(
        "UPDATE guests SET running_since=coalesce(running_since, ?3), stands_at=NULL"
        " WHERE host=?1 AND id=?2",
        *(str(guest_id), turn.now),
    )
    ends.power_is(turn, str(guest_id), power.value)


def _put_disk(turn: Turn, disk: DiskSpec) -> DiskSpec:
    volume = disk.volume or _first_volume(turn, turn.host)
    turn.run(
        "INSERT INTO disks (host, id, source_image, size_gb, volume, is_whole)"
        " VALUES (?1, ?2, ?3, ?4, ?5, 1)",
        *(str(disk.id), disk.source_image, disk.size_gb, volume),
    )
    return DiskSpec(disk.id, disk.source_image, disk.size_gb, volume)


def _first_volume(turn: Turn, host: str) -> str:
    row = turn.connection.execute(
        "SELECT h.name, v.name AS volume FROM hosts h LEFT JOIN volumes v ON v.host=h.name"
        " WHERE h.name=? ORDER BY v.position LIMIT 1",
        (host,),
    ).fetchone()
    if row is None:
        raise Rejected(f"There is no host {host} on the rack.")
    return row["volume"] or DEFAULT_VOLUME
