"""Leave a subscription: its machines go, then its role and SPF tenant, then it is gone itself.

What fails leaves the rest as it is; resumed, it goes on with what is left. A machine that its owner
protected in between is not deleted.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_noop

from fabric.durable import engine
from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Recipe, Step, Turn
from fabric.durable.states import LIVE, JobState
from fabric.jobs import far_side
from fabric.jobs.remove import REMOVE
from fabric.models import Job, Machine, Offering
from fabric.providers.base import TenantOrder
from fabric.states import GONE, MachineState
from plans.actions import quota
from plans.models import Subscription, SubscriptionState
from tenants.actions import operations
from tenants.models import User

TITLE = gettext_noop("Leave %(name)s")
DELETE = gettext_noop("Delete %(name)s")
AT_ONCE = 3
LOOK_SECONDS = 2.0
DAY = 86400.0


def begin(subscription: Subscription, *, by: User, machines: int, operation_id: uuid.UUID) -> Job:
    """Write the job; call it in the transaction that locks the subscription."""
    return engine.start(
        Job,
        LEAVE,
        subject=subscription.pk,
        title=TITLE % {"name": subscription.name},
        inputs={"title": [TITLE, subscription.name], "machines": machines, "by": str(by.pk)},
        subscription=subscription,
        stamp_id=subscription.plan.offering.cloud.stamp_id,
        operation_id=operation_id,
        actor_email=by.email,
    )


def is_under_way(subscription_id: uuid.UUID) -> bool:
    """Tell whether it is being left right now: begun, and not failed."""
    return Job.objects.filter(recipe=LEAVE.name, subject=subscription_id, state__in=LIVE).exists()


def ensure_machines_gone(turn: Turn) -> Again | None:
    """Have the machines removed, a few at a time; what else works on one is waited for."""
    job = turn.job
    children = Job.objects.filter(parent=job, state=JobState.FAILED)
    if turn.memo.pop("resumed", False):
        turn.memo["forgiven"] = [str(pk) for pk in children.values_list("pk", flat=True)]
    left = list(
        Machine.objects.filter(subscription=job.subscription_id)
        .exclude(state__in=GONE)
        .order_by("name")
    )
    if not left:
        return None
    subjects = [machine.pk for machine in left]
    live = set(
        Job.objects.filter(subject__in=subjects, state__in=LIVE).values_list("subject", flat=True)
    )
    failed = {
        child.subject: child for child in children.exclude(pk__in=turn.memo.get("forgiven", []))
    }
    waiting = [each for each in left if each.pk not in live and each.pk not in failed]
    protected = [each.name for each in waiting if each.is_protected]
    if protected:
        waiting = []  # nothing more is begun, and it fails when what was begun has ended
    if not live and not waiting:
        raise _protected(protected) if protected else _undeleted(left, failed)
    # In the order in which everybody locks several.
    for machine in sorted(waiting[: max(0, AT_ONCE - len(live))], key=lambda each: each.pk):
        _remove(job, machine)
    whole = max(1, job.inputs["machines"])
    return Again(
        LOOK_SECONDS,
        percent=max(0, min(99, 100 - len(left) * 100 // whole)),
        message=gettext_noop("Deleting machines."),
    )


def _protected(names: list[str]) -> Fault:
    return Fault(
        f"Protected against deletion: {', '.join(names)}.",
        code="machines_protected",
        advice="Lift the protection, then go on.",
    )


def _undeleted(left: list[Machine], failed: dict[uuid.UUID, Job]) -> Fault:
    names = ", ".join(machine.name for machine in left)
    first = failed[left[0].pk]
    return Fault(
        f"Not deleted: {names}. {(first.fault or {}).get('message', first.message)}",
        code="machines_left",
        advice=(first.fault or {}).get("advice", ""),
    )


def _remove(job: Job, machine: Machine) -> None:
    """Begin the removal of a machine; the next sweep wakes it."""
    told = {"because": job.title}
    try:
        with transaction.atomic():
            engine.start(
                Job,
                REMOVE,
                subject=machine.pk,
                title=DELETE % {"name": machine.name},
                inputs={"title": [DELETE, machine.name], "was": machine.state},
                machine=machine,
                subscription_id=job.subscription_id,
                stamp_id=machine.stamp_id,
                actor_email=job.actor_email,
                parent=job,
                nudged_at=Now() - timedelta(seconds=1),
                operation_id=operations.started(
                    "machine.delete",
                    by=User.objects.filter(pk=job.inputs["by"]).first(),
                    tenant=job.subscription.tenant,
                    object_type="machine",
                    object_id=machine.pk,
                    object_name=machine.name,
                    parameters=told,
                ),
            )
            Machine.objects.filter(pk=machine.pk).update(
                state=MachineState.DELETING, status_text=gettext_noop("Deleting…")
            )
    except IntegrityError:
        # Somebody was faster; the next turn waits for theirs.
        return


def ensure_tenant_gone(turn: Turn) -> None:
    """Remove role and SPF tenant; coming back proves that they are gone."""
    job = turn.job
    subscription = Subscription.objects.get(pk=job.subscription_id)
    offering = Offering.objects.select_related("cloud").get(plan_id=subscription.plan_id)
    with far_side.provider(turn) as provider:
        provider.ensure_gone_tenant(
            TenantOrder(
                id=subscription.pk,
                name=subscription.role_name,
                people=(),
                stamp_id=offering.cloud.stamp_id,
                cloud_id=offering.cloud_id,
                limits={},
                permissions=(),
                resources=(),
            )
        )


def _left(turn: Turn) -> None:
    """Keep the row, which ledger and log refer to; nothing of the subscription is held any more."""
    subscription = Subscription.objects.select_for_update(of=("self",)).get(
        pk=turn.job.subscription_id
    )
    for subject in quota.used_by_subject(subscription):
        quota.release_all(subject)
    subscription.schedules.all().delete()
    subscription.groups.all().delete()
    subscription.member_limits.all().delete()
    Subscription.objects.filter(pk=subscription.pk).update(
        state=SubscriptionState.DELETED, problem=""
    )
    far_side.log_success(turn)


def _failed(turn: Turn, fault: Fault) -> None:
    Subscription.objects.filter(pk=turn.job.subscription_id).update(
        problem=f"{fault.message} {fault.advice}".strip()
    )
    far_side.log_failure(turn, fault)


LEAVE = Recipe(
    name="subscription.leave",
    title="Leave a subscription",
    steps=(
        Step(
            "ensure_machines_gone",
            "Delete its machines",
            ensure_machines_gone,
            local=True,
            share=80,
            limit=DAY,
        ),
        Step("ensure_tenant_gone", "Delete its role and tenant", ensure_tenant_gone, share=20),
    ),
    succeeded=_left,
    failed=_failed,
)
