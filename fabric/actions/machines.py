"""Deploy, operate, delete, resume: what can be asked of a machine."""

from __future__ import annotations

import hashlib
import uuid

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric import rules, tasks
from fabric.durable import engine, sweep
from fabric.durable.nudge import nudge_on_commit
from fabric.durable.recipe import Recipe
from fabric.durable.states import JobState
from fabric.errors import NotPossible
from fabric.jobs import RECIPES
from fabric.jobs.deploy import DEPLOY
from fabric.jobs.operate import OPERATE
from fabric.jobs.remove import REMOVE
from fabric.limits import limits_of
from fabric.models import HardwareProfile, Job, Machine, Network, Offering, Template
from fabric.states import MachineState, Verb
from plans.actions import quota
from plans.models import Subscription
from tenants.actions import operations
from tenants.errors import Conflicting, NotPermitted, Refused
from tenants.models import User

DOING = {
    Verb.START: gettext_lazy("Starting…"),
    Verb.SHUTDOWN: gettext_lazy("Shutting down…"),
    Verb.STOP: gettext_lazy("Stopping…"),
    Verb.PAUSE: gettext_lazy("Pausing…"),
    Verb.RESUME: gettext_lazy("Resuming…"),
}


@transaction.atomic
def deploy(
    *,
    by: User,
    subscription: Subscription,
    name: str,
    template: Template,
    password: str,
    request_key: str,
    hardware_profile: HardwareProfile | None = None,
    network: Network | None = None,
    description: str = "",
    computer_name: str = "",
) -> Machine:
    """Accept a new machine: quota reserved, row and job written, the rest is the job's.

    The same request key from the same person gives the machine that was made for it. Without a
    computer name the template decides it. Locks the subscription.
    """
    subscription = Subscription.objects.select_for_update(of=("self",)).get(pk=subscription.pk)
    _require_member(by, subscription)
    key = hashlib.sha256(f"{by.pk}:{request_key}".encode()).hexdigest()
    earlier = Job.objects.filter(request_key=key).select_related("machine").first()
    if earlier is not None and earlier.machine is not None:
        return earlier.machine
    offering = _offering_for(subscription)
    _check_order(offering, name, template, password, hardware_profile, network)
    problem = rules.name_problem(computer_name, template.os_type) if computer_name else None
    if problem:
        raise Refused(problem, field="computer_name")
    network = network or offering.networks.present().order_by("name").first()
    if network is None:
        raise NotPossible(_("None of your plan's networks is there at the moment."))
    machine = Machine(
        subscription=subscription,
        stamp_id=offering.cloud.stamp_id,
        cloud=offering.cloud,
        template=template,
        hardware_profile=hardware_profile,
        network=network,
        name=name,
        description=description,
        os_name=template.os_name,
        cores=hardware_profile.cores if hardware_profile else template.cores,
        memory_mb=hardware_profile.memory_mb if hardware_profile else template.memory_mb,
        storage_gb=template.storage_gb,
        created_by=by,
    )
    quota.reserve(
        subscription,
        holding=machine.pk,
        wanted={
            "machines": 1,
            "cores": machine.cores,
            "memory_mb": machine.memory_mb,
            "storage_gb": machine.storage_gb,
        },
        limits=limits_of(subscription),
        member=by,
    )
    try:
        with transaction.atomic():
            machine.save(force_insert=True)
    except IntegrityError as error:
        raise Conflicting(
            _("This subscription has a machine named “%(name)s” already.") % {"name": name},
            field="name",
        ) from error
    order = {
        "name": name,
        "computer_name": computer_name,
        "description": description,
        "cloud": str(offering.cloud_id),
        "template": str(template.pk),
        "network": network.name,
        "cores": machine.cores if hardware_profile else None,
        "memory_mb": machine.memory_mb if hardware_profile else None,
        "admin_user": "Administrator" if template.os_type.lower() == "windows" else "root",
    }
    told = {**order, "template": template.name, "cloud": offering.cloud.name}
    engine.start(
        Job,
        DEPLOY,
        subject=machine.pk,
        title=_("Deploy %(name)s") % {"name": name},
        inputs=order,
        secrets={"password": password},
        request_key=key,
        **_owned(machine, by, "machine.deploy", told),
    )
    nudge_on_commit(tasks.begin)
    return machine


@transaction.atomic
def operate(*, by: User, machine: Machine, verb: str) -> Job:
    """Ask for start, shutdown, stop, pause or resume. Locks the machine."""
    if verb not in DOING:
        raise Refused(_("There is no such command."))
    machine = _locked(machine, verb, by)
    was = machine.state
    _become(machine, MachineState.UPDATING, str(DOING[Verb(verb)]))
    return _begin(
        machine,
        by=by,
        recipe=OPERATE,
        action=f"machine.{verb}",
        title=f"{Verb(verb).label} {machine.name}",
        inputs={"verb": verb, "was": was},
    )


