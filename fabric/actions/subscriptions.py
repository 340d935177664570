"""Subscribe, provision, suspend: what joins a tenant to a plan and to the cloud behind it."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from fabric import tasks
from fabric.durable import sweep
from fabric.durable.nudge import nudge_on_commit
from fabric.durable.states import LIVE, JobState
from fabric.errors import NotPossible
from fabric.jobs import leave as leaving
from fabric.jobs import provision
from fabric.limits import limits_of
from fabric.models import Job, Machine
from fabric.states import GONE, MachineState
from plans import rules
from plans.actions import limits, quota
from plans.actions.plans import check_invitation
from plans.actions.subscriptions import open_subscription
from plans.actions.subscriptions import rename as write_name
from plans.models import (
    Access,
    AddOn,
    Plan,
    Provisioning,
    Subscription,
    SubscriptionAddOn,
    SubscriptionState,
)
from plans.words import in_sentence
from tenants import rights
from tenants.actions import operations, users
from tenants.errors import Conflicting, NotPermitted
from tenants.models import Role, Tenant, User
from tenants.rights import Right

ENDING = (SubscriptionState.DELETING, SubscriptionState.DELETED)


def subscribe(
    *, by: User, tenant: Tenant, plan: Plan, name: str = "", invitation_code: str = ""
) -> Subscription:
    """Open a subscription and begin to provision it. Locks the tenant: a double click is one."""
    _require(by, tenant)
    if not by.is_operator:
        check_invitation(plan, by=by, code=invitation_code)
    return _subscribe(by=by, tenant=tenant, plan=plan, name=name)


@transaction.atomic
def _subscribe(*, by: User, tenant: Tenant, plan: Plan, name: str) -> Subscription:
    Tenant.objects.select_for_update().get(pk=tenant.pk)
    plan = Plan.objects.prefetch_related("services").get(pk=plan.pk)
    if plan.access == Access.DECOMMISSIONED:
        raise NotPermitted(_("This plan is not offered any more."), field="plan")
    if plan.access == Access.PRIVATE and not by.is_operator:
        raise NotPermitted(_("This plan is private: ask your provider for it."), field="plan")
    if tenant.subscriptions.present().filter(plan=plan).exists():
        raise Conflicting(
            _("%(tenant)s has a subscription to “%(plan)s” already.")
            % {"tenant": tenant.name, "plan": plan.name},
            field="plan",
        )
    owner = User.objects.filter(memberships__tenant=tenant, memberships__role=Role.ADMIN).first()
    subscription = open_subscription(owner=owner or by, tenant=tenant, plan=plan, name=name)
    _provision(subscription, by=by, action="subscription.create")
    return subscription


@transaction.atomic
def rename(*, by: User, subscription: Subscription, name: str) -> None:
    """Give a subscription another name. Locks it; the far side knows it by its id."""
    subscription = _locked(subscription, by)
    was = subscription.name
    write_name(subscription, name)
    operations.succeeded(_log(subscription, by, "subscription.rename", {"was": was}))


@transaction.atomic
def add_on(*, by: User, subscription: Subscription, add_on: AddOn, times: int = 1) -> None:
    """Take an add-on, so many times, and have the fabric hold the new limits. Locks both."""
    subscription = _locked(subscription, by)
    if not subscription.is_active:
        raise NotPossible(_("The subscription is not active."))
    add_on = AddOn.objects.select_for_update().get(pk=add_on.pk)
    if not AddOn.objects.on_offer(subscription.plan).filter(pk=add_on.pk).exists():
        raise NotPermitted(_("This add-on is not on offer for this subscription."))
    had = subscription.taken.filter(add_on=add_on).count()
    if times < 1 or had + times > add_on.most:
        raise NotPossible(
            _("At most %(most)d of “%(name)s”, and you have %(had)d.")
            % {"most": add_on.most, "name": add_on.name, "had": had},
            field="times",
        )
    SubscriptionAddOn.objects.bulk_create(
        SubscriptionAddOn(subscription=subscription, add_on=add_on) for _each in range(times)
    )
    told = {"add_on": add_on.name, "times": times, "price": add_on.price_text}
    operations.succeeded(_log(subscription, by, "subscription.add_on", told))
    _provision_soon(subscription, by=by)


@transaction.atomic
def drop_add_on(*, by: User, subscription: Subscription, taken: SubscriptionAddOn) -> None:
    """Give one add-on back, if what is in use still fits without it. Locks the subscription."""
    subscription = _locked(subscription, by)
    if not subscription.is_active:
        raise NotPossible(_("The subscription is not active."))
    found = subscription.taken.filter(pk=taken.pk).select_related("add_on").first()
    if found is None:
        raise NotPossible(_("The subscription does not have it any more."))
    less = {name: -amount for name, amount in found.add_on.amounts.items()}
    limits.check_fits(rules.added(limits_of(subscription), less), quota.used(subscription))
    found.delete()
    told = {"add_on": found.add_on.name}
    operations.succeeded(_log(subscription, by, "subscription.drop_add_on", told))
    _provision_soon(subscription, by=by)


@transaction.atomic
def leave(*, by: User, subscription: Subscription) -> Job:
    """Begin to delete its machines, its role and itself; a leaving that failed goes on.

    Locks its schedules, as who runs one does first, then itself: nothing can be made in it from
    here on.
    """
    _require(by, subscription.tenant)
    list(subscription.schedules.order_by("pk").select_for_update())
    subscription = _locked(subscription, by)
    if subscription.state == SubscriptionState.DELETING:
        return _go_on_leaving(subscription, by)
    if subscription.state == SubscriptionState.SUSPENDED and not by.is_operator:
        raise NotPossible(_("The subscription is suspended: ask your provider."))
    if Job.objects.filter(subject=subscription.pk, state__in=LIVE).exists():
        raise NotPossible(_("It is being provisioned right now. Try again in a minute."))
    machines = Machine.objects.filter(subscription=subscription).exclude(state__in=GONE)
    _check_seen(by, machines)
    _check_removable(subscription, list(machines.order_by("name")))
    Subscription.objects.filter(pk=subscription.pk).update(
        state=SubscriptionState.DELETING, problem=""
    )
    subscription.schedules.update(is_enabled=False, next_at=None)
    names = list(machines.order_by("name").values_list("name", flat=True))
    operation_id = _log(subscription, by, "subscription.leave", {"machines": names})
    job = leaving.begin(subscription, by=by, machines=len(names), operation_id=operation_id)
    nudge_on_commit(tasks.begin)
    return job


def _check_seen(by: User, machines: QuerySet[Machine]) -> None:
    """Refuse who would delete machines they may not even see."""
    if not by.is_operator and machines.exclude(pk__in=Machine.objects.granted_to(by)).exists():
        raise NotPermitted(_("You do not see all of its machines: ask a Tenant Admin."))


def _check_removable(subscription: Subscription, machines: list[Machine]) -> None:
    """Refuse to begin what would stop halfway for a reason known now."""
    _check_unprotected(machines)
    if "Stop" in subscription.plan.offering.granted:
        return
    on = (MachineState.RUNNING, MachineState.PAUSED)
    running = [machine.name for machine in machines if machine.state in on]
    if running:
        raise NotPossible(
            _("Shut down %(names)s first: your plan does not allow turning machines off.")
            % {"names": ", ".join(running)}
        )


def _check_unprotected(machines: list[Machine]) -> None:
    protected = [machine.name for machine in machines if machine.is_protected]
    if protected:
        raise NotPossible(
            _("Protected against deletion: %(names)s. Lift the protection first.")
            % {"names": ", ".join(protected)}
        )


def _go_on_leaving(subscription: Subscription, by: User) -> Job:
    job = subscription.jobs.filter(recipe=leaving.LEAVE.name).order_by("-created_at").first()
    is_busy = Job.objects.filter(subject=subscription.pk, state__in=LIVE).exists()
    if is_busy or job is None or job.state != JobState.FAILED:
        raise NotPossible(_("It is being deleted already."))
    left = Machine.objects.filter(subscription=subscription).exclude(state__in=GONE)
    _check_seen(by, left)
    # Whether they run is not asked again: nobody can turn them off any more.
    _check_unprotected(list(left.order_by("name")))
    if not sweep.resume(job, leaving.LEAVE):
        raise NotPossible(_("It is being deleted already."))
    Subscription.objects.filter(pk=subscription.pk).update(problem="")
    Job.objects.filter(pk=job.pk).update(
        operation_id=_log(subscription, by, "subscription.leave", {"job": str(job.pk)}),
        actor_email=by.email,
        inputs={**job.inputs, "by": str(by.pk)},
    )
    nudge_on_commit(tasks.advance, job.pk)
    return Job.objects.get(pk=job.pk)


@transaction.atomic
def retry(*, by: User, subscription: Subscription) -> None:
    """Provision again what is out of sync. Locks the subscription."""
    subscription = _locked(subscription, by)
    if subscription.state in ENDING:
        raise NotPossible(_("It is being deleted."))
    if subscription.provisioning == Provisioning.IN_SYNC:
        raise NotPossible(_("It is in sync already."))
    if Job.objects.filter(subject=subscription.pk, state__in=LIVE).exists():
        raise NotPossible(_("It is being provisioned right now."))
    _provision(subscription, by=by, action="subscription.provision")


@transaction.atomic
def suspend(*, by: User, subscription: Subscription) -> None:
    """Let nothing more be asked of its machines; what runs goes on running."""
    _change_state(subscription, by, SubscriptionState.SUSPENDED, "subscription.suspend")


@transaction.atomic
def activate(*, by: User, subscription: Subscription) -> None:
    """Lift a suspension."""
    _change_state(subscription, by, SubscriptionState.ACTIVE, "subscription.activate")


@transaction.atomic
def create_user(
    *, by: User, email: str, password: str, plan: Plan | None = None, name: str = ""
) -> User:
    """Make a person with a tenant of their own and, if a plan is named, a subscription to it."""
    user = users.create_user(by=by, email=email, password=password, name=name)
    if plan is not None:
        subscribe(by=by, tenant=user.tenants.get(), plan=plan)
    return user


def provision_again(plan: Plan, *, by: User) -> None:
    """Provision every subscription of a plan whose content changed; call it in a transaction.

    One that is being provisioned right now sees the change when it ends, and begins again.
    """
    provision_all(plan.subscriptions.all(), by=by)


def provision_all(subscriptions: QuerySet[Subscription], *, by: User) -> None:
    """Provision these, those that are ending excepted. Locks them; call it in a transaction."""
    alive = subscriptions.exclude(state__in=ENDING)
    # In an order, so that two who provision the same do not wait for each other.
    locked = alive.order_by("pk").select_for_update(of=("self",)).select_related("plan")
    for subscription in locked:
        _provision_soon(subscription, by=by)


def _provision_soon(subscription: Subscription, *, by: User) -> None:
    """Provision it, unless that goes on right now: it sees the change when it ends."""
    if Job.objects.filter(subject=subscription.pk, state__in=LIVE).exists():
        return
    _provision(subscription, by=by, action="subscription.provision")


def _provision(subscription: Subscription, *, by: User, action: str) -> None:
    Subscription.objects.filter(pk=subscription.pk).update(
        provisioning=Provisioning.SYNCING, problem=""
    )
    provision.begin(subscription, by=by, actor_email=by.email, action=action)
    nudge_on_commit(tasks.begin)


def _change_state(subscription: Subscription, by: User, state: str, action: str) -> None:
    subscription = Subscription.objects.select_for_update(of=("self",)).get(pk=subscription.pk)
    if subscription.state in ENDING:
        raise NotPossible(_("It is being deleted."))
    if subscription.state == state:
        told = in_sentence(SubscriptionState(state).label)
        raise NotPossible(_("It is %(state)s already.") % {"state": told})
    Subscription.objects.filter(pk=subscription.pk).update(state=state)
    operations.succeeded(_log(subscription, by, action, {"was": subscription.state}))


def _require(by: User, tenant: Tenant) -> None:
    """Refuse who may not decide about a tenant's subscriptions; operators may."""
    if not by.is_operator:
        rights.require(by, tenant, Right.SUBSCRIPTIONS)


def _locked(subscription: Subscription, by: User) -> Subscription:
    """Return the subscription, locked, if the person may decide about it and it is there."""
    _require(by, subscription.tenant)
    found = (
        Subscription.objects.present()
        .select_for_update(of=("self",))
        .select_related("tenant", "plan__offering__cloud")
        .filter(pk=subscription.pk)
        .first()
    )
    if found is None:
        raise NotPossible(_("The subscription is gone."))
    return found


def _log(subscription: Subscription, by: User, action: str, told: dict) -> uuid.UUID:
    return operations.started(
        action,
        by=by,
        tenant=subscription.tenant,
        object_type="subscription",
        object_id=subscription.pk,
        object_name=subscription.name,
        parameters=told,
    )
