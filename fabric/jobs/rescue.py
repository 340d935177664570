"""Rescue: put an image into the drive, or take it out, and start the machine anew from it."""

from __future__ import annotations

import uuid

from django.utils import timezone

from fabric.durable.recipe import Recipe, Step, Turn
from fabric.jobs import change, far_side, standing
from fabric.models import Machine
from fabric.providers.changes import EjectMedia, InsertMedia
from fabric.states import MachineState


def ensure_media(turn: Turn) -> None:
    """Put the image in, or take out what is in."""
    media, machine_id = turn.job.inputs["media"], far_side.remote_id(turn)
    wanted = InsertMedia(machine_id, uuid.UUID(media)) if media else EjectMedia(machine_id)
    with far_side.provider(turn) as provider:
        accepted = far_side.change(turn, provider, wanted)
    far_side.note(turn, accepted)


def ensure_booted(turn: Turn) -> None:
    """Have the machine start from the first: reset one that runs, start one that is off."""
    with far_side.provider(turn) as provider:
        runs = standing.look(turn, provider) == MachineState.RUNNING
        if turn.job.inputs["stays_off"] and not runs:
            far_side.note(turn, None)
            return
        accepted = far_side.operate(
            turn, provider, far_side.remote_id(turn), "Reset" if runs else "Start"
        )
    far_side.note(turn, accepted)


def _succeeded(turn: Turn) -> None:
    since = timezone.now() if turn.job.inputs["media"] else None
    Machine.objects.filter(pk=turn.job.machine_id).update(rescued_at=since)
    change.succeeded(turn)


RESCUE = Recipe(
    name="machine.rescue",
    title="Rescue a virtual machine",
    steps=(
        Step("ensure_media", "Change what is in the drive", ensure_media, share=10),
        Step("wait_until_changed", "Wait for the drive", change.wait_until_done, share=30),
        Step("ensure_booted", "Start it anew", ensure_booted, share=10),
        far_side.wait("wait_until_on", "Wait until it runs", share=40),
        Step("ensure_read_back", "Read back what came of it", change.ensure_read_back, share=10),
    ),
    succeeded=_succeeded,
    failed=change.failed,
)
