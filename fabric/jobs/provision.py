"""Bring a subscription into being: SPF tenant, VMM user role, scope, quota, permissions, people."""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_noop

from fabric import access, members
from fabric.durable import engine
from fabric.durable.errors import Fault
from fabric.durable.recipe import Recipe, Step, Turn
from fabric.durable.states import LIVE, JobState
from fabric.jobs import far_side
from fabric.limits import limits_of
from fabric.models import Job, Machine, MachineGrant, Offering
from fabric.providers.base import TenantOrder
from plans.models import Provisioning, Subscription, SubscriptionState
from tenants.actions import operations
from tenants.models import Membership, User

TITLE = gettext_noop("Provision %(name)s")


def ensure_provisioned(turn: Turn) -> None:
    """Make the far side hold what the plan says now. Repeatable."""
    job = turn.job
    subscription = Subscription.objects.get(pk=job.subscription_id)
    offering = _offering(subscription)
    people = members.people_of(subscription, offering)
    turn.memo["content"] = _mark(offering, subscription, people)
    resources = [
        *(("VMTemplate", pk) for pk in offering.templates.values_list("pk", flat=True)),
        *(
            ("HardwareProfile", pk)
            for pk in offering.hardware_profiles.values_list("pk", flat=True)
        ),
        *(("VMNetwork", pk) for pk in offering.networks.values_list("pk", flat=True)),
        *(("VirtualHardDisk", pk) for pk in offering.library_disks.values_list("pk", flat=True)),
        *(("ISO", pk) for pk in offering.media.values_list("pk", flat=True)),
    ]
    with far_side.provider(turn) as provider:
        provider.ensure_tenant(
            TenantOrder(
                id=subscription.pk,
                name=subscription.role_name,
                people=people.everything,
                members=people.restricted,
                stamp_id=offering.cloud.stamp_id,
                cloud_id=offering.cloud_id,
                limits=limits_of(subscription),
                permissions=tuple(sorted(offering.granted)),
                resources=tuple(resources),
            )
        )


def _offering(subscription: Subscription) -> Offering:
    found = Offering.objects.select_related("cloud__stamp__provider")
    return found.get(plan_id=subscription.plan_id)


def _mark(offering: Offering, subscription: Subscription, people: members.People) -> str:
    """Return what changes whenever the plan's content, the add-ons or the team do."""
    taken = subscription.taken.order_by("id").values_list("id", flat=True)
    team = hashlib.sha256(repr(people).encode()).hexdigest()
    return " ".join([offering.changed_at.isoformat(), *map(str, taken), team])


def _provisioned(turn: Turn) -> None:
    """End in sync, unless what it may use changed meanwhile. Locks the subscription, as who
    changes that does: one of the two sees what the other has done."""
    subscription = _locked(turn.job.subscription_id)
    far_side.log_success(turn)
    # Asked after the lock is held: what the join saw may be older than the lock.
    offering = _offering(subscription)
    people = members.people_of(subscription, offering)
    if _mark(offering, subscription, people) != turn.memo["content"]:
        _begin_again(turn.job, subscription)
        return
    Subscription.objects.filter(pk=subscription.pk).update(
        provisioning=Provisioning.IN_SYNC, problem=""
    )


def begin(
    subscription: Subscription, *, by: User | None, actor_email: str, action: str, **fields: Any
) -> Job:
    """Write the job and its operation; `by` nobody is the system's own act. Call it in the
    transaction that locks the subscription; its plan's offering must exist."""
    plan = subscription.plan
    return engine.start(
        Job,
        PROVISION,
        subject=subscription.pk,
        title=TITLE % {"name": subscription.name},
        inputs={"title": [TITLE, subscription.name]},
        subscription=subscription,
        stamp_id=plan.offering.cloud.stamp_id,
        actor_email=actor_email,
        operation_id=operations.started(
            action,
            by=by,
            tenant=subscription.tenant,
            object_type="subscription",
            object_id=subscription.pk,
            object_name=subscription.name,
            parameters={"plan": plan.name, "role": subscription.role_name},
        ),
        **fields,
    )


def _begin_again(job: Job, subscription: Subscription) -> Job:
    """Start a job like this one as the system's own act; the next sweep wakes it."""
    return begin(
        subscription,
        by=None,
        actor_email=job.actor_email,
        action="subscription.provision",
        nudged_at=Now() - timedelta(seconds=1),
    )


def _locked(subscription_id: uuid.UUID) -> Subscription:
    # Two that end at once have both written rows that refer to it: neither waits for these.
    return (
        Subscription.objects.select_for_update(of=("self",), no_key=True)
        .select_related("tenant", "plan__offering__cloud")
        .get(pk=subscription_id)
    )


def _failed(turn: Turn, fault: Fault) -> None:
    Subscription.objects.filter(pk=turn.job.subscription_id).update(
        provisioning=Provisioning.OUT_OF_SYNC,
        problem=f"{fault.message} {fault.advice}".strip(),
    )
    far_side.log_failure(turn, fault)


def follow(job: Job, machine: Machine) -> None:
    """Provision again when members are to see a machine in VMM that was only now made there: one
    chosen for them before, or of a restricted member but made in the subscription's own name.

    Call it in the transaction that ends the machine's job. Locks the subscription.
    """
    grants = MachineGrant.objects.filter(membership=OuterRef("pk"), machine=machine)
    concerned = (
        Membership.objects.filter(tenant__subscriptions=machine.subscription_id)
        .annotate(is_chosen=Exists(grants), has_part=access.part_in(machine.subscription_id))
        .filter(Q(is_chosen=True) | Q(user=machine.created_by_id))
        .select_related("custom_role")
    )
    is_alone = job.acts_as is None
    if not any(one.is_chosen or (is_alone and access.is_restricted(one)) for one in concerned):
        return
    subscription = _locked(machine.subscription_id)
    if subscription.state in (SubscriptionState.DELETING, SubscriptionState.DELETED):
        return
    if Job.objects.filter(subject=subscription.pk, state__in=LIVE).exists():
        return  # that one sees the machine when it ends, and begins again
    _begin_again(job, subscription)


PASSING = ("unreachable", "throttled", "vault_locked")


def retry_after_absence(stamp_id: uuid.UUID) -> list[uuid.UUID]:
    """Begin again what failed only because the stamp was away; return the jobs to be called.

    Called when the stamp has answered. Nobody has to press Retry for every subscription.
    """
    begun = []
    latest = Job.objects.filter(
        stamp_id=stamp_id,
        recipe=PROVISION.name,
        subscription__provisioning=Provisioning.OUT_OF_SYNC,
        subscription__state__in=(SubscriptionState.ACTIVE, SubscriptionState.SUSPENDED),
    ).order_by("subject", "-created_at")
    for job in latest.distinct("subject"):
        if job.state != JobState.FAILED or job.fault["code"] not in PASSING:
            continue
        with transaction.atomic():
            subscription = _locked(job.subscription_id)
            live = Job.objects.filter(subject=job.subject, state__in=LIVE)
            if subscription.provisioning != Provisioning.OUT_OF_SYNC or live.exists():
                continue
            begun.append(_begin_again(job, subscription).pk)
            Subscription.objects.filter(pk=subscription.pk).update(
                provisioning=Provisioning.SYNCING, problem=""
            )
    return begun


PROVISION = Recipe(
    name="subscription.provision",
    title="Provision a subscription",
    steps=(
        Step(
            "ensure_provisioned", "Set up the tenant in the cloud", ensure_provisioned, attempts=8
        ),
    ),
    succeeded=_provisioned,
    failed=_failed,
)
