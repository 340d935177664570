"""Checkpoints: make, restore, remove, rename."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from fabric.actions import changing, held, ordering
from fabric.errors import NotPossible
from fabric.models import Checkpoint, Job, Machine
from fabric.providers import abilities
from fabric.providers.changes import (
    MakeCheckpoint,
    RemoveCheckpoint,
    RenameCheckpoint,
    RestoreCheckpoint,
)
from fabric.states import Verb
from tenants.errors import Conflicting, Refused
from tenants.models import User

NAME_LENGTH = 100
MOST = 50


@transaction.atomic
def create(
    *, by: User, machine: Machine, name: str = "", description: str = "", request_key: str = ""
) -> Job:
    """Keep the machine as it is now; without a name the checkpoint is called after the time."""
    key, known = held.asked_before(machine, by, request_key)
    if known is not None:
        return known
    row = _ready(machine, Verb.CHECKPOINT, by)
    if row.checkpoints.count() >= MOST:
        raise NotPossible(_("It has %(n)d checkpoints, and room for no more.") % {"n": MOST})
    called = _name(name) or timezone.now().strftime("%Y-%m-%d %H:%M:%S")
    ordering.require_text(description, ordering.DESCRIPTION_LENGTH, "description", lines=True)
    return changing.begin(
        row,
        MakeCheckpoint,
        by=by,
        verb=Verb.CHECKPOINT,
        action="machine.checkpoint.create",
        title=gettext_noop("Create a checkpoint of %(name)s"),
        doing=gettext_noop("Creating a checkpoint…"),
        values={"name": called, "description": description},
        key=key,
    )


@transaction.atomic
def restore(*, by: User, checkpoint: Checkpoint) -> Job:
    """Bring the machine back to where it was; what it is now is lost."""
    row = _ready(checkpoint.machine, Verb.RESTORE, by)
    wanted = found(row, checkpoint)
    return changing.begin(
        row,
        RestoreCheckpoint,
        by=by,
        verb=Verb.RESTORE,
        action="machine.checkpoint.restore",
        title=gettext_noop("Restore a checkpoint of %(name)s"),
        doing=gettext_noop("Restoring a checkpoint…"),
        values={"checkpoint_id": str(wanted.remote_id)},
        told={"checkpoint": wanted.name},
    )


@transaction.atomic
def remove(*, by: User, checkpoint: Checkpoint) -> Job:
    """Delete a checkpoint; the machine stays as it is, and what is below it moves up."""
    row = _ready(checkpoint.machine, Verb.CHECKPOINT, by)
    wanted = found(row, checkpoint)
    return changing.begin(
        row,
        RemoveCheckpoint,
        by=by,
        verb=Verb.CHECKPOINT,
        action="machine.checkpoint.remove",
        title=gettext_noop("Delete a checkpoint of %(name)s"),
        doing=gettext_noop("Deleting a checkpoint…"),
        values={"checkpoint_id": str(wanted.remote_id)},
        told={"checkpoint": wanted.name},
    )


@transaction.atomic
def rename(*, by: User, checkpoint: Checkpoint, name: str, description: str) -> Job:
    """Call a checkpoint something else, or describe it."""
    row = _ready(checkpoint.machine, Verb.CHECKPOINT, by)
    wanted = found(row, checkpoint)
    called = _name(name)
    if not called:
        raise Refused(_("Give it a name."), field="name")
    ordering.require_text(description, ordering.DESCRIPTION_LENGTH, "description", lines=True)
    return changing.begin(
        row,
        RenameCheckpoint,
        by=by,
        verb=Verb.CHECKPOINT,
        action="machine.checkpoint.rename",
        title=gettext_noop("Rename a checkpoint of %(name)s"),
        doing=gettext_noop("Renaming a checkpoint…"),
        values={
            "checkpoint_id": str(wanted.remote_id),
            "name": called,
            "description": description,
        },
        told={"name": called, "before": wanted.name},
    )


def found(machine: Machine, checkpoint: Checkpoint) -> Checkpoint:
    """Return the checkpoint as long as the machine has it."""
    row = machine.checkpoints.filter(pk=checkpoint.pk).first()
    if row is None:
        raise Conflicting(_("The machine does not have this checkpoint any more."))
    return row


def _ready(machine: Machine, verb: Verb, by: User) -> Machine:
    row = held.held(machine, verb, by)
    held.require_ability(row.stamp.provider, abilities.CHECKPOINTS)
    return row


def _name(name: str) -> str:
    name = name.strip()
    ordering.require_text(name, NAME_LENGTH, "name")
    return name
