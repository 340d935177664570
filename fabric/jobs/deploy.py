"""Deploy a machine: order it, wait for VMM's own job, read back what came of it."""

from __future__ import annotations

import uuid

from fabric.durable.errors import Fault
from fabric.durable.recipe import Recipe, Step, Turn
from fabric.jobs import far_side
from fabric.models import Machine
from fabric.providers.base import MachineOrder, OrderedAdapter, Provider
from fabric.states import MachineState
from fabric.sync import machines
from plans.actions import quota


def ensure_ordered(turn: Turn) -> None:
    """Make the machine at the far side, or find the one an earlier try has made."""
    job, order = turn.job, turn.job.inputs
    with far_side.provider(turn) as provider:
        _check_password_kept(turn, provider)
        accepted = provider.ensure_machine(
            MachineOrder(
                tag=str(job.machine_id),
                name=order["name"],
                computer_name=order.get("computer_name", ""),
                description=order.get("description", ""),
                stamp_id=job.stamp_id,
                cloud_id=uuid.UUID(order["cloud"]),
                template_id=uuid.UUID(order["template"]),
                adapters=(OrderedAdapter(order["network"]),) if order.get("network") else (),
                cores=order.get("cores"),
                memory_mb=order.get("memory_mb"),
                admin_user=order.get("admin_user", ""),
                password=turn.secret("password"),
            ),
            tenant=job.subscription_id,
            person=job.actor_email,
            first_try=turn.first_try,
        )
    Machine.objects.filter(pk=job.machine_id).update(remote_id=accepted.object_id)
    far_side.note(turn, accepted)
    turn.forget_secrets()
    turn.message = "The cloud has taken the order."


def _check_password_kept(turn: Turn, provider: Provider) -> None:
    """A resumed order whose password was used up can only adopt what is there."""
    if turn.secret("password") or far_side.find(turn, provider):
        return
    raise Fault(
        "The cloud lost the machine, and its password is not kept here.",
        code="password_gone",
        advice="Remove the machine and make it again.",
    )


def ensure_read_back(turn: Turn) -> None:
    """Know the machine's state and addresses; the watch has usually read them already."""
    job = turn.job
    machine = Machine.objects.only("state", "remote_id").get(pk=job.machine_id)
    if machine.state == MachineState.CREATING:
        with far_side.provider(turn) as provider:
            machines.refresh(provider, job.stamp_id, [machine.remote_id], settled=True)
        machine.refresh_from_db(fields=["state"])
    if machine.state in (MachineState.CREATING, MachineState.FAILED):
        raise Fault("The cloud says done, but the machine is not ready.", retry_after=2.0)


def _deployed(turn: Turn) -> None:
    quota.commit(turn.job.machine_id)
    far_side.log_success(turn)


def _failed(turn: Turn, fault: Fault) -> None:
    """Keep the reservation: something may be left of it, only Remove proves that nothing is."""
    Machine.objects.filter(pk=turn.job.machine_id).update(
        state=MachineState.FAILED, status_text=fault.message[:200]
    )
    far_side.log_failure(turn, fault)


DEPLOY = Recipe(
    name="machine.deploy",
    title="Deploy a virtual machine",
    steps=(
        Step("ensure_ordered", "Order the machine from the cloud", ensure_ordered, share=5),
        far_side.wait("wait_until_deployed", "Deploy", share=90, limit=7200),
        Step("ensure_read_back", "Read back its state", ensure_read_back, share=5),
    ),
    succeeded=_deployed,
    failed=_failed,
)
