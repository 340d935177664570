"""Change a machine's power state through the far side's `Operation`."""

from __future__ import annotations

from fabric.durable.errors import Fault
from fabric.durable.recipe import Recipe, Step, Turn
from fabric.jobs import far_side
from fabric.models import Machine
from fabric.providers.base import Provider
from fabric.states import MachineState, Verb
from fabric.sync import machines

# What the far side calls it, and where it leads; a reset leads nowhere else.
OPERATIONS: dict[str, tuple[str, str | None]] = {
    Verb.START: ("Start", MachineState.RUNNING),
    Verb.SHUTDOWN: ("Shutdown", MachineState.STOPPED),
    Verb.STOP: ("Stop", MachineState.STOPPED),
    Verb.PAUSE: ("Suspend", MachineState.PAUSED),
    Verb.RESUME: ("Resume", MachineState.RUNNING),
    Verb.SAVE: ("SaveState", MachineState.SAVED),
    Verb.RESET: ("Reset", None),
}


def ensure_asked(turn: Turn) -> None:
    """Ask for the operation, unless an earlier try whose reply was lost has already reached it."""
    machine = Machine.objects.only("remote_id").get(pk=turn.job.machine_id)
    operation, wanted = OPERATIONS[turn.job.inputs["verb"]]
    with far_side.provider(turn) as provider:
        if not turn.first_try and wanted and reached(turn, provider, machine, wanted):
            far_side.note(turn, None)
            return
        accepted = far_side.operate(turn, provider, machine.remote_id, operation)
    far_side.note(turn, accepted)


def reached(turn: Turn, provider: Provider, machine: Machine, wanted: str) -> bool:
    """Read the machine and tell whether it stands in this state."""
    machines.refresh(provider, turn.job.stamp_id, [machine.remote_id], settled=True)
    machine.refresh_from_db(fields=["state"])
    is_there = machine.state == wanted
    if not is_there:
        # What was read lets it leave its state; the job is still at work on it.
        Machine.objects.filter(pk=machine.pk).update(state=MachineState.UPDATING)
    return is_there


def ensure_read_back(turn: Turn) -> None:
    """Know the state it came to: a job that ended must not leave its machine busy."""
    read_back(turn)


def read_back(turn: Turn, *, always: bool = False) -> None:
    """Read the machine unless the watch has done so already, or `always`."""
    job = turn.job
    machine = Machine.objects.only("state", "remote_id").get(pk=job.machine_id)
    if always or machine.state == MachineState.UPDATING:
        with far_side.provider(turn) as provider:
            machines.refresh(provider, job.stamp_id, [machine.remote_id], settled=True)
        machine.refresh_from_db(fields=["state"])
    if machine.state == MachineState.UPDATING:
        raise Fault(
            "The cloud says done, but not where the machine stands.",
            code="not_settled",
            retry_after=2.0,
        )


def failed(turn: Turn, fault: Fault) -> None:
    """Show the state the machine was in; sync corrects it if it is another by now."""
    Machine.objects.filter(pk=turn.job.machine_id, state=MachineState.UPDATING).update(
        state=turn.job.inputs["was"], status_text=fault.message[:200]
    )
    far_side.log_failure(turn, fault)


OPERATE = Recipe(
    name="machine.operate",
    title="Operate a virtual machine",
    steps=(
        Step("ensure_asked", "Ask the cloud", ensure_asked, share=10),
        far_side.wait("wait_until_done", "Wait for the machine", share=80),
        Step("ensure_read_back", "Read back its state", ensure_read_back, share=10),
    ),
    succeeded=far_side.log_success,
    failed=failed,
)
