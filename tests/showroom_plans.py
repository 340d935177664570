"""Plans, add-ons, groups and schedules for the pictures."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from fabric.durable.states import JobState
from fabric.models import Group, Job, Machine, OnFailure, Schedule, ScheduleRun
from plans.models import Access, AddOn, Plan, Subscription, SubscriptionAddOn
from tenants.models import User
from tests.factories.fabric import make_group, make_schedule


def furnish_plans(alice: User, subscription: Subscription) -> None:
    """Say more of plans, sell add-ons, and plan the machines of a subscription."""
    Plan.objects.filter(name="Evaluation").update(
        description="To try the cloud for a month, with two small machines.",
        highlights="Ready in two minutes\nTwo machines, a public address each\nNo card needed",
        price_text="Free for 30 days",
        invitation_code="early-birds",
    )
    Plan.objects.filter(pk=subscription.plan_id).update(
        price_text="€ 180 a month",
        highlights="80 machines\nAnswer within an hour\nTwo sites",
    )
    more = AddOn.objects.create(
        name="Four cores more",
        description="For the busy season. Give it back when it is over.",
        price_text="€ 24 a month",
        access=Access.PUBLIC,
        cores=4,
        memory_mb=8192,
        most=5,
    )
    disk = AddOn.objects.create(
        name="Terabyte", price_text="€ 40 a month", access=Access.PUBLIC, storage_gb=1000, most=3
    )
    AddOn.objects.create(name="Backup site", machines=10, most=1)
    for one in (more, disk):
        one.plans.add(subscription.plan)
    for _n in range(2):
        SubscriptionAddOn.objects.create(subscription=subscription, add_on=more)
    machines = list(subscription.machines.order_by("name")[:4])
    group = make_group(subscription, *machines, name="Web shop")
    _run(group, machines, alice)
    make_group(subscription, *machines[:2], name="Reporting")
    _schedules(subscription, machines, group, alice)


def _run(group: Group, machines: list[Machine], by: User) -> None:
    """Have the group's last start fail at its third machine."""
    Group.objects.filter(pk=group.pk).update(on_failure=OnFailure.STOP)
    told = {"text": "", "before": ["10.20.0.5"], "after": ["10.20.0.5"]}
    results = {str(m.pk): {**told, "outcome": "done", "seconds": 41} for m in machines[:2]}
    if len(machines) > 2:
        results[str(machines[2].pk)] = {
            **told,
            "outcome": "failed",
            "seconds": 12,
            "text": "The host does not answer.",
        }
    Job.objects.create(
        recipe="group.run",
        title=f"Start {group.name} in order",
        subject=group.pk,
        step="ensure_each",
        subscription=group.subscription,
        state=JobState.FAILED,
        actor_email=by.email,
        message=f"2 of {len(machines)} done. The host does not answer.",
        fault={"code": "machines_failed", "message": "2 done.", "advice": ""},
        inputs={
            "verb": "start",
            "name": group.name,
            "machines": [{"id": str(m.pk), "name": m.name} for m in machines],
        },
        memo={"results": results},
    )


def _schedules(subscription: Subscription, machines: list[Machine], group: Group, by: User) -> None:
    nightly = make_schedule(subscription, group=group, name="Shop off at night", created_by=by)
    make_schedule(
        subscription,
        tag="office",
        name="Office in the morning",
        action="start",
        cron="30 7 * * 1-5",
        created_by=by,
        is_enabled=False,
        next_at=None,
    )
    make_schedule(
        subscription,
        machine=machines[0],
        name="Reports on Sunday",
        action="restart",
        cron="0 4 * * 0",
        created_by=by,
        is_enabled=False,
        next_at=None,
        off_reason="Your role does not allow this: Stop (power off).",
    )
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    for days, (outcome, text) in enumerate(
        [
            ("started", ""),
            ("skipped", "Skipped: the server was down, and it is more than an hour late."),
            ("started", ""),
            ("refused", "Wait until the present run of this group ends."),
        ],
        start=1,
    ):
        ScheduleRun.objects.create(
            schedule=nightly,
            due_at=now - dt.timedelta(days=days),
            outcome=outcome,
            text=text,
            results=[{"name": group.name, "job": "", "refused": ""}] if not text else [],
        )
    Schedule.objects.filter(pk=nightly.pk).update(last_at=now - dt.timedelta(days=1))