@transaction.atomic
def delete(*, by: User, machine: Machine) -> Job:
    """Ask for the machine and its disks to be deleted for good. Locks the machine."""
    machine = _locked(machine, Verb.DELETE, by)
    _become(machine, MachineState.DELETING, _("Deleting…"))
    return _begin(
        machine,
        by=by,
        recipe=REMOVE,
        action="machine.delete",
        title=_("Delete %(name)s") % {"name": machine.name},
        inputs={},
    )


@transaction.atomic
def resume(*, by: User, machine: Machine) -> Job:
    """Go on with work that failed: what was made is found and repaired. Locks the machine."""
    machine = _lock(machine, by)
    job = machine.jobs.order_by("-created_at").first()
    if machine.is_busy or job is None or job.state != JobState.FAILED:
        raise NotPossible(_("There is nothing to go on with."))
    if not machine.subscription.is_active:
        raise NotPossible(_("The subscription is not active."))
    recipe = RECIPES[job.recipe]
    owned = _owned(machine, by, "machine.continue", {"job": str(job.pk), "work": job.title})
    if not sweep.resume(job, recipe, step=recipe.steps[0].name):
        raise NotPossible(_("Somebody else has resumed it already."))
    Job.objects.filter(pk=job.pk).update(
        operation_id=owned["operation_id"],
        actor_email=owned["actor_email"],
        remote_ref=None,
        remote={},
    )
    busy = {
        DEPLOY.name: (MachineState.CREATING, _("Creating…")),
        REMOVE.name: (MachineState.DELETING, _("Deleting…")),
    }
    _become(machine, *busy.get(job.recipe, (MachineState.UPDATING, "")))
    nudge_on_commit(tasks.advance, job.pk)
    return Job.objects.get(pk=job.pk)


def _offering_for(subscription: Subscription) -> Offering:
    if not subscription.is_usable:
        raise NotPossible(
            _("“%(name)s” is not active and in sync, so nothing can be made in it.")
            % {"name": subscription.name},
            field="subscription",
        )
    return Offering.objects.select_related("cloud").get(plan_id=subscription.plan_id)


def _check_order(
    offering: Offering,
    name: str,
    template: Template,
    password: str,
    profile: HardwareProfile | None,
    network: Network | None,
) -> None:
    """Refuse what the plan does not hold, a name or a password that would not do."""
    if not offering.templates.present().filter(pk=template.pk).exists():
        raise NotPermitted(_("Your plan does not hold this template."), field="template")
    if profile and not offering.hardware_profiles.present().filter(pk=profile.pk).exists():
        raise NotPermitted(_("Your plan does not hold this size."), field="hardware_profile")
    if network and not offering.networks.present().filter(pk=network.pk).exists():
        raise NotPermitted(_("Your plan does not hold this network."), field="network")
    problem = rules.name_problem(name, template.os_type)
    if problem:
        raise Refused(problem, field="name")
    problem = rules.password_problem(password)
    if problem:
        raise Refused(problem, field="password")


def _require_member(by: User, subscription: Subscription) -> None:
    """Refuse who does not belong to the tenant. Pages show strangers nothing to begin with."""
    if not subscription.tenant.memberships.filter(user=by).exists():
        raise NotPermitted(_("You do not belong to the tenant of this subscription."))


def _lock(machine: Machine, by: User) -> Machine:
    _require_member(by, machine.subscription)
    return (
        Machine.objects.select_for_update(of=("self",))
        .select_related("subscription__plan__offering")
        .get(pk=machine.pk)
    )


def _locked(machine: Machine, verb: str, by: User) -> Machine:
    """Return the machine, locked, if the verb is possible now."""
    machine = _lock(machine, by)
    subscription = machine.subscription
    reason = rules.why_not(
        machine.state,
        verb,
        subscription.plan.offering.granted,
        busy=machine.is_busy,
        active=subscription.is_active,
    )
    if reason:
        raise NotPossible(reason)
    return machine


def _become(machine: Machine, state: str, text: str) -> None:
    Machine.objects.filter(pk=machine.pk).update(state=state, status_text=text)


def _begin(
    machine: Machine, *, by: User, recipe: Recipe, action: str, title: str, inputs: dict
) -> Job:
    try:
        with transaction.atomic():
            job = engine.start(
                Job,
                recipe,
                subject=machine.pk,
                title=title,
                inputs=inputs,
                **_owned(machine, by, action, inputs),
            )
    except IntegrityError as error:
        raise NotPossible(_("Wait until the present work on this machine ends.")) from error
    nudge_on_commit(tasks.begin)
    return job


def _owned(machine: Machine, by: User, action: str, told: dict) -> dict:
    """Return the columns every machine job has, its operation begun in the log."""
    operation_id: uuid.UUID = operations.started(
        action,
        by=by,
        tenant=machine.subscription.tenant,
        object_type="machine",
        object_id=machine.pk,
        object_name=machine.name,
        parameters=told,
    )
    return {
        "machine": machine,
        "subscription": machine.subscription,
        "stamp_id": machine.stamp_id,
        "operation_id": operation_id,
        "actor_email": by.email,
    }
