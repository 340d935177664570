"""Deploy, delete, resume: how a machine comes to be and ends."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from fabric import access, rules, tasks
from fabric.actions import changing, held, ordering
from fabric.actions.configuring import END_VERB
from fabric.durable import sweep
from fabric.durable.nudge import nudge_on_commit
from fabric.durable.states import JobState
from fabric.errors import NotPossible
from fabric.jobs import RECIPES, standing
from fabric.jobs.deploy import DEPLOY
from fabric.jobs.rebuild import REBUILD
from fabric.jobs.remove import REMOVE
from fabric.limits import limits_of
from fabric.models import EndAction, Job, Machine, Offering
from fabric.orders import NewMachine
from fabric.providers.changes import RemoveDisk
from fabric.sshkeys import read_all
from fabric.states import MachineState, Verb
from plans.actions import quota
from plans.models import Subscription
from tenants.errors import Refused
from tenants.models import User
from tenants.rights import Right

TITLE = gettext_noop("Deploy %(name)s")


@transaction.atomic
def deploy(*, by: User, subscription: Subscription, order: NewMachine, request_key: str) -> Machine:
    """Accept a new machine: quota reserved, row and job written, the rest is the job's.

    The same request key from the same person gives the machine that was made for it. Locks the
    subscription.
    """
    subscription = locked_for(by, subscription)
    key = held.key_of(by, request_key)
    found = held.earlier(key)
    if found is not None and found.machine is not None:
        return found.machine
    offering = ordering.offering_of(subscription)
    ordering.check(offering, order)
    return _accept(by, offering, subscription, order, key)


@transaction.atomic
def deploy_many(
    *,
    by: User,
    subscription: Subscription,
    order: NewMachine,
    pattern: str,
    count: int,
    first: int = 1,
    request_key: str,
) -> list[Machine]:
    """Accept several machines alike, all or none: `web##` makes web01, web02 and so on.

    A computer name with # is a pattern as well. Locks the subscription.
    """
    subscription = locked_for(by, subscription)
    keys = [held.key_of(by, request_key, f"part {n}") for n in range(count)]
    known = {
        job.request_key: job.machine
        for job in Job.objects.filter(request_key__in=keys).select_related("machine")
    }
    if known:
        return [machine for key in keys if (machine := known.get(key)) is not None]
    offering = ordering.offering_of(subscription)
    orders = many(order, pattern, count, first)
    for each in orders:
        ordering.check(offering, each)
    return [
        _accept(by, offering, subscription, each, key)
        for each, key in zip(orders, keys, strict=True)
    ]


def many(order: NewMachine, pattern: str, count: int, first: int = 1) -> list[NewMachine]:
    """Return the orders that a pattern stands for, or raise Refused."""
    if any(adapter.address for adapter in order.adapters) and count > 1:
        raise Refused(_("Several machines cannot have the same address."), field="address")
    names = _named(pattern, count, first, "name")
    computer = order.guest.computer_name
    computers = [computer] * count
    if (computer and count > 1) or "#" in computer:
        computers = _named(computer, count, first, "computer_name")
    return [
        replace(order, name=name, guest=replace(order.guest, computer_name=computer_name))
        for name, computer_name in zip(names, computers, strict=True)
    ]


def _named(pattern: str, count: int, first: int, field: str) -> list[str]:
    try:
        return rules.pattern_names(pattern, count, first)
    except ValueError as error:
        raise Refused(str(error), field=field) from error


@transaction.atomic
def delete(*, by: User | None, machine: Machine, parent: Job | None = None) -> Job:
    """Ask for the machine and its disks to be deleted for good. Locks the machine."""
    machine = held.held(machine, Verb.DELETE, by)
    is_on = machine.state in (MachineState.RUNNING, MachineState.PAUSED)
    if is_on:
        held.require_right(machine, Verb.STOP, by)
    return held.begin(
        machine,
        by=by,
        recipe=REMOVE,
        action="machine.delete",
        title=gettext_noop("Delete %(name)s"),
        inputs={},
        becomes=MachineState.DELETING,
        doing=gettext_noop("Deleting…"),
        parent=parent,
    )


@transaction.atomic
def resume(*, by: User, machine: Machine) -> Job:
    """Go on with work that failed: what was made is found and repaired. Locks the machine."""
    machine = held.lock(machine)
    # What was called off before it began has not come after the work that failed.
    begun = machine.jobs.exclude(state=JobState.CANCELLED, started_at=None)
    job = begun.order_by("-created_at").first()
    if access.member_of(by, machine) is None:
        held.require_right(machine, Verb.DELETE, by)
    if machine.is_busy or job is None or job.state != JobState.FAILED:
        raise NotPossible(_("There is nothing to go on with."))
    _require_right_of(job, machine, by)
    if not machine.subscription.is_active:
        raise NotPossible(_("The subscription is not active."))
    if machine.is_protected and _loses_data(job):
        raise NotPossible(_("It is protected: take the protection off first."))
    recipe = RECIPES[job.recipe]
    standing.forget(job)
    owned = held.owned(machine, by, "machine.continue", {"job": str(job.pk), "work": job.title})
    if not sweep.resume(job, recipe, step=recipe.steps[0].name):
        raise NotPossible(_("Somebody else has resumed it already."))
    Job.objects.filter(pk=job.pk).update(
        operation_id=owned["operation_id"],
        actor_email=owned["actor_email"],
        acts_as=owned["acts_as"],
        inputs={**_reserved_again(job, machine), "was": machine.state},
        remote_ref=None,
        remote={},
    )
    busy = {
        "machine.deploy": (MachineState.CREATING, gettext_noop("Creating…")),
        "machine.copy": (MachineState.CREATING, gettext_noop("Copying…")),
        REMOVE.name: (MachineState.DELETING, gettext_noop("Deleting…")),
    }
    held.become(machine, *busy.get(job.recipe, (MachineState.UPDATING, "")))
    nudge_on_commit(tasks.advance, job.pk)
    return Job.objects.get(pk=job.pk)


def locked_for(by: User, subscription: Subscription) -> Subscription:
    """Return the subscription, locked, if the person may make machines in it."""
    row = (
        Subscription.objects.select_for_update(of=("self",), no_key=True)
        .select_related("tenant", "plan")
        .get(pk=subscription.pk)
    )
    access.require_member(by, row, Right.CREATE)
    return row


def insert(machine: Machine, by: User, offering: Offering) -> None:
    """Reserve what a new machine takes and write its row; Conflicting when its name is taken. Call
    it while its subscription is locked."""
    quota.reserve(
        machine.subscription,
        holding=machine.pk,
        member=by,
        wanted=ordering.Size(machine.cores, machine.memory_mb, machine.storage_gb).wanted,
        limits=limits_of(machine.subscription, offering),
    )
    try:
        with transaction.atomic():
            machine.save(force_insert=True)
    except IntegrityError as error:
        raise ordering.name_taken(machine.name) from error


def _accept(
    by: User,
    offering: Offering,
    subscription: Subscription,
    order: NewMachine,
    key: str | None,
) -> Machine:
    """Reserve, write row and job; the order was checked."""
    size, networks = ordering.size_of(order), ordering.networks_of(offering, order)
    machine = Machine(
        subscription=subscription,
        stamp=offering.cloud.stamp,
        cloud=offering.cloud,
        template=order.template,
        hardware_profile=order.hardware_profile,
        network=networks[0][0],
        name=order.name,
        computer_name=order.guest.computer_name,
        description=order.description,
        os_name=order.template.os_name,
        os_type=order.template.os_type,
        cores=size.cores,
        memory_mb=size.memory_mb,
        storage_gb=size.storage_gb,
        tags=ordering.tags_of(order.tags),
        ends_at=order.ends_at,
        end_action=order.end_action,
        is_protected=order.is_protected,
        created_by=by,
    )
    insert(machine, by, offering)
    if order.ends_at is not None:
        held.require_right(machine, END_VERB[EndAction(order.end_action)], by)
    inputs = _inputs_of(offering, order, size, networks)
    held.start(
        machine,
        by=by,
        recipe=DEPLOY,
        action="machine.deploy",
        title=TITLE,
        inputs=inputs,
        told=_told(offering, order, inputs),
        secrets=secrets_of(order),
        request_key=key,
    )
    return machine


def _inputs_of(
    offering: Offering, order: NewMachine, size: ordering.Size, networks: Iterable[Any]
) -> dict[str, Any]:
    return {
        "name": order.name,
        "description": order.description,
        "cloud": str(offering.cloud_id),
        "template": str(order.template.pk),
        "adapters": [[network.name, address] for network, address in networks],
        "cores": size.cores if size.is_own else None,
        "memory_mb": size.memory_mb if size.is_own else None,
        "disks": [
            [disk.name or f"{order.name}_data_{n}", disk.size_gb]
            for n, disk in enumerate(order.disks, start=1)
        ],
        "guest": guest_inputs(order),
    }


def guest_inputs(order: NewMachine) -> dict[str, Any]:
    """Return what is to be told to the guest but for secrets, as a job keeps it."""
    guest, join = order.guest, order.guest.domain_join
    usual = "Administrator" if order.template.is_windows else "root"
    return {
        "computer_name": guest.computer_name,
        "admin_user": guest.admin_user or usual,
        "ssh_keys": [key.text for key in read_all("\n".join(guest.ssh_keys))],
        "time_zone": guest.time_zone,
        "workgroup": guest.workgroup,
        "join": [join.domain, join.account_domain, join.user, join.ou] if join else None,
        "secrets": sorted(secrets_of(order)),
    }


def secrets_of(order: NewMachine) -> dict[str, str]:
    """Return what is sealed on the job until the cloud has it."""
    guest, join = order.guest, order.guest.domain_join
    kept = {
        "password": guest.password,
        "product_key": guest.product_key,
        "user_data": guest.user_data,
        "join_password": join.password if join else "",
    }
    return {name: value for name, value in kept.items() if value}


def _told(offering: Offering, order: NewMachine, inputs: dict[str, Any]) -> dict[str, Any]:
    """Return what the log says of an order: names for ids, and of keys only how many."""
    guest = {**inputs["guest"], "ssh_keys": len(inputs["guest"]["ssh_keys"])}
    names = {"template": order.template.name, "cloud": offering.cloud.name}
    return {**inputs, **names, "guest": guest}


def _require_right_of(job: Job, machine: Machine, by: User) -> None:
    """Refuse who might not have asked for this work in the first place."""
    if job.recipe in ("machine.deploy", "machine.copy"):
        access.require_member(by, machine.subscription, Right.CREATE)
    else:
        verb = Verb.DELETE if job.recipe == REMOVE.name else Verb(job.inputs["verb"])
        held.require_right(machine, verb, by)


def _loses_data(job: Job) -> bool:
    is_disk_removed = job.inputs.get("change") == RemoveDisk.__name__
    return is_disk_removed or job.recipe in (REMOVE.name, REBUILD.name)


def _reserved_again(job: Job, machine: Machine) -> dict[str, Any]:
    """Return the job's inputs with a new holding, where growth given back is wanted once more. As
    long as nobody knows what came of it, nothing was given back."""
    wanted = job.inputs.get("wanted")
    if not wanted or quota.is_waiting(uuid.UUID(job.inputs["holding"])):
        return dict(job.inputs)
    return {**job.inputs, **changing.reserve(machine, wanted)}
