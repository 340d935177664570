"""Guests of a simulated host: what they are, defining, name, size, drive and removal."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from ipaddress import ip_address
from uuid import UUID, uuid4

from fabric.hypervisors.base import (
    AdapterSpec,
    DiskSpec,
    Done,
    GuestSpec,
    GuestState,
    Outcome,
    Power,
)
from fabric.hypervisors.errors import Busy, Rejected
from fabric.hypervisors.simulated.adapters import put_adapter
from fabric.hypervisors.simulated.attachments import attach
from fabric.hypervisors.simulated.room import require_compute
from fabric.hypervisors.simulated.turn import Turn

REMOVAL_SECONDS = 2.0


def states(turn: Turn, guest_id: UUID) -> tuple[GuestState, ...]:
    """The one guest, or nothing."""
    return _between(turn, str(guest_id), str(guest_id))


def all_states(turn: Turn) -> tuple[GuestState, ...]:
    """Every guest of the host, in the order they were defined; three queries."""
    return _between(turn, "", "~")


def _between(turn: Turn, *span: str) -> tuple[GuestState, ...]:
    guests = turn.run(
        "SELECT g.*, w.verb, w.target FROM guests g"
        " LEFT JOIN work w ON w.host=g.host AND w.subject=g.id"
        " WHERE g.host=?1 AND g.id BETWEEN ?2 AND ?3 ORDER BY g.rowid",
        *span,
    ).fetchall()
    if not guests:
        return ()
    disks: dict[str, list[DiskSpec]] = {}
    for guest, id, *rest in turn.run(
        "SELECT guest, id, source_image, size_gb, volume FROM disks"
        " WHERE host=?1 AND guest BETWEEN ?2 AND ?3 ORDER BY position",
        *span,
    ):
        disks.setdefault(guest, []).append(DiskSpec(UUID(id), *rest))
    adapters: dict[str, list[AdapterSpec]] = {}
    for guest, id, mac, network, vlan, told in turn.run(
        "SELECT guest, id, mac, network, vlan, addresses FROM adapters"
        " WHERE host=?1 AND guest BETWEEN ?2 AND ?3 ORDER BY rowid",
        *span,
    ):
        adapter = AdapterSpec(UUID(id), mac, network, vlan, tuple(told.split()))
        adapters.setdefault(guest, []).append(adapter)
    return tuple(
        _state(row, tuple(disks.get(row["id"], ())), tuple(adapters.get(row["id"], ())))
        for row in guests
    )


def _state(
    row: sqlite3.Row, disks: tuple[DiskSpec, ...], adapters: tuple[AdapterSpec, ...]
) -> GuestState:
    power = _shown_power(row)
    has_system = any(disk.source_image is not None for disk in disks)
    os_ready = power is Power.RUNNING and has_system and row["verb"] != "ensure_guest_setup"
    given = [address for adapter in adapters for address in adapter.addresses] if os_ready else []
    return GuestState(
        id=UUID(row["id"]),
        hypervisor_id=UUID(row["hypervisor_id"]),
        name=row["name"],
        power=power,
        cores=row["cores"],
        memory_mb=row["memory_mb"],
        disks=disks,
        adapters=adapters,
        addresses=tuple(sorted(given, key=_family)),
        os_ready=os_ready,
        media=row["media"],
    )


def _family(address: str) -> int:
    return ip_address(address).version


def _shown_power(row: sqlite3.Row) -> Power:
    if row["verb"] == "ensure_removed":
        return Power.STOPPING
    if row["verb"] == "ensure_power" and row["target"] != Power.PAUSED:
        return Power.STARTING if row["target"] == Power.RUNNING else Power.STOPPING
    return Power(row["power"])


def ensure_defined(turn: Turn, spec: GuestSpec) -> UUID:
    """Define the guest, or adopt the one that is there."""
    definition = repr(_placeless(spec))
    row = turn.row(
        "SELECT hypervisor_id, definition FROM guests WHERE host=?1 AND id=?2", str(spec.id)
    )
    if row is not None:
        turn.require_calm(spec.id)
        if row["definition"] != definition and not _has_become(states(turn, spec.id)[0], spec):
            raise Rejected(f"Guest {spec.id} is defined with another specification.")
        return UUID(row["hypervisor_id"])
    _require_size(spec.id, spec.cores, spec.memory_mb)
    _refuse_while_coming(turn, spec.id)
    hypervisor_id = uuid4()
    turn.run(
        "INSERT INTO guests (host, id, hypervisor_id, name, cores, memory_mb, definition)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        *(str(spec.id), str(hypervisor_id), spec.name, spec.cores, spec.memory_mb, definition),
    )
    turn.note("ensure_defined", spec.id)
    for position, disk in enumerate(spec.disks):
        attach(turn, spec.id, disk, position)
    for adapter in spec.adapters:
        put_adapter(turn, spec.id, adapter)
    return hypervisor_id


def _placeless(spec: GuestSpec) -> GuestSpec:
    """The spec without volumes: where a disk lies is not what it is."""
    return replace(spec, disks=tuple(replace(disk, volume="") for disk in spec.disks))


def _has_become(state: GuestState, spec: GuestSpec) -> bool:
    return (
        (state.name, state.cores, state.memory_mb) == (spec.name, spec.cores, spec.memory_mb)
        and {replace(disk, volume="") for disk in state.disks} == set(_placeless(spec).disks)
        and set(state.adapters) == set(spec.adapters)
    )


def _refuse_while_coming(turn: Turn, guest_id: UUID) -> None:
    row = turn.row("SELECT host FROM guests WHERE goes_to_host=?1 AND id=?2 LIMIT 1", str(guest_id))
    if row is not None:
        raise Busy(f"Guest {guest_id} is on its way here from host {row['host']}.")


def _require_size(guest_id: UUID, cores: int, memory_mb: int) -> None:
    if cores < 1 or memory_mb < 1:
        raise Rejected(f"Guest {guest_id} needs at least one core and 1 MB of memory.")


def ensure_resized(turn: Turn, guest_id: UUID, cores: int, memory_mb: int) -> None:
    """Give a guest that is off or running another size."""
    row = turn.guest(guest_id)
    if (row["cores"], row["memory_mb"]) == (cores, memory_mb):
        return
    turn.require_idle(guest_id)
    if row["power"] not in (Power.OFF, Power.RUNNING):
        raise Rejected(
            f"Guest {guest_id} must be off or running to be resized; it is {row['power']}."
        )
    _require_size(guest_id, cores, memory_mb)
    if row["power"] == Power.RUNNING:
        require_compute(turn, turn.host, cores - row["cores"], memory_mb - row["memory_mb"])
    turn.run(
        "UPDATE guests SET cores=?3, memory_mb=?4, stands_at=NULL WHERE host=?1 AND id=?2",
        *(str(guest_id), cores, memory_mb),
    )
    turn.note("ensure_resized", guest_id)


def ensure_renamed(turn: Turn, guest_id: UUID, name: str) -> None:
    """Call the guest something else."""
    if not name:
        raise Rejected(f"Guest {guest_id} needs a name.")
    row = turn.guest(guest_id)
    turn.require_calm(guest_id)
    if row["name"] != name:
        turn.run("UPDATE guests SET name=?3 WHERE host=?1 AND id=?2", str(guest_id), name)
        turn.note("ensure_renamed", guest_id)


def ensure_media(turn: Turn, guest_id: UUID, image: str) -> None:
    """Put this image into the guest's drive, or take out what is in it."""
    row = turn.guest(guest_id)
    turn.require_calm(guest_id)
    if row["media"] != image:
        turn.run("UPDATE guests SET media=?3 WHERE host=?1 AND id=?2", str(guest_id), image)
        turn.note("ensure_media", guest_id)


def ensure_removed(turn: Turn, guest_id: UUID) -> Outcome:
    """Cut the guest off and begin its removal, or go on with it."""
    if turn.row("SELECT 1 FROM guests WHERE host=?1 AND id=?2", str(guest_id)) is None:
        return Done
    work = turn.work_on(guest_id)
    if work is not None and work.verb == "ensure_removed":
        return work.outcome(turn.now)
    give_up_disks(turn, guest_id)
    turn.run(
        "UPDATE guests SET power='off', holds_memory=0, running_since=NULL WHERE host=?1 AND id=?2",
        str(guest_id),
    )
    return turn.begin("ensure_removed", guest_id, REMOVAL_SECONDS)


def give_up_disks(turn: Turn, guest_id: UUID) -> None:
    """Give up what the guest's disks are in the middle of."""
    disks = turn.run("SELECT id FROM disks WHERE host=?1 AND guest=?2", str(guest_id)).fetchall()
    for (disk,) in disks:
        turn.give_up(UUID(disk))
