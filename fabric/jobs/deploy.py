"""Deploy a machine: order it, wait for VMM's own job, add its disks, read back what came of it."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db.models import Sum

from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Recipe, Step, Turn
from fabric.jobs import far_side, guests, provision, settling, standing
from fabric.models import Machine
from fabric.providers.base import MachineOrder, OrderedAdapter, Provider
from fabric.providers.changes import AddDisk
from fabric.states import MachineState
from plans.actions import quota

NOT_READY = (None, MachineState.CREATING, MachineState.FAILED)


def ensure_ordered(turn: Turn) -> None:
    """Make the machine at the far side, or find the one an earlier try has made."""
    job, order = turn.job, turn.job.inputs
    turn.memo.pop("disk_asked", None)
    with far_side.provider(turn) as provider:
        _check_secrets_kept(turn, provider)
        if turn.memo.get("is_deployed") and far_side.find(turn, provider):
            # Its disks failed, so that the far side's last job is one of theirs.
            far_side.note(turn, None)
            return
        accepted = provider.ensure_machine(
            MachineOrder(
                tag=str(job.machine_id),
                name=order["name"],
                description=order.get("description", ""),
                stamp_id=job.stamp_id,
                cloud_id=uuid.UUID(order["cloud"]),
                template_id=uuid.UUID(order["template"]),
                adapters=tuple(OrderedAdapter(*adapter) for adapter in order["adapters"]),
                cores=order.get("cores"),
                memory_mb=order.get("memory_mb"),
                **guests.inputs_of(turn),
            ),
            tenant=far_side.role(job),
            person=job.actor_email,
            first_try=turn.first_try,
        )
    Machine.objects.filter(pk=job.machine_id).update(remote_id=accepted.object_id)
    far_side.note(turn, accepted)
    turn.forget_secrets()
    turn.message = "The cloud has taken the order."


def _check_secrets_kept(turn: Turn, provider: Provider) -> None:
    """A resumed order whose secrets were used up can only adopt what is there."""
    if guests.has_all_secrets(turn) or far_side.find(turn, provider):
        return
    raise Fault(
        "The cloud lost the machine, and its password is not kept here.",
        code="password_gone",
        advice="Remove the machine and make it again.",
    )


def wait_for_disks(turn: Turn) -> Again | None:
    """Add one disk after the other; each is waited for as the machine itself is."""
    turn.memo["is_deployed"] = True
    wanted = turn.job.inputs.get("disks", [])
    waiting = far_side.wait_for_remote_job(turn) if turn.memo.get("disk_asked") else None
    if waiting is not None:
        return waiting
    done = turn.memo.get("disks_done", 0) + bool(turn.memo.pop("disk_asked", False))
    turn.memo["disks_done"] = done
    if done >= len(wanted):
        return None
    name, size_gb = wanted[done]
    with far_side.provider(turn) as provider:
        accepted = far_side.change(
            turn,
            provider,
            AddDisk(machine_id=far_side.remote_id(turn), name=name, size_gb=size_gb),
            part=str(done),
        )
    far_side.note(turn, accepted)
    turn.memo["disk_asked"] = True
    if accepted is None:
        return Again(0.0)
    return far_side.look_soon(turn, percent=100 * done // len(wanted))


def ensure_read_back(turn: Turn) -> None:
    """Know the machine's state, addresses and what hangs on it; the watch may have read them, with
    those of many others."""
    job = turn.job
    machine = Machine.objects.only("remote_id", "devices_synced_at").get(pk=job.machine_id)
    seen_at, state = job.remote.get("seen_at"), job.remote.get(standing.KEY)
    is_read = (
        seen_at
        and machine.devices_synced_at
        and (machine.devices_synced_at >= datetime.fromisoformat(seen_at))
    )
    if not is_read or state in NOT_READY:
        with far_side.provider(turn) as provider:
            seen = settling.read(provider, job.stamp_id, [machine.remote_id])
        state = seen.get(machine.remote_id)
    if state in NOT_READY:
        raise Fault("The cloud says done, but the machine is not ready.", retry_after=2.0)
    standing.note(turn, state)


def _deployed(turn: Turn) -> None:
    """Commit what was reserved; what came of it may be of another size, as its template is now."""
    machine = Machine.objects.annotate(disks_gb=Sum("disks__size_gb")).get(pk=turn.job.machine_id)
    there = {
        "cores": machine.cores,
        "memory_mb": machine.memory_mb,
        "storage_gb": machine.disks_gb or machine.storage_gb,
    }
    standing.show(turn, MachineState.UPDATING)
    reserved = quota.commit(machine.pk)
    is_other = any(reserved[name] != there[name] for name in there if name in reserved)
    if is_other or machine.unsettled_at is not None:
        settling.settle(machine.pk)
    far_side.log_success(turn)
    provision.follow(turn.job, machine)


def failed(turn: Turn, fault: Fault) -> None:
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
        far_side.wait("wait_until_deployed", "Deploy", share=80, limit=7200),
        Step("wait_for_disks", "Add its disks", wait_for_disks, share=10, limit=3600),
        Step("ensure_read_back", "Read back its state", ensure_read_back, share=5),
    ),
    succeeded=_deployed,
    failed=failed,
)
