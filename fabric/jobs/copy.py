"""Make a machine like another one: as that is now, or as it was at a checkpoint."""

from __future__ import annotations

import uuid

from fabric.durable.recipe import Recipe, Step, Turn
from fabric.jobs import deploy, far_side, settling, standing
from fabric.models import Machine
from fabric.providers.base import MachineOrder
from fabric.states import MachineState
from plans.actions import quota


def ensure_ordered(turn: Turn) -> None:
    """Order the copy, or find the one an earlier try has made."""
    job, order = turn.job, turn.job.inputs
    checkpoint = order["checkpoint"]
    with far_side.provider(turn) as provider:
        accepted = provider.ensure_machine(
            MachineOrder(
                tag=str(job.machine_id),
                name=order["name"],
                description=order["description"],
                stamp_id=job.stamp_id,
                cloud_id=uuid.UUID(order["cloud"]),
                source_machine_id=uuid.UUID(order["source"]),
                source_checkpoint_id=uuid.UUID(checkpoint) if checkpoint else None,
                start=False,
            ),
            tenant=far_side.role(job),
            person=job.actor_email,
            first_try=turn.first_try,
        )
    Machine.objects.filter(pk=job.machine_id).update(remote_id=accepted.object_id)
    far_side.note(turn, accepted)
    turn.message = "The cloud has taken the order."


def _copied(turn: Turn) -> None:
    """Commit, then count what the copy really is: at the checkpoint it may have been another
    size."""
    standing.show(turn, MachineState.UPDATING)
    quota.commit(turn.job.machine_id)
    settling.settle(turn.job.machine_id)
    far_side.log_success(turn)


COPY = Recipe(
    name="machine.copy",
    title="Copy a virtual machine",
    steps=(
        Step("ensure_ordered", "Order the copy from the cloud", ensure_ordered, share=5),
        far_side.wait("wait_until_copied", "Copy", share=90, limit=14_400),
        Step("ensure_read_back", "Read back its state", deploy.ensure_read_back, share=5),
    ),
    succeeded=_copied,
    failed=deploy.failed,
)
