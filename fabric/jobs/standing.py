"""Where the machine of a job stands: noted on the way, shown when the job ends.

A machine is busy as long as its job is at work, whatever state it passes through meanwhile.
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from fabric.durable.errors import Fault
from fabric.durable.recipe import Turn
from fabric.models import Job, Machine
from fabric.providers.base import Provider
from fabric.states import BUSY, MachineState
from fabric.sync import machines

# In the notes of a job, and in what the watch tells it.
KEY = "stands"


def note(turn: Turn, state: str) -> None:
    """Keep the state a machine was seen in, unless the far side is at work on it."""
    if state not in BUSY:
        turn.memo[KEY] = state


def forget(job: Job) -> None:
    """Let a job that is to be resumed know nothing of where its machine stood when it failed."""
    job.memo.pop(KEY, None)


def look(turn: Turn, provider: Provider) -> str:
    """Read the machine and return the state it is in: UPDATING while the far side works on it."""
    machine = Machine.objects.only("remote_id").get(pk=turn.job.machine_id)
    seen = machines.refresh(provider, turn.job.stamp_id, [machine.remote_id])
    state = seen.get(machine.remote_id, MachineState.UPDATING)
    note(turn, state)
    return state


def require_settled(state: str) -> None:
    """Raise a fault to look again while it is not known where the machine stands."""
    if state == MachineState.UPDATING:
        raise Fault(
            "The cloud says done, but not where the machine stands.",
            code="not_settled",
            retry_after=2.0,
        )


def show(turn: Turn, otherwise: str, text: str = "", **columns: Any) -> None:
    """Let the machine go: it is in the state it was seen in last, or `otherwise`.

    Call it in the transaction that ends the job.
    """
    if KEY in turn.memo:
        # A pass that asked before that does not know better.
        columns["synced_at"] = timezone.now()
    Machine.objects.filter(pk=turn.job.machine_id).update(
        state=turn.memo.get(KEY, otherwise), status_text=text[:200], **columns
    )
