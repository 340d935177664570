"""Change a machine or what hangs on it: ask, wait, read back what came of it.

One recipe for all of `fabric.providers.changes`: the job's inputs hold the name of the change and
its plain values. `wanted` is what was reserved for it under `holding`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from typing import Any

from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Recipe, Step, Turn
from fabric.jobs import far_side, settling, standing
from fabric.models import Machine
from fabric.providers import changes
from fabric.providers.base import Devices, Provider
from fabric.providers.changes import Change
from fabric.states import MachineState

# What tells a device that a lost try has made from those that were there before.
_KNOWN_BY = {"AddAdapter": "adapters", "MakeCheckpoint": "checkpoints", "Rebuild": "disks"}
# The far side refused before it did anything.
DEFINITE = frozenset({"rejected", "rights", "missing", "credentials"})


def ensure_looked(turn: Turn) -> None:
    """Note what the machine has before anything is asked for."""
    kind = _KNOWN_BY.get(turn.job.inputs["change"])
    if kind is None or "known" in turn.memo:
        return
    with far_side.provider(turn) as provider:
        found = _devices(turn, provider)
    turn.memo["known"] = [str(each.id) for each in getattr(found, kind)]


def ensure_asked(turn: Turn) -> None:
    """Ask for the change, unless an earlier try whose reply was lost has made it."""
    with far_side.provider(turn) as provider:
        accepted = far_side.change(turn, provider, of_job(turn))
    far_side.note(turn, accepted)


def wait_until_done(turn: Turn) -> Again | None:
    """Wait for the far side's job; when that failed, read the machine before this does."""
    try:
        return far_side.wait_for_remote_job(turn)
    except Fault:
        with suppress(Fault):
            _read(turn)
        raise


def ensure_read_back(turn: Turn) -> None:
    """Know how machine and devices are now."""
    standing.require_settled(_read(turn))


def of_job(turn: Turn) -> Change:
    """Return the change that a job's inputs describe."""
    inputs = turn.job.inputs
    kind = getattr(changes, inputs["change"])
    known = frozenset(uuid.UUID(id) for id in turn.memo.get("known", ()))
    values: dict[str, Any] = {
        "machine_id": far_side.remote_id(turn),
        "known": known,
        **inputs["values"],
    }
    return kind(
        **{
            field.name: _typed(field.name, values[field.name])
            for field in fields(kind)
            if field.name in values
        }
    )


def _typed(name: str, value: Any) -> Any:
    return uuid.UUID(value) if name.endswith("_id") and isinstance(value, str) else value


def _devices(turn: Turn, provider: Provider) -> Devices:
    found = provider.devices(turn.job.stamp_id, [far_side.remote_id(turn)])
    if not found:
        raise Fault("The cloud does not know this machine any more.", code="not_there")
    return found[0]


def _read(turn: Turn) -> str:
    """Read the machine and what hangs on it; return the state it is in."""
    id = far_side.remote_id(turn)
    with far_side.provider(turn) as provider:
        seen = settling.read(provider, turn.job.stamp_id, [id])
    turn.memo["is_read"] = True
    state = seen.get(id, MachineState.UPDATING)
    standing.note(turn, state)
    return state


def succeeded(turn: Turn) -> None:
    """Settle what was read."""
    standing.show(turn, turn.job.inputs["was"])
    settling.settle(turn.job.machine_id)
    far_side.log_success(turn)


def failed(turn: Turn, fault: Fault) -> None:
    """Show the state and the names the machine had, and give back what is known not to have come
    about; sync corrects the state if it is another."""
    job = turn.job
    before = names_before(job.inputs, Machine.objects.get(pk=job.machine_id))
    standing.show(turn, job.inputs["was"], fault.message, **before)
    if turn.memo.get("is_read") or _was_refused(turn, fault):
        settling.settle(job.machine_id)
    else:
        settling.leave_open(job.machine_id)
    far_side.log_failure(turn, fault)


def _was_refused(turn: Turn, fault: Fault) -> bool:
    """Tell whether the far side cannot have done anything: it refused the very first try."""
    return (
        turn.job.step in ("ensure_looked", "ensure_asked")
        and turn.first_try
        and fault.code in DEFINITE
    )


def names_before(inputs: Mapping[str, Any], machine: Machine) -> dict[str, Any]:
    """Return the columns that were written when the change was asked for, as they were; not a name
    that another machine has taken meanwhile."""
    before = dict(inputs.get("before", {}))
    others = Machine.objects.filter(subscription=machine.subscription_id).exclude(pk=machine.pk)
    if others.filter(name__iexact=before.get("name", "")).exclude(state="deleted").exists():
        before.pop("name")
    return before


CHANGE = Recipe(
    name="machine.change",
    title="Change a virtual machine",
    steps=(
        Step("ensure_looked", "Look at what it has", ensure_looked, share=5),
        Step("ensure_asked", "Ask the cloud", ensure_asked, share=10),
        Step("wait_until_done", "Wait for the machine", wait_until_done, share=75, limit=3600),
        Step("ensure_read_back", "Read back what came of it", ensure_read_back, share=10),
    ),
    succeeded=succeeded,
    failed=failed,
)
