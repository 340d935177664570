"""Operations on a machine that is there: power. Reading it again is in refresh.py.

`inputs` hold `before`, the status to return to when the host refuses, and the host.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Recipe, Turn
from fabric.hypervisors.base import Power
from fabric.vmm import roles
from fabric.vmm.jobs.faults import again, step
from fabric.vmm.jobs.hosts import driver, status_after, write
from fabric.vmm.jobs.work import Work
from fabric.vmm.states import MachineStatus as Status


@dataclass(frozen=True)
class Operation:
    """A named operation: from where, over what, to where, and the recipe that does it."""

    name: str
    cmdlet: str
    allowed: frozenset[Status]
    busy: Status | None
    recipe: Recipe


STATUS_OF_POWER = {
    Power.RUNNING: Status.RUNNING,
    Power.OFF: Status.POWER_OFF,
    Power.PAUSED: Status.PAUSED,
    Power.SAVED: Status.SAVED,
}


def _mover(power: Power, hard: bool) -> Callable[[Turn], Again | None]:
    def ensure_power(turn: Turn) -> Again | None:
        return ensure_at(turn, power, hard=hard)

    return ensure_power


def ensure_at(turn: Turn, power: Power, *, hard: bool = False) -> Again | None:
    """Have the host move the guest's power, and look whether it did."""
    host = driver(turn)
    waiting = again(host.ensure_power(turn.job.subject, power, hard=hard))
    if waiting is not None:
        return waiting
    guest = host.guest(turn.job.subject)
    if guest is None or guest.power != power:
        return Again(1.0, message="The machine is not there yet; asking its host again.")
    return None


def _writer(status: Status) -> Callable[[Turn], None]:
    def ensure_written(turn: Turn) -> None:
        write(turn, status=status, failed_job_id=None)

    return ensure_written


def failed(turn: Turn, fault: Fault) -> None:
    """Put the machine back where it stood, unless its host does not answer or lost it."""
    before = turn.job.inputs["before"]
    write(turn, status=status_after(fault, before), failed_job_id=turn.job.pk)


def _power(
    name: str,
    title: str,
    cmdlet: str,
    moves: tuple[tuple[str, Power, bool], ...],
    allowed: set[Status],
    busy: Status,
    limit: float = 300,
) -> Operation:
    """Describe an operation that moves power; moves are (title, target, hard)."""
    steps = [
        step(f"ensure_{power}", words, _mover(power, hard), share=40, limit=limit)
        for words, power, hard in moves
    ]
    end = step(
        "ensure_written", "Finish", _writer(STATUS_OF_POWER[moves[-1][1]]), local=True, share=5
    )
    recipe = Recipe(name.lower(), title, (*steps, end), failed=failed)
    return Operation(name, cmdlet, frozenset(allowed), busy, recipe)


_CUT = ("Turn the machine off", Power.OFF, True)
_RUN = ("Start the machine", Power.RUNNING, False)
OPERATIONS = {
    operation.name: operation
    for operation in (
        _power(
            "Start",
            "Start virtual machine",
            "Start-SCVirtualMachine",
            (_RUN,),
            {Status.POWER_OFF, Status.SAVED},
            Status.STARTING,
        ),
        _power(
            "Stop",
            "Turn off virtual machine",
            "Stop-SCVirtualMachine",
            (_CUT,),
            {Status.RUNNING, Status.PAUSED, Status.HOST_NOT_RESPONDING},
            Status.POWERING_OFF,
        ),
        _power(
            "Shutdown",
            "Shut down virtual machine",
            "Stop-SCVirtualMachine",
            (("Ask the operating system to shut down", Power.OFF, False),),
            {Status.RUNNING},
            Status.POWERING_OFF,
        ),
        _power(
            "Reset",
            "Reset virtual machine",
            "Reset-SCVirtualMachine",
            (_CUT, _RUN),
            {Status.RUNNING},
            Status.STARTING,
        ),
        _power(
            "Suspend",
            "Pause virtual machine",
            "Suspend-SCVirtualMachine",
            (("Pause the machine", Power.PAUSED, False),),
            {Status.RUNNING},
            Status.PAUSING,
        ),
        _power(
            "Resume",
            "Resume virtual machine",
            "Resume-SCVirtualMachine",
            (("Resume the machine", Power.RUNNING, False),),
            {Status.PAUSED},
            Status.STARTING,
        ),
        _power(
            "SaveState",
            "Save state of virtual machine",
            "Save-SCVirtualMachine",
            (("Save memory to disk", Power.SAVED, False),),
            {Status.RUNNING, Status.PAUSED},
            Status.SAVING,
        ),
        _power(
            "DiscardSavedState",
            "Discard saved state of virtual machine",
            "Discard-SCSavedState",
            (("Discard the saved state", Power.OFF, True),),
            {Status.SAVED},
            Status.POWERING_OFF,
        ),
    )
}

WORKS = tuple(
    Work(
        operation.recipe,
        operation.cmdlet,
        permissions=roles.OPERATION_PERMISSIONS[operation.name],
        busy=operation.busy,
    )
    for operation in OPERATIONS.values()
)
