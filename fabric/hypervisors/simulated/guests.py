"""Guests of a simulated host: what they are, defining, adapters, size and removal."""

from __future__ import annotations

import sqlite3
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
from fabric.hypervisors.errors import Busy, Missing, Rejected
from fabric.hypervisors.simulated.turn import Turn

REMOVAL_SECONDS = 2.0


def existing(turn: Turn, guest_id: UUID) -> sqlite3.Row:
    """The guest's row, or Missing."""
    row = turn.row("SELECT * FROM guests WHERE host=?1 AND id=?2", str(guest_id))
    if row is None:
        raise Missing(f"There is no guest {guest_id} on host {turn.host}.")
    return row


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
    for guest, id, image, size in turn.run(
        "SELECT guest, id, source_image, size_gb FROM disks"
        " WHERE host=?1 AND guest BETWEEN ?2 AND ?3 ORDER BY position",
        *span,
    ):
        disks.setdefault(guest, []).append(DiskSpec(UUID(id), image, size))
    adapters: dict[str, list[AdapterSpec]] = {}
    for guest, id, *rest in turn.run(
        "SELECT guest, id, mac, network, vlan, address FROM adapters"
        " WHERE host=?1 AND guest BETWEEN ?2 AND ?3 ORDER BY rowid",
        *span,
    ):
        adapters.setdefault(guest, []).append(AdapterSpec(UUID(id), *rest))
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
    addresses = tuple(a.address for a in adapters if a.address is not None) if os_ready else ()
    return GuestState(
        id=UUID(row["id"]),
        hypervisor_id=UUID(row["hypervisor_id"]),
        name=row["name"],
        power=power,
        cores=row["cores"],
        memory_mb=row["memory_mb"],
        disks=disks,
        adapters=adapters,
        addresses=addresses,
        os_ready=os_ready,
    )


def _shown_power(row: sqlite3.Row) -> Power:
    if row["verb"] == "ensure_removed":
        return Power.STOPPING
    if row["verb"] == "ensure_power" and row["target"] != Power.PAUSED:
        return Power.STARTING if row["target"] == Power.RUNNING else Power.STOPPING
    return Power(row["power"])


def ensure_defined(turn: Turn, spec: GuestSpec) -> UUID:
    """Define the guest, or adopt the one that is there."""
    row = turn.row(
        "SELECT hypervisor_id, definition FROM guests WHERE host=?1 AND id=?2", str(spec.id)
    )
    if row is not None:
        _refuse_while_leaving(turn, spec.id)
        if row["definition"] != repr(spec) and not _has_become(states(turn, spec.id)[0], spec):
            raise Rejected(f"Guest {spec.id} is defined with another specification.")
        return UUID(row["hypervisor_id"])
    if spec.cores < 1 or spec.memory_mb < 1:
        raise Rejected(f"Guest {spec.id} needs at least one core and 1 MB of memory.")
    hypervisor_id = uuid4()
    turn.run(
        "INSERT INTO guests (host, id, hypervisor_id, name, cores, memory_mb, definition)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        *(str(spec.id), str(hypervisor_id), spec.name, spec.cores, spec.memory_mb, repr(spec)),
    )
    turn.note("ensure_defined", spec.id)
    for position, disk in enumerate(spec.disks):
        _attach_disk(turn, spec.id, disk, position)
    for adapter in spec.adapters:
        _put_adapter(turn, spec.id, adapter)
    return hypervisor_id


def _has_become(state: GuestState, spec: GuestSpec) -> bool:
    return (
        (state.name, state.cores, state.memory_mb) == (spec.name, spec.cores, spec.memory_mb)
        and set(state.disks) == set(spec.disks)
        and set(state.adapters) == set(spec.adapters)
    )


