"""Rebuild a machine from a template: the same machine, MACs and addresses, on fresh disks."""

from __future__ import annotations

import uuid

from fabric.durable.errors import Fault
from fabric.durable.recipe import Recipe, Step, Turn
from fabric.jobs import change, far_side, guests, standing
from fabric.models import Machine, Template
from fabric.providers.changes import Rebuild
from fabric.states import MachineState


def ensure_off(turn: Turn) -> None:
    """Turn it off: what is on its disks is lost anyway."""
    with far_side.provider(turn) as provider:
        state = standing.look(turn, provider)
        if state == MachineState.UPDATING and not turn.memo.get("is_asked"):
            # Maybe the very stop whose reply was lost.
            raise Fault("The cloud is at work on the machine.", code="at_work", retry_after=2.0)
        if state not in (MachineState.RUNNING, MachineState.PAUSED):
            far_side.note(turn, None)
            return
        accepted = far_side.operate(turn, provider, far_side.remote_id(turn), "Stop")
    far_side.note(turn, accepted)


def ensure_asked(turn: Turn) -> None:
    """Ask for the fresh disks. The secrets are kept until these are there: the far side may have to
    be asked once more."""
    inputs = turn.job.inputs
    if turn.memo.get("is_rebuilt"):
        far_side.note(turn, None)
        return
    if not guests.has_all_secrets(turn):
        raise Fault(
            "The password for the machine is not kept here any more.",
            code="password_gone",
            advice="Ask for the rebuild again.",
        )
    wanted = Rebuild(
        machine_id=far_side.remote_id(turn),
        template_id=uuid.UUID(inputs["template"]),
        known=frozenset(uuid.UUID(id) for id in turn.memo["known"]),
        **guests.inputs_of(turn),
    )
    with far_side.provider(turn) as provider:
        accepted = far_side.change(turn, provider, wanted)
    far_side.note(turn, accepted)
    turn.memo["is_asked"] = True


def ensure_started(turn: Turn) -> None:
    """Start it, unless the cloud has done so; the disks are fresh, and the secrets used up."""
    turn.memo["is_rebuilt"] = True
    turn.forget_secrets()
    with far_side.provider(turn) as provider:
        if standing.look(turn, provider) == MachineState.RUNNING:
            far_side.note(turn, None)
            return
        accepted = far_side.operate(turn, provider, far_side.remote_id(turn), "Start")
    far_side.note(turn, accepted)


def _rebuilt(turn: Turn) -> None:
    """Note what it is made from now, and settle what was read."""
    template = Template.objects.get(pk=turn.job.inputs["template"])
    Machine.objects.filter(pk=turn.job.machine_id).update(
        template=template,
        os_name=template.os_name,
        os_type=template.os_type,
        rescued_at=None,
    )
    change.succeeded(turn)


REBUILD = Recipe(
    name="machine.rebuild",
    title="Rebuild a virtual machine",
    steps=(
        Step("ensure_looked", "Look at what it has", change.ensure_looked, share=2),
        Step("ensure_off", "Turn it off", ensure_off, share=3),
        far_side.wait("wait_until_off", "Wait until it is off", share=5),
        Step("ensure_asked", "Ask for fresh disks", ensure_asked, share=5),
        Step("wait_until_done", "Rebuild", change.wait_until_done, share=70, limit=7200),
        Step("ensure_started", "Start it", ensure_started, share=5),
        far_side.wait("wait_until_on", "Wait until it runs", share=5),
        Step("ensure_read_back", "Read back what came of it", change.ensure_read_back, share=5),
    ),
    succeeded=_rebuilt,
    failed=change.failed,
)
