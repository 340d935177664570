"""What is asked again after it failed, was cancelled or got no reply: only what may be, once."""

from __future__ import annotations

import pytest

from fabric.actions import (
    cancelling,
    configuring,
    copies,
    disks,
    machines,
    power,
    subscriptions,
)
from fabric.durable.states import JobState
from fabric.errors import NotPossible
from fabric.jobs import provision
from fabric.models import Job, Machine
from fabric.orders import Guest
from fabric.states import MachineState, Verb
from plans.actions import quota
from plans.models import Subscription, SubscriptionState

GUEST = Guest(password="Canary-Again-1")


@pytest.fixture
def rebuild(running, alice):
    def rebuild() -> Job:
        return copies.rebuild(
            by=alice, machine=running, template=running.template, guest=GUEST, request_key="r1"
        )

    return rebuild


def test_a_rebuild_begun_anew_still_knows_its_password(running, rebuild, alice, work, fake):
    fake.plan("change", "fail")
    job = rebuild()
    work(rounds=20)
    asked, change = [], fake.change
    fake.change = lambda wanted, **more: asked.append(wanted.password) or change(wanted, **more)
    machines.resume(by=alice, machine=running)
    work(rounds=20)
    job.refresh_from_db()
    assert (job.state, job.sealed) == (JobState.SUCCEEDED, "")
    assert asked == [GUEST.password]


def test_a_rebuild_whose_machine_did_not_start_asks_for_no_second_one(
    running, rebuild, alice, work, fake
):
    power.operate(by=alice, machine=running, verb=Verb.STOP)
    work()
    running.refresh_from_db()
    fake.plan("operate", "fail")
    job = rebuild()
    work(rounds=20)
    job.refresh_from_db()
    assert (job.state, job.step, job.sealed) == (JobState.FAILED, "wait_until_on", "")
    rebuilt = running.disks.get().remote_id
    machines.resume(by=alice, machine=running)
    work(rounds=20)
    running.refresh_from_db()
    assert running.state == MachineState.RUNNING
    assert running.disks.get().remote_id == rebuilt


def test_a_rebuild_waits_for_the_stop_whose_reply_was_lost(running, rebuild, work, fake):
    fake.instant = False
    fake.plan("operate", "lose_reply")
    job = rebuild()
    for _round in range(30):
        work(rounds=1)
        fake.tick()
    job.refresh_from_db()
    assert (job.fault, job.state) == (None, JobState.SUCCEEDED)


@pytest.mark.parametrize("what", ["delete", "rebuild", "disk"])
def test_what_was_protected_meanwhile_is_not_lost_to_a_resumed_job(
    running, rebuild, alice, work, fake, what
):
    disks.attach(by=alice, machine=running, size_gb=5)
    work()
    if what == "delete":
        fake.plan("remove_machine", "fail")
        machines.delete(by=alice, machine=running)
    elif what == "rebuild":
        fake.plan("change", "fail")
        rebuild()
    else:
        fake.plan("change", "fail")
        disks.remove(by=alice, disk=running.disks.get(is_boot=False))
    work(rounds=20)
    assert running.jobs.latest("created_at").state == JobState.FAILED
    configuring.protect(by=alice, machine=running, on=True)
    with pytest.raises(NotPossible, match="protected"):
        machines.resume(by=alice, machine=running)


def test_work_is_resumed_after_its_removal_was_called_off(order, alice, work, fake):
    fake.plan("ensure_machine", "fail")
    machine = order()
    work()
    cancelling.cancel(by=alice, job=machines.delete(by=alice, machine=machine))
    machines.resume(by=alice, machine=machine)
    work()
    machine.refresh_from_db()
    assert machine.state == MachineState.RUNNING


def test_growth_of_which_nothing_is_known_is_reserved_once(running, alice, work, fake, exact):
    fake.plan("change", "unreachable", times=6)
    disks.attach(by=alice, machine=running, size_gb=100)
    work(rounds=20)
    running.refresh_from_db()
    assert running.unsettled_at is not None
    assert quota.used(running.subscription)["storage_gb"] == 110
    machines.resume(by=alice, machine=running)
    assert quota.used(running.subscription)["storage_gb"] == 110
    work(rounds=20)
    assert exact()["storage_gb"] == 110


def test_a_change_of_name_that_is_cancelled_is_none(running, alice):
    job = configuring.configure(by=alice, machine=running, name="till-7", description="Tills")
    cancelling.cancel(by=alice, job=job)
    running.refresh_from_db()
    assert (running.name, running.description) == ("web-01", "")


def test_a_name_taken_meanwhile_stays_taken_when_its_change_is_cancelled(running, alice, order):
    job = configuring.configure(by=alice, machine=running, name="till-7")
    order("web-01", key="k2")
    cancelling.cancel(by=alice, job=job)
    running.refresh_from_db()
    assert (running.name, running.state) == ("till-7", MachineState.RUNNING)


def test_leaving_goes_on_after_something_else_worked_on_the_subscription(
    subscription, alice, order, work, fake
):
    order()
    work()
    fake.plan("remove_machine", "fail")
    subscriptions.leave(by=alice, subscription=subscription)
    work(rounds=30)
    row = Subscription.objects.get(pk=subscription.pk)
    assert row.problem
    provision.begin(row, by=None, actor_email=alice.email, action="subscription.provision")
    with pytest.raises(NotPossible):
        subscriptions.leave(by=alice, subscription=subscription)


def test_a_subscription_that_ends_is_not_provisioned_for_its_last_machine(
    subscription, alice, order, work, fake, bob
):
    machine = order()
    work()
    Subscription.objects.filter(pk=subscription.pk).update(state=SubscriptionState.DELETING)
    jobs = Job.objects.filter(recipe="subscription.provision")
    before = jobs.count()
    member = subscription.tenant.memberships.get(user=bob)
    machine.grants.create(membership=member)
    provision.follow(machine.jobs.get(), Machine.objects.get(pk=machine.pk))
    assert jobs.count() == before