def _attach_disk(turn: Turn, guest_id: UUID, disk: DiskSpec, position: int) -> None:
    row = turn.row("SELECT * FROM disks WHERE host=?1 AND id=?2", str(disk.id))
    if row is None:
        raise Missing(f"There is no disk {disk.id} on host {turn.host}.")
    if row["guest"] is not None:
        raise Rejected(f"Disk {disk.id} belongs to guest {row['guest']}.")
    if (row["source_image"], row["size_gb"]) != (disk.source_image, disk.size_gb):
        raise Rejected(f"Disk {disk.id} exists with another image or size.")
    if not row["is_whole"]:
        work = turn.work_on(disk.id)
        raise turn.busy(disk.id, work) if work else Busy(f"Disk {disk.id} is not whole yet.")
    turn.run(
        "UPDATE disks SET guest=?3, position=?4 WHERE host=?1 AND id=?2",
        *(str(disk.id), str(guest_id), position),
    )


def ensure_adapter(turn: Turn, guest_id: UUID, adapter: AdapterSpec) -> None:
    """Attach the adapter, or bring it up to date."""
    existing(turn, guest_id)
    _refuse_while_leaving(turn, guest_id)
    _put_adapter(turn, guest_id, adapter)


def _put_adapter(turn: Turn, guest_id: UUID, adapter: AdapterSpec) -> None:
    mac_key = _mac_key(adapter.mac)
    wanted = (adapter.network, adapter.vlan, adapter.address)
    row = turn.row("SELECT * FROM adapters WHERE host=?1 AND id=?2", str(adapter.id))
    if row is not None:
        if (row["guest"], row["mac_key"]) != (str(guest_id), mac_key):
            raise Rejected(f"Adapter {adapter.id} has another guest or MAC.")
        if (row["network"], row["vlan"], row["address"]) == wanted:
            return
    # The network is the rack's, not the host's: look on all hosts.
    twin = turn.row(
        "SELECT guest FROM adapters WHERE network=?2 AND mac_key=?3 AND NOT (host=?1 AND id=?4)",
        *(adapter.network, mac_key, str(adapter.id)),
    )
    if twin is not None:
        raise Rejected(
            f"MAC {adapter.mac} is in use on network {adapter.network} by guest {twin['guest']}."
        )
    turn.run(
        "INSERT INTO adapters (host, id, guest, mac, mac_key, network, vlan, address)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (host, id)"
        " DO UPDATE SET network=?6, vlan=?7, address=?8",
        *(str(adapter.id), str(guest_id), adapter.mac, mac_key, *wanted),
    )
    turn.note("ensure_adapter", adapter.id)


def _mac_key(mac: str) -> str:
    key = "".join(c for c in mac.lower() if c not in ":-.")
    if len(key) != 12 or not set(key) <= set("0123456789abcdef"):
        raise Rejected(f"{mac!r} is not a MAC address.")
    return key


def ensure_resized(turn: Turn, guest_id: UUID, cores: int, memory_mb: int) -> None:
    """Give a guest that is off another size."""
    row = existing(turn, guest_id)
    if (row["cores"], row["memory_mb"]) == (cores, memory_mb):
        return
    work = turn.work_on(guest_id)
    if work is not None:
        raise turn.busy(guest_id, work)
    if row["power"] != Power.OFF:
        raise Rejected(f"Guest {guest_id} must be off to be resized; it is {row['power']}.")
    if cores < 1 or memory_mb < 1:
        raise Rejected(f"Guest {guest_id} needs at least one core and 1 MB of memory.")
    turn.run(
        "UPDATE guests SET cores=?3, memory_mb=?4 WHERE host=?1 AND id=?2",
        *(str(guest_id), cores, memory_mb),
    )
    turn.note("ensure_resized", guest_id)


def ensure_removed(turn: Turn, guest_id: UUID) -> Outcome:
    """Cut the guest off and begin its removal, or go on with it."""
    if turn.row("SELECT 1 FROM guests WHERE host=?1 AND id=?2", str(guest_id)) is None:
        return Done
    work = turn.work_on(guest_id)
    if work is not None and work.verb == "ensure_removed":
        return work.outcome(turn.now)
    turn.run(
        "UPDATE guests SET power='off', holds_memory=0, running_since=NULL WHERE host=?1 AND id=?2",
        str(guest_id),
    )
    return turn.begin("ensure_removed", guest_id, REMOVAL_SECONDS)


def _refuse_while_leaving(turn: Turn, guest_id: UUID) -> None:
    work = turn.work_on(guest_id)
    if work is not None and work.verb == "ensure_removed":
        raise turn.busy(guest_id, work)
