"""Subscribe, provision, suspend: what joins a tenant to a plan and to the cloud behind it."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from fabric import tasks
from fabric.durable.nudge import nudge_on_commit
from fabric.durable.states import LIVE
from fabric.errors import NotPossible
from fabric.jobs import provision
from fabric.models import Job
from plans.actions.subscriptions import open_subscription
from plans.models import Access, Plan, Provisioning, Subscription, SubscriptionState
from tenants.actions import operations, users
from tenants.errors import Conflicting, NotPermitted
from tenants.models import Role, Tenant, User


@transaction.atomic
def subscribe(*, by: User, tenant: Tenant, plan: Plan, name: str = "") -> Subscription:
    """Open a subscription and begin to provision it. Locks the tenant: a double click is one."""
    Tenant.objects.select_for_update().get(pk=tenant.pk)
    plan = Plan.objects.prefetch_related("services").get(pk=plan.pk)
    if plan.access == Access.DECOMMISSIONED:
        raise NotPermitted(_("This plan is not offered any more."), field="plan")
    if plan.access == Access.PRIVATE and not by.is_operator:
        raise NotPermitted(_("This plan is private: ask your provider for it."), field="plan")
    if tenant.subscriptions.filter(plan=plan).exists():
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
def retry(*, by: User, subscription: Subscription) -> None:
    """Provision again what is out of sync. Locks the subscription."""
    subscription = Subscription.objects.select_for_update(of=("self",)).get(pk=subscription.pk)
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
    for subscription in plan.subscriptions.select_for_update(of=("self",)).select_related("plan"):
        if Job.objects.filter(subject=subscription.pk, state__in=LIVE).exists():
            continue
        _provision(subscription, by=by, action="subscription.provision")


def _provision(subscription: Subscription, *, by: User, action: str) -> None:
    Subscription.objects.filter(pk=subscription.pk).update(
        provisioning=Provisioning.SYNCING, problem=""
    )
    provision.begin(subscription, by=by, actor_email=by.email, action=action)
    nudge_on_commit(tasks.begin)


def _change_state(subscription: Subscription, by: User, state: str, action: str) -> None:
    subscription = Subscription.objects.select_for_update(of=("self",)).get(pk=subscription.pk)
    if subscription.state == state:
        raise NotPossible(_("It is %(state)s already.") % {"state": state})
    Subscription.objects.filter(pk=subscription.pk).update(state=state)
    operations.succeeded(_log(subscription, by, action, {"was": subscription.state}))


def _log(subscription: Subscription, by: User, action: str, told: dict):
    return operations.started(
        action,
        by=by,
        tenant=subscription.tenant,
        object_type="subscription",
        object_id=subscription.pk,
        object_name=subscription.name,
        parameters=told,
    )
