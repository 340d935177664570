"""Move a machine to another host, live when it runs; undo a move, or settle where it ended.

Room is held on both hosts until both have been asked where the machine is. `inputs` hold `before`,
the host it leaves, and `target`, the id of the one it goes to (null: the best). A host asked to
move a machine to itself tells whether it has it and nothing carries it away.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Recipe, Turn
from fabric.hypervisors.base import Power
from fabric.hypervisors.errors import Busy, Missing
from fabric.vmm import placement, slots
from fabric.vmm.drivers import open_driver
from fabric.vmm.jobs import deploy
from fabric.vmm.jobs.faults import again, step
from fabric.vmm.jobs.hosts import driver_at, locked, note_of, write
from fabric.vmm.jobs.operate import STATUS_OF_POWER
from fabric.vmm.jobs.work import Work
from fabric.vmm.models import DiskDrive, Host, VirtualMachine
from fabric.vmm.states import MachineStatus

# A host that answers so has not moved anything.
_NOT_MOVED = frozenset({"rejected", "full", "unsupported", "missing"})
_HOURS = 14_400


def ensure_reserved(turn: Turn) -> Again | None:
    """Take room on the target, beside that on the source, and a slot, in line for either."""
    machine = locked(turn)

    wanted = turn.job.inputs["target"]

    def choose() -> Host:
        among = None if wanted is None else [Host.objects.get(pk=wanted)]
        return placement.reserve_best(machine, among=among, needs_slot=True)[0]

    host = slots.hold(turn, choose, only=wanted and UUID(wanted))
    if isinstance(host, Again):
        return host
    drives = DiskDrive.objects.filter(machine=machine.pk).select_related("volume", "moving_to")
    turn.memo["target"] = note_of(host)
    turn.memo["volumes"] = {str(d.pk): d.moving_to.name for d in drives if d.moving_to is not None}
    turn.memo["old_volumes"] = {str(d.pk): d.volume.name for d in drives if d.volume is not None}
    if turn.job.inputs.get("placement"):
        turn.memo["placement"] = turn.job.inputs["placement"]
    deploy.note_rating(turn, host)
    turn.host = host.name
    return None


def ensure_moved(turn: Turn) -> Again | None:
    """Have the source carry the machine over."""
    source = driver_at(turn, turn.job.inputs)
    volumes = _volumes(turn.memo["volumes"])
    target = turn.memo["target"]["host"]
    return again(source.ensure_moved(turn.job.subject, target, volumes))


def ensure_arrived(turn: Turn) -> Again | None:
    """Ask both hosts: the machine must be on the target, and only there."""
    there = driver_at(turn, turn.memo["target"]).guest(turn.job.subject)
    here = driver_at(turn, turn.job.inputs).guest(turn.job.subject)
    if there is None or here is not None:
        return ensure_moved(turn) or Again(1.0, message="It is not there yet; moving it again.")
    if there.power not in STATUS_OF_POWER:
        return Again(1.0, message="The host is still changing its power.")
    turn.memo["power"] = str(there.power)
    turn.memo["hypervisor_id"] = str(there.hypervisor_id)
    turn.host = turn.memo["target"]["host"]
    return None


def ensure_settled(turn: Turn) -> None:
    """Write that it is on the target, and give back what it held on the source."""
    placement.settle_move(locked(turn))
    _write_found(turn)


def failed(turn: Turn, fault: Fault) -> None:
    """Give back the room on the target when the source surely kept the machine; else hold both."""
    if _was_not_moved(turn.job, fault.code):
        placement.give_back(locked(turn))
        is_lost = fault.code == "missing" and turn.job.step == CARRY.name
        status: str = MachineStatus.MISSING if is_lost else turn.job.inputs["before"]
    elif fault.code == "unreachable":
        status = MachineStatus.HOST_NOT_RESPONDING
    else:
        status = MachineStatus.UPDATE_FAILED
    write(turn, status=status, failed_job_id=turn.job.pk)


def _was_not_moved(job: Any, code: str) -> bool:
    """Tell whether a failed job surely left the machine on the source."""
    return job.step == RESERVE.name or (job.step == CARRY.name and code in _NOT_MOVED)


def cancelled(turn: Turn) -> None:
    """Give back the room: it was not carried anywhere yet."""
    placement.give_back(locked(turn))
    write(turn, status=turn.job.inputs["before"])


def where_is(source: dict[str, Any], target: dict[str, Any], id: UUID) -> dict[str, Any] | None:
    """Ask both hosts of a failed move; return what is found, None while it is on its way.

    `found` is source, target, or "" when neither has it.
    """
    leaving = open_driver(source["hypervisor"], source["host"])
    coming = open_driver(target["hypervisor"], target["host"])
    try:
        leaving.ensure_moved(id, source["host"], {})
        found, guest = "source", leaving.guest(id)
    except Busy:
        return None
    except Missing:
        found, guest = "target", coming.guest(id)
    if guest is None:
        return {"found": ""}
    if guest.power not in STATUS_OF_POWER:
        return None
    return {
        "found": found,
        "power": str(guest.power),
        "hypervisor_id": str(guest.hypervisor_id),
    }


def ensure_found(turn: Turn) -> Again | None:
    """Ask both hosts where the machine is, until it is on its way no more."""
    done = turn.job.inputs["undoes"]
    if "target" not in done:
        turn.memo["found"] = "source"
        return None
    turn.host = turn.job.inputs["host"]
    found = where_is(turn.job.inputs, done["target"], turn.job.subject)
    if found is None:
        return Again(1.0, message="It is still on its way.")
    if not found["found"]:
        raise Fault(
            "Neither host has the machine.", code="missing", advice="Refresh it, or remove it."
        )
    turn.memo.update(found)
    return None


def ensure_brought_back(turn: Turn) -> Again | None:
    """Have the target carry the machine back, when it had come so far."""
    if turn.memo["found"] != "target":
        return None
    done = turn.job.inputs["undoes"]
    target = driver_at(turn, done["target"])
    source = turn.job.inputs["host"]
    waiting = again(target.ensure_moved(turn.job.subject, source, _volumes(done["old_volumes"])))
    if waiting is None and driver_at(turn, turn.job.inputs).guest(turn.job.subject) is None:
        return Again(1.0, message="It is not back yet; moving it again.")
    return waiting


def ensure_back_settled(turn: Turn) -> None:
    """Write that it is where it was, and give back the room on the target."""
    placement.give_back(locked(turn))
    _write_found(turn)


def ensure_found_settled(turn: Turn) -> None:
    """Write that it is where it was found, and give back the room on the other host."""
    settle(locked(turn), turn.memo["found"])
    _write_found(turn)


def settle(machine: VirtualMachine, found: str) -> None:
    """Count what a machine holds where it was found, and nowhere else."""
    if found == "target":
        placement.settle_move(machine)
    else:
        placement.give_back(machine)


def _write_found(turn: Turn) -> None:
    known = {}
    if turn.memo.get("hypervisor_id"):
        known["hypervisor_id"] = turn.memo["hypervisor_id"]
    power = turn.memo.get("power")
    status = STATUS_OF_POWER[Power(power)] if power else turn.job.inputs["was"]
    write(turn, status=status, failed_job_id=None, **known)


def undo_failed(turn: Turn, fault: Fault) -> None:
    """Leave the machine as it is, with room on both hosts, to be repaired again."""
    write(turn, status=turn.job.inputs["before"], failed_job_id=turn.job.pk)


def _volumes(names: dict[str, str]) -> dict[UUID, str]:
    return {UUID(disk): name for disk, name in names.items()}


RESERVE = step(
    "ensure_reserved", "Check limits and choose a host", ensure_reserved, local=True, share=5
)
CARRY = step("ensure_moved", "Move the machine", ensure_moved, share=80, limit=_HOURS)
MOVE = slots.heavy(
    Recipe(
        "move",
        "Move virtual machine",
        (
            RESERVE,
            CARRY,
            step("ensure_arrived", "Ask both hosts", ensure_arrived, limit=_HOURS),
            step("ensure_settled", "Release its old room", ensure_settled, local=True, share=5),
        ),
        failed=failed,
        cancelled=cancelled,
        cancel_before=RESERVE.name,
    ),
    placed_by=RESERVE.name,
)

_FIND = step("ensure_found", "Ask both hosts where it is", ensure_found, limit=_HOURS)
UNDO_MOVE = Recipe(
    "undo_move",
    "Undo move of virtual machine",
    (
        _FIND,
        step("ensure_brought_back", "Move it back", ensure_brought_back, share=60, limit=_HOURS),
        step("ensure_back_settled", "Finish", ensure_back_settled, local=True, share=5),
    ),
    failed=undo_failed,
)
SETTLE_MOVE = Recipe(
    "settle_move",
    "Settle where virtual machine is",
    (_FIND, step("ensure_found_settled", "Finish", ensure_found_settled, local=True, share=5)),
    failed=undo_failed,
)


def _resume_at(job: Any) -> str | None:
    """Take room anew when it was given back."""
    return RESERVE.name if _was_not_moved(job, (job.fault or {}).get("code", "")) else None


_NEEDS = ("MigrateVM",)

WORKS = (
    Work(
        MOVE,
        "Move-SCVirtualMachine",
        permissions=_NEEDS,
        busy=MachineStatus.UNDER_MIGRATION,
        resume_at=_resume_at,
        undo=UNDO_MOVE,
        dismiss=SETTLE_MOVE,
    ),
    *(
        Work(
            recipe,
            "Repair-SCVirtualMachine",
            permissions=_NEEDS,
            busy=MachineStatus.UNDER_MIGRATION,
        )
        for recipe in (UNDO_MOVE, SETTLE_MOVE)
    ),
)
