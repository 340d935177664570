"""Power of simulated guests: the table of moves, how long each takes, and the memory it needs."""

from __future__ import annotations

import sqlite3
from uuid import UUID

from fabric.hypervisors.base import Done, Outcome, Power
from fabric.hypervisors.errors import Full, Rejected
from fabric.hypervisors.simulated.guests import existing
from fabric.hypervisors.simulated.turn import CUT, Turn

CORES_OVERCOMMIT = 8
CUT_SECONDS = 0.5
MOVES: dict[tuple[Power, Power], float] = {
    (Power.OFF, Power.RUNNING): 3.0,
    (Power.RUNNING, Power.OFF): 4.0,
    (Power.RUNNING, Power.PAUSED): 0.3,
    (Power.RUNNING, Power.SAVED): 2.5,
    (Power.PAUSED, Power.RUNNING): 0.3,
    (Power.PAUSED, Power.SAVED): 2.5,
    (Power.SAVED, Power.RUNNING): 2.0,
}


def ensure_power(turn: Turn, guest_id: UUID, power: Power, hard: bool) -> Outcome:
    """Begin to move the guest to this power, or go on with it."""
    if power in (Power.STARTING, Power.STOPPING):
        raise Rejected(f"{power} is passing: it cannot be asked for.")
    row = existing(turn, guest_id)
    now = Power(row["power"])
    cuts = hard and power is Power.OFF
    target = CUT if cuts else power.value
    work = turn.work_on(guest_id)
    if work is not None:
        if work.verb == "ensure_removed":
            raise turn.busy(guest_id, work)
        is_same = work.target == target or (power is Power.OFF and work.target == CUT)
        if work.verb == "ensure_power" and is_same:
            return work.outcome(turn.now)
        if work.verb == "ensure_guest_setup" and now is power:
            return Done
        if not cuts:
            raise turn.busy(guest_id, work)
        return turn.begin("ensure_power", guest_id, CUT_SECONDS, CUT)
    if now is power:
        return Done
    seconds = CUT_SECONDS if cuts else MOVES.get((now, power))
    if seconds is None:
        raise Rejected(f"Guest {guest_id} cannot go from {now} to {power}.")
    if power is Power.RUNNING and now in (Power.OFF, Power.SAVED):
        _take_memory(turn, row)
    return turn.begin("ensure_power", guest_id, seconds, target)


def _take_memory(turn: Turn, guest: sqlite3.Row) -> None:
    host = turn.row("SELECT memory_mb, cores FROM hosts WHERE name=?1")
    used = turn.row(
        "SELECT coalesce(sum(memory_mb), 0) AS memory_mb, coalesce(sum(cores), 0) AS cores"
        " FROM guests WHERE host=?1 AND holds_memory"
    )
    assert host is not None
    assert used is not None
    free_mb = host["memory_mb"] - used["memory_mb"]
    free_cores = host["cores"] * CORES_OVERCOMMIT - used["cores"]
    _require(turn, "memory", free_mb, guest["memory_mb"], " MB")
    _require(turn, "cores", free_cores, guest["cores"], "")
    turn.run(
        "UPDATE guests SET holds_memory=1, running_since=?3 WHERE host=?1 AND id=?2",
        *(guest["id"], turn.now),
    )


def _require(turn: Turn, resource: str, free: int, wanted: int, unit: str) -> None:
    if wanted > free:
        raise Full(
            f"Host {turn.host} has no room for {resource}:"
            f" {max(0, free)}{unit} free, {wanted}{unit} wanted.",
            resource=resource,
            free=max(0, free),
            wanted=wanted,
        )
