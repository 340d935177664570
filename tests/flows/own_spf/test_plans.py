"""Groups, schedules and leaving on our own SPF, VMM and simulated hosts: VMM does what was asked,
in the order that was asked for, and keeps nothing of who has left.
"""

from __future__ import annotations

import datetime as dt

import pytest

from fabric.actions import groups, machines, schedules
from fabric.actions import subscriptions as subscription_actions
from fabric.actions.schedules import Target
from fabric.durable.states import JobState
from fabric.models import Group, Job, Machine, ScheduleRun
from fabric.spf.models import Tenant
from fabric.states import MachineState, Verb
from fabric.vmm.models import AddressLease, UserRole, VirtualMachine
from fabric.vmm.models import Job as VMMJob
from plans.actions import quota
from plans.models import SubscriptionState
from tests.factories.fabric import new_machine

NAMES = ("db-01", "app-01", "web-01")
RUNNING, OFF = "Running", "PowerOff"


@pytest.fixture
def shop(subscription, alice, ask) -> Group:
    """Return a group of three running machines."""
    made = [
        ask(
            machines.deploy(
                by=alice,
                subscription=subscription,
                order=new_machine(subscription, name),
                request_key=name,
            )
        )
        for name in NAMES
    ]
    return groups.create(by=alice, subscription=subscription, name="Shop", machines=made)


def statuses() -> list[str]:
    """Return what VMM says of the machines, in their order."""
    found = dict(VirtualMachine.objects.values_list("name", "status"))
    return [found[name] for name in NAMES]


def begun(recipe: str) -> list[str]:
    """Return the machines of VMM's jobs of a kind, in the order in which they were asked for."""
    jobs = VMMJob.objects.filter(recipe=recipe).order_by("created_at")
    return list(jobs.values_list("target_name", flat=True))


def run(group: Group, by, verb: str, work) -> Job:
    job = groups.run(by=by, group=group, verb=verb)
    work()
    job.refresh_from_db()
    return job


def test_a_group_goes_down_in_reverse_and_up_in_order(shop, alice, work, books):
    down = run(shop, alice, Verb.STOP, work)
    assert (down.state, statuses()) == (JobState.SUCCEEDED, [OFF] * 3)
    assert begun("stop") == list(reversed(NAMES))
    up = run(shop, alice, Verb.START, work)
    assert (up.state, statuses()) == (JobState.SUCCEEDED, [RUNNING] * 3)
    assert begun("start") == list(NAMES)
    assert books()["machines"] == 3


def test_a_schedule_that_is_due_stops_the_group_once(shop, alice, subscription, work):
    schedule = schedules.create(
        by=alice,
        subscription=subscription,
        name="Closing time",
        action=Verb.STOP,
        target=Target(group=shop),
        cron="0 22 * * *",
        time_zone="Europe/Berlin",
    )
    due = schedule.next_at + dt.timedelta(seconds=5)
    assert schedules.run_due(due - dt.timedelta(seconds=6)) == 0
    assert schedules.run_due(due) == 1
    assert schedules.run_due(due) == 0
    work()
    assert statuses() == [OFF] * 3
    assert begun("stop") == list(reversed(NAMES))
    told = ScheduleRun.objects.get()
    assert (told.schedule, told.outcome) == (schedule, "started")


def test_nothing_is_left_of_who_leaves(shop, alice, subscription, work):
    job = subscription_actions.leave(by=alice, subscription=subscription)
    work()
    job.refresh_from_db()
    assert job.state == JobState.SUCCEEDED, job.fault
    subscription.refresh_from_db()
    assert subscription.state == SubscriptionState.DELETED
    assert set(Machine.objects.values_list("state", flat=True)) == {MachineState.DELETED}
    assert not VirtualMachine.objects.exists()
    assert not AddressLease.objects.exclude(adapter=None).exists()
    assert not UserRole.objects.filter(pk=subscription.pk).exists()
    assert not Tenant.objects.filter(pk=subscription.pk).exists()
    assert not any(quota.used(subscription).values())
    assert not Group.objects.exists()
