"""Copies of machines and fresh starts: clone, from a checkpoint, store, rebuild, rescue."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from fabric import rules
from fabric.actions import changing, checkpoints, held, machines, ordering
from fabric.actions.media import require_held
from fabric.errors import NotPossible
from fabric.jobs.copy import COPY
from fabric.jobs.rebuild import REBUILD
from fabric.jobs.rescue import RESCUE
from fabric.models import Checkpoint, Job, Machine, Media, Template
from fabric.orders import Guest, NewMachine
from fabric.providers import abilities
from fabric.providers.changes import DeployStored, Store
from fabric.states import MachineState, Verb
from tenants.errors import Refused
from tenants.models import User

TITLE = gettext_noop("Copy to %(name)s")


@transaction.atomic
def clone(*, by: User, machine: Machine, name: str, request_key: str) -> Machine:
    """Make another machine like one that is off, with MACs and addresses of its own.

    The same request key from the same person gives the copy that was made for it. Locks the
    machine, then the subscription, as every change of a machine does.
    """
    return _copy(by=by, machine=machine, name=name, request_key=request_key)


@transaction.atomic
def from_checkpoint(*, by: User, checkpoint: Checkpoint, name: str, request_key: str) -> Machine:
    """Make another machine that is as this one was at a checkpoint; it may run meanwhile."""
    return _copy(
        by=by,
        machine=checkpoint.machine,
        name=name,
        request_key=request_key,
        checkpoint=checkpoint,
    )


def _copy(
    *,
    by: User,
    machine: Machine,
    name: str,
    request_key: str,
    checkpoint: Checkpoint | None = None,
) -> Machine:
    held.lock(machine)
    subscription = machines.locked_for(by, machine.subscription)
    key = held.key_of(by, request_key)
    known = held.earlier(key)
    if known is not None and known.machine is not None:
        return known.machine
    offering = ordering.offering_of(subscription)
    source = _source(by, machine, checkpoint)
    problem = rules.name_problem(name, "")
    if problem:
        raise Refused(problem, field="name")
    made = Machine(
        subscription=subscription,
        stamp=source.stamp,
        cloud=offering.cloud,
        template=source.template,
        network=source.network,
        name=name,
        computer_name=source.computer_name,
        description=source.description,
        os_name=source.os_name,
        os_type=source.os_type,
        cores=source.cores,
        memory_mb=source.memory_mb,
        storage_gb=source.storage_gb,
        tags=source.tags,
        created_by=by,
    )
    machines.insert(made, by, offering)
    _begin_copy(by, source, made, checkpoint, key)
    return made


def _source(by: User, machine: Machine, checkpoint: Checkpoint | None) -> Machine:
    """Return the machine to be copied, locked, when that is possible now."""
    if checkpoint is None:
        source = held.held(machine, Verb.CLONE, by)
        held.require_ability(source.stamp.provider, abilities.CLONE)
    else:
        # It is only read: what it is doing does not matter, but that it can be read does.
        source = held.held(machine, Verb.CHECKPOINT, by)
        held.require_ability(source.stamp.provider, abilities.FROM_CHECKPOINT)
        checkpoints.found(source, checkpoint)
    return source


def _begin_copy(
    by: User, source: Machine, made: Machine, checkpoint: Checkpoint | None, key: str | None
) -> None:
    held.start(
        made,
        by=by,
        recipe=COPY,
        action="machine.from_checkpoint" if checkpoint else "machine.clone",
        title=TITLE,
        inputs={
            "name": made.name,
            "description": made.description,
            "cloud": str(made.cloud_id),
            "source": str(source.remote_id),
            "checkpoint": str(checkpoint.remote_id) if checkpoint else None,
        },
        told={"from": source.name, "checkpoint": checkpoint.name if checkpoint else ""},
        request_key=key,
    )


@transaction.atomic
def store(*, by: User, machine: Machine) -> Job:
    """Put a machine that is off into the library; it keeps its addresses and its quota."""
    row = held.held(machine, Verb.STORE, by)
    if row.checkpoints.exists():
        raise NotPossible(_("Delete its checkpoints first: they are not stored."))
    return changing.begin(
        row,
        Store,
        by=by,
        verb=Verb.STORE,
        action="machine.store",
        title=gettext_noop("Store %(name)s in the library"),
        doing=gettext_noop("Storing…"),
        values={},
    )


@transaction.atomic
def deploy_stored(*, by: User, machine: Machine) -> Job:
    """Bring a stored machine back onto a host; it is off then."""
    row = held.held(machine, Verb.DEPLOY_STORED, by)
    return changing.begin(
        row,
        DeployStored,
        by=by,
        verb=Verb.DEPLOY_STORED,
        action="machine.deploy_stored",
        title=gettext_noop("Bring %(name)s back from the library"),
        doing=gettext_noop("Bringing it back…"),
        values={},
    )


@transaction.atomic
def rebuild(
    *, by: User, machine: Machine, template: Template, guest: Guest, request_key: str
) -> Job:
    """Set the machine up anew on fresh disks: MACs and addresses stay, all data go."""
    key, known = held.asked_before(machine, by, request_key)
    if known is not None:
        return known
    row = held.held(machine, Verb.REBUILD, by)
    held.require_ability(row.stamp.provider, abilities.REBUILD)
    if row.checkpoints.exists():
        raise NotPossible(_("Delete its checkpoints first: they are of its old disks."))
    offering = ordering.offering_of(row.subscription)
    ordering.require_template(offering, template)
    if template.pk != row.template_id:
        ordering.require_size(offering, template, row.cores, row.memory_mb)
    ordering.require_guest(offering, template, guest)
    like = NewMachine(name=row.name, template=template, guest=guest)
    return held.begin(
        row,
        by=by,
        recipe=REBUILD,
        action="machine.rebuild",
        title=gettext_noop("Rebuild %(name)s"),
        doing=gettext_noop("Rebuilding…"),
        inputs={
            "verb": Verb.REBUILD.value,
            "change": "Rebuild",
            "template": str(template.pk),
            "guest": machines.guest_inputs(like),
            **changing.reserve(row, {"storage_gb": template.storage_gb - row.storage_gb}),
        },
        told={"template": template.name},
        secrets=machines.secrets_of(like),
        request_key=key,
    )


@transaction.atomic
def rescue(*, by: User, machine: Machine, media: Media) -> Job:
    """Start the machine from an image of the library; its disks stay as they are."""
    row = held.held(machine, Verb.RESCUE, by)
    require_held(row, media)
    return held.begin(
        row,
        by=by,
        recipe=RESCUE,
        action="machine.rescue",
        title=gettext_noop("Rescue %(name)s"),
        doing=gettext_noop("Starting the rescue…"),
        inputs={"verb": Verb.RESCUE.value, "media": str(media.pk), "stays_off": False},
        told={"media": media.name},
    )


@transaction.atomic
def end_rescue(*, by: User, machine: Machine) -> Job:
    """Take the image out, and start the machine from its own disks again if it runs."""
    row = held.held(machine, Verb.END_RESCUE, by)
    return held.begin(
        row,
        by=by,
        recipe=RESCUE,
        action="machine.end_rescue",
        title=gettext_noop("End the rescue of %(name)s"),
        doing=gettext_noop("Ending the rescue…"),
        inputs={
            "verb": Verb.END_RESCUE.value,
            "media": None,
            "stays_off": row.state == MachineState.STOPPED,
        },
    )
