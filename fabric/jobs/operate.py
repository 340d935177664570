"""Change a machine's power state through the far side's `Operation`."""

from __future__ import annotations

from fabric.durable.errors import Fault
from fabric.durable.recipe import Recipe, Step, Turn
from fabric.jobs import far_side, standing
from fabric.states import MachineState, Verb

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
    """Ask for the operation of the job's verb."""
    ask(turn, *OPERATIONS[turn.job.inputs["verb"]])


def ask(turn: Turn, operation: str, wanted: str | None) -> None:
    """Ask for an operation, unless an earlier try whose reply was lost has brought it there."""
    with far_side.provider(turn) as provider:
        if not turn.first_try and wanted and standing.look(turn, provider) == wanted:
            far_side.note(turn, None)
            return
        accepted = far_side.operate(turn, provider, far_side.remote_id(turn), operation)
    far_side.note(turn, accepted)


def ensure_read_back(turn: Turn) -> None:
    """Know the state it came to; the watch may have read it, with those of many others."""
    state = turn.job.remote.get(standing.KEY, MachineState.UPDATING)
    if state == MachineState.UPDATING:
        with far_side.provider(turn) as provider:
            state = standing.look(turn, provider)
    standing.require_settled(state)
    standing.note(turn, state)


def succeeded(turn: Turn) -> None:
    """Show the state it came to."""
    standing.show(turn, turn.job.inputs["was"])
    far_side.log_success(turn)


def failed(turn: Turn, fault: Fault) -> None:
    """Show the state the machine was in; sync corrects it if it is another by now."""
    standing.show(turn, turn.job.inputs["was"], fault.message)
    far_side.log_failure(turn, fault)


OPERATE = Recipe(
    name="machine.operate",
    title="Operate a virtual machine",
    steps=(
        Step("ensure_asked", "Ask the cloud", ensure_asked, share=10),
        far_side.wait("wait_until_done", "Wait for the machine", share=80),
        Step("ensure_read_back", "Read back its state", ensure_read_back, share=10),
    ),
    succeeded=succeeded,
    failed=failed,
)
