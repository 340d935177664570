"""Remove a machine: power it off, delete it, and give its quota back when nothing is left."""

from __future__ import annotations

import uuid

from fabric.durable.errors import Fault
from fabric.durable.recipe import Recipe, Step, Turn
from fabric.jobs import far_side
from fabric.models import Job, Machine
from fabric.states import MachineState
from plans.actions import quota

ON = {"Running", "Paused", "Starting", "Pausing"}


def ensure_off(turn: Turn) -> None:
    """Turn a running machine off; a machine that never came to be is fine."""
    with far_side.provider(turn) as provider:
        found = far_side.find(turn, provider)
        turn.memo["remote_id"] = str(found.id) if found else None
        if found is None or found.status not in ON:
            far_side.note(turn, None)
            return
        accepted = far_side.operate(turn, provider, found.id, "Stop")
    Machine.objects.filter(pk=turn.job.machine_id).update(remote_id=found.id)
    far_side.note(turn, accepted)


def ensure_deleted(turn: Turn) -> None:
    """Ask for the deletion of the machine and its disks."""
    job = turn.job
    if turn.memo["remote_id"] is None:
        far_side.note(turn, None)
        return
    with far_side.provider(turn) as provider:
        accepted = provider.remove_machine(
            uuid.UUID(turn.memo["remote_id"]),
            stamp_id=job.stamp_id,
            tenant=far_side.role(job),
            person=job.actor_email,
        )
    far_side.note(turn, accepted)


def ensure_nothing_left(turn: Turn) -> None:
    """Ask once more whether the machine is there: only its absence frees the quota."""
    with far_side.provider(turn) as provider:
        found = far_side.find(turn, provider)
    if found is not None:
        raise Fault("The cloud still has the machine.", code="not_gone", retry_after=3.0)


def _removed(turn: Turn) -> None:
    Machine.objects.filter(pk=turn.job.machine_id).update(
        state=MachineState.DELETED,
        addresses=[],
        status_text="",
        ends_at=None,
        unsettled_at=None,
    )
    quota.release_all(turn.job.machine_id)
    # A deployment that failed kept its password for being resumed.
    Job.objects.filter(machine=turn.job.machine_id).exclude(sealed="").update(sealed="")
    far_side.log_success(turn)


def _failed(turn: Turn, fault: Fault) -> None:
    Machine.objects.filter(pk=turn.job.machine_id).update(
        state=MachineState.FAILED, status_text=fault.message[:200]
    )
    far_side.log_failure(turn, fault)


REMOVE = Recipe(
    name="machine.remove",
    title="Remove a virtual machine",
    steps=(
        Step("ensure_off", "Turn it off", ensure_off),
        far_side.wait("wait_until_off", "Wait until it is off", share=20),
        Step("ensure_deleted", "Delete it and its disks", ensure_deleted),
        far_side.wait("wait_until_gone", "Wait until it is deleted", share=50),
        Step("ensure_nothing_left", "Make sure that nothing is left", ensure_nothing_left),
    ),
    succeeded=_removed,
    failed=_failed,
)
