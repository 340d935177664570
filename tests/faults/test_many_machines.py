"""SIGKILL of the portal's worker while one job sees to many machines, in order or to their end."""

from __future__ import annotations

import pytest

from fabric.actions import groups, machines, subscriptions
from fabric.durable.states import LIVE, JobState
from fabric.jobs.group import GROUP_RUN, results_of
from fabric.jobs.leave import LEAVE
from fabric.models import Job, Machine
from fabric.orders import Guest, NewMachine
from fabric.states import Verb
from fabric.vmm.models import UserRole, VirtualMachine
from plans.actions import quota
from plans.models import Plan, Subscription
from portal import demo
from tenants.models import Operation, User
from tests.cloudmaker import OPERATOR
from tests.faults import probe
from tests.faults.build import PASSWORD
from tests.faults.cloud import until
from tests.faults.proof import GUEST_PASSWORD

pytestmark = pytest.mark.faults

WHERE = ("before", "between", "after")
GROUP = "The portal's worker is killed before, in and after a step of"
OF_NO_MACHINE = ""


def ended(job: Job) -> Job:
    """Return a job once it has ended."""
    until(lambda: not Job.objects.filter(pk=job.pk, state__in=LIVE).exists(), lambda: f"{job}")
    job.refresh_from_db()
    return job


def phases(job: Job) -> list[str]:
    told = Operation.objects.filter(operation_id=job.operation_id)
    return sorted(told.values_list("phase", flat=True))


@pytest.mark.parametrize("where", WHERE)
def test_a_run_in_order_survives_a_killed_worker(cloud, prove, owner, where):
    """Each machine is asked once, and none before the one in front of it is there."""
    made = cloud.order(*(f"ordered-{where}-{n}" for n in range(3)))
    prove.well(*made)
    subscription = made[0].subscription
    group = groups.create(by=owner, subscription=subscription, name=where, machines=made)
    plans = [
        cloud.plan(OF_NO_MACHINE, GROUP_RUN.name, step.name, where, probe.DIE)
        for step in GROUP_RUN.steps
    ]
    job = ended(groups.run(by=owner, group=group, verb=Verb.STOP))
    assert [str(plan) for plan in plans if not plan.struck] == []
    assert (job.state, phases(job)) == (JobState.SUCCEEDED, ["started", "succeeded"]), job.fault
    backwards = list(reversed(made))
    told = [(result["name"], result["outcome"]) for result in results_of(job)]
    assert told == [(machine.name, "done") for machine in backwards]
    children = list(job.children.order_by("created_at"))
    assert [child.machine for child in children] == backwards
    for before, after in zip(children, children[1:], strict=False):
        assert before.ended_at <= after.created_at
    prove.nothing_wrong()
    prove.note(f"{GROUP} a run in order", f"portal: {job.step}", job)
    prove.gone(*made)


def newcomer(owner: User, name: str) -> Subscription:
    """Return the subscription of somebody of her own, ready for machines."""
    olga = User.objects.get(email=OPERATOR)
    eve = demo.person(by=olga, email=f"{name}@example.net", name="", secret=PASSWORD)
    plan = Plan.objects.get(subscriptions__tenant__memberships__user=owner)
    subscription = demo.subscribe(by=eve, plan=plan)
    demo.wait_until_in_sync(subscription)
    return subscription


def order(subscription: Subscription, *names: str) -> list[Machine]:
    """Return machines ordered in a subscription by its owner."""
    eve = User.objects.get(email=subscription.owner_email)
    template = subscription.plan.offering.templates.get(name="Debian 12")
    wanted = [NewMachine(name, template, Guest(password=GUEST_PASSWORD)) for name in names]
    return [
        machines.deploy(by=eve, subscription=subscription, order=each, request_key=each.name)
        for each in wanted
    ]


@pytest.mark.parametrize("where", WHERE)
def test_leaving_survives_a_killed_worker_at_every_step(cloud, prove, owner, where):
    """Every machine goes once, then the role; nothing of it is held any more anywhere."""
    subscription = newcomer(owner, f"eve-{where}")
    made = order(subscription, *(f"left-{where}-{n}" for n in range(2)))
    prove.well(*made)
    plans = [
        cloud.plan(OF_NO_MACHINE, LEAVE.name, step.name, where, probe.DIE) for step in LEAVE.steps
    ]
    eve = User.objects.get(email=subscription.owner_email)
    job = ended(subscriptions.leave(by=eve, subscription=subscription))
    assert [str(plan) for plan in plans if not plan.struck] == []
    assert (job.state, phases(job)) == (JobState.SUCCEEDED, ["started", "succeeded"]), job.fault
    prove.nothing_left(*made)
    assert [child.machine for child in job.children.order_by("machine__name")] == made
    assert not VirtualMachine.objects.filter(name__startswith=f"left-{where}").exists()
    assert not UserRole.objects.filter(pk=subscription.pk).exists()
    assert not any(quota.used(subscription).values())
    subscription.refresh_from_db()
    assert subscription.state == "deleted"
    for step in LEAVE.steps:
        prove.note(f"{GROUP} leaving a subscription", f"portal: {step.name}", job)
