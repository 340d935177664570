"""Power of simulated guests: the table of moves, how long each takes, and the memory it needs."""

from __future__ import annotations

from uuid import UUID

from fabric.hypervisors.base import Done, Outcome, Power
from fabric.hypervisors.errors import Rejected
from fabric.hypervisors.simulated.ends import CUT
from fabric.hypervisors.simulated.room import require_compute
from fabric.hypervisors.simulated.turn import Turn

CUT_SECONDS = 0.5
KEEPS_POWER = frozenset(
    {"ensure_guest_setup", "ensure_checkpoint", "ensure_checkpoint_removed", "ensure_moved"}
)
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
    row = turn.guest(guest_id)
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
        if work.verb in KEEPS_POWER and now is power:
            return Done
        if not cuts:
            raise turn.busy(guest_id, work)
        turn.stir(guest_id)
        return turn.begin("ensure_power", guest_id, CUT_SECONDS, CUT)
    if now is power:
        return Done
    seconds = CUT_SECONDS if cuts else MOVES.get((now, power))
    if seconds is None:
        raise Rejected(f"Guest {guest_id} cannot go from {now} to {power}.")
    if power is Power.RUNNING and now in (Power.OFF, Power.SAVED):
        turn.require_idle_disks(guest_id, "ensure_image")
        require_compute(turn, turn.host, row["cores"], row["memory_mb"])
        turn.run(
            "UPDATE guests SET holds_memory=1, running_since=?3 WHERE host=?1 AND id=?2",
            *(str(guest_id), turn.now),
        )
    turn.stir(guest_id)
    return turn.begin("ensure_power", guest_id, seconds, target)
