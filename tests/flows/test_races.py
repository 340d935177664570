"""Two at once, or one that comes late: nothing is lost, overwritten or left busy for ever."""

from __future__ import annotations

import re

import pytest
from django.db.models.functions import Now

from fabric import registry, tasks
from fabric.actions import (
    bulk,
    checkpoints,
    configuring,
    copies,
    disks,
    machines,
    offerings,
    power,
    providers,
    subscriptions,
)
from fabric.durable import engine, sweep
from fabric.durable.states import LIVE, JobState
from fabric.errors import NotPossible
from fabric.jobs import RECIPES, watch
from fabric.models import Job, Machine, Network, Stamp, Template
from fabric.orders import Guest
from fabric.providers.errors import Rejected
from fabric.states import MachineState, Verb
from fabric.sync import machines as sync_machines
from fabric.sync import stamps
from fabric.vault.errors import VaultLocked
from plans.actions import quota
from plans.models import Provisioning, Subscription
from tenants.errors import Conflicting, NotPermitted
from tenants.models import Operation, Phase
from tests.factories.fabric import make_machine

LOOSER = {"machines": 50, "cores": None, "memory_mb": None, "storage_gb": None}


@pytest.fixture
def change_plan(plan, olga):
    """Give the plan other limits."""

    def change_plan() -> None:
        cloud = plan.offering.cloud
        content = offerings.content_of(cloud)
        offerings.configure(
            by=olga,
            plan=plan,
            cloud=cloud,
            templates=list(content.templates),
            hardware_profiles=list(content.hardware_profiles),
            networks=list(content.networks),
            permissions=["Start"],
            limits=LOOSER,
        )

    return change_plan


def go_on(job: Job) -> None:
    """Take a job as far as it goes, whatever it waits for."""
    Job.objects.filter(pk=job.pk).update(due_at=Now(), claimed_until=None)
    engine.advance(Job, RECIPES, job.pk)


def look(stamp: Stamp) -> watch.Pass:
    Stamp.objects.filter(pk=stamp.pk).update(next_watch_at=Now())
    return watch.run(str(stamp.pk))


def test_a_plan_changed_while_it_is_provisioned_reaches_the_role(
    fake, plan, alice, alices, work, change_plan, monkeypatch
):
    subscription = subscriptions.subscribe(by=alice, tenant=alices, plan=plan)
    ensure_tenant = fake.ensure_tenant

    def changed_meanwhile(ordered):
        monkeypatch.setattr(fake, "ensure_tenant", ensure_tenant)
        ensure_tenant(ordered)
        change_plan()

    monkeypatch.setattr(fake, "ensure_tenant", changed_meanwhile)
    go_on(Job.objects.get(subject=subscription.pk))
    subscription.refresh_from_db()
    assert subscription.provisioning == Provisioning.SYNCING
    assert sweep.overdue(Job).waiting == 1, "the next sweep takes it up"
    work()
    subscription.refresh_from_db()
    assert subscription.provisioning == Provisioning.IN_SYNC
    assert fake.roles[subscription.pk].limits["machines"] == 50
    acts = Operation.objects.filter(object_id=str(subscription.pk))
    assert acts.filter(phase=Phase.STARTED).count() == 2
    assert acts.filter(phase=Phase.SUCCEEDED).count() == 2


def test_a_machine_that_is_gone_after_its_operation_is_not_busy_for_ever(
    running, fake, alice, work, stamp
):
    power.operate(by=alice, machine=running, verb=Verb.STOP)
    go_on(running.jobs.get(recipe="machine.operate"))
    fake.held.clear()
    work(rounds=30)
    running.refresh_from_db()
    assert running.jobs.get(recipe="machine.operate").state == JobState.FAILED
    assert not running.is_busy
    Machine.objects.update(synced_at=None)
    stamps.run(str(stamp.pk))
    running.refresh_from_db()
    assert running.state == MachineState.MISSING


def test_the_watch_leaves_a_retry_its_pause(running, fake, alice, stamp):
    machines.delete(by=alice, machine=running)
    job = running.jobs.get(recipe="machine.remove")
    go_on(job)
    look(stamp)
    fake.is_down = True
    go_on(job)
    job.refresh_from_db()
    assert (job.step, job.attempt) == ("ensure_deleted", 1)
    due = job.due_at
    assert job.pk not in look(stamp).woken
    job.refresh_from_db()
    assert job.due_at == due


@pytest.mark.parametrize("state", [MachineState.DELETING, MachineState.DELETED])
def test_a_late_pass_does_not_undo_what_was_done_meanwhile(running, stamp, monkeypatch, state):
    Machine.objects.filter(pk=running.pk).update(addresses=[])
    worked_on = sync_machines._worked_on

    def meanwhile(known):
        Machine.objects.filter(pk=running.pk).update(state=state)
        return worked_on(known)

    monkeypatch.setattr(sync_machines, "_worked_on", meanwhile)
    stamps.run(str(stamp.pk))
    running.refresh_from_db()
    assert running.state == state


def test_a_late_pass_does_not_make_a_settled_machine_busy_again(running, stamp, monkeypatch):
    Machine.objects.filter(pk=running.pk).update(state=MachineState.CREATING, addresses=[])

    def meanwhile(known):
        Machine.objects.filter(pk=running.pk).update(state=MachineState.RUNNING)
        return {machine.pk for machine in known}

    monkeypatch.setattr(sync_machines, "_worked_on", meanwhile)
    stamps.run(str(stamp.pk))
    running.refresh_from_db()
    assert running.state == MachineState.RUNNING


def test_a_busy_machine_keeps_its_state_while_a_job_works_on_it(running, alice, stamp):
    power.operate(by=alice, machine=running, verb=Verb.STOP)
    stamps.run(str(stamp.pk))
    running.refresh_from_db()
    assert running.state == MachineState.UPDATING
    Job.objects.filter(state__in=LIVE).update(state=JobState.SUCCEEDED)
    stamps.run(str(stamp.pk))
    running.refresh_from_db()
    assert running.state == MachineState.RUNNING, "nobody works on it: it is as the cloud says"


def test_nothing_is_resumed_in_a_suspended_subscription(order, fake, work, alice, olga):
    fake.plan("ensure_machine", "fail")
    machine = order()
    work()
    subscriptions.suspend(by=olga, subscription=machine.subscription)
    with pytest.raises(NotPossible, match="not active"):
        machines.resume(by=alice, machine=machine)
    subscriptions.activate(by=olga, subscription=machine.subscription)
    assert machines.resume(by=alice, machine=machine)


def test_removing_erases_the_password_a_failed_deployment_kept(order, fake, work, alice):
    fake.plan("ensure_machine", "unreachable", times=6)
    machine = order()
    work()
    deployment = machine.jobs.get()
    assert (deployment.state, bool(deployment.sealed)) == (JobState.FAILED, True)
    machines.delete(by=alice, machine=machine)
    work()
    deployment.refresh_from_db()
    assert deployment.sealed == ""
    assert set(quota.used(machine.subscription).values()) == {0}


def test_a_network_that_is_gone_is_ordered_for_nobody(order, subscription, stamp):
    present = Network.objects.get()
    gone = Network.objects.create(
        id=stamp.pk, stamp=stamp, name="aa", synced_at=present.synced_at, missing_at=Now()
    )
    subscription.plan.offering.networks.add(gone)
    assert order().network == present
    Network.objects.update(missing_at=Now())
    with pytest.raises(NotPossible, match="networks"):
        order("web-02", key="k2")


def test_a_second_registration_of_the_same_server_ends_in_the_log(stamp, olga):
    with pytest.raises(Conflicting):
        providers.register_stamp(
            by=olga, provider=stamp.provider, name=stamp.name, friendly_name="Berlin"
        )
    phases = Operation.objects.filter(object_name="Berlin").values_list("phase", flat=True)
    assert sorted(phases) == [Phase.FAILED, Phase.STARTED]


def test_a_worker_without_the_key_waits_for_it(order, work, monkeypatch):
    machine = order()

    def locked(row):
        raise VaultLocked("locked")

    with monkeypatch.context() as patch:
        patch.setattr(registry, "provider_for", locked)
        go_on(machine.jobs.get())
    job = machine.jobs.get()
    assert (job.state, job.attempt) == (JobState.RUNNING, 1)
    assert "locked" in job.message
    work()
    machine.refresh_from_db()
    assert machine.state == MachineState.RUNNING


def test_provisioning_that_failed_while_the_stamp_was_away_begins_again(
    fake, plan, alice, alices, work, stamp
):
    fake.is_down = True
    subscription = subscriptions.subscribe(by=alice, tenant=alices, plan=plan)
    work()
    subscription.refresh_from_db()
    assert subscription.provisioning == Provisioning.OUT_OF_SYNC
    fake.is_down = False
    tasks.sync_stamp(str(stamp.pk))
    tasks.sync_stamp(str(stamp.pk))
    assert subscription.jobs.filter(state__in=LIVE).count() == 1
    work()
    subscription.refresh_from_db()
    assert subscription.provisioning == Provisioning.IN_SYNC


def test_what_was_refused_is_not_begun_again(fake, plan, alice, alices, work, stamp):
    fake.plan("ensure_tenant", Rejected("The name is taken in VMM."))
    subscription = subscriptions.subscribe(by=alice, tenant=alices, plan=plan)
    work()
    tasks.sync_stamp(str(stamp.pk))
    assert not subscription.jobs.filter(state__in=LIVE).exists()


def test_what_was_refused_after_an_absence_is_not_begun_again_for_ever(
    fake, plan, alice, alices, work, stamp
):
    fake.is_down = True
    subscription = subscriptions.subscribe(by=alice, tenant=alices, plan=plan)
    work()
    fake.is_down = False
    fake.plan("ensure_tenant", Rejected("The name is taken in VMM."))
    tasks.sync_stamp(str(stamp.pk))
    work()
    for _pass in range(3):
        tasks.sync_stamp(str(stamp.pk))
    assert subscription.jobs.count() == 2


def test_machines_are_worked_on_while_the_subscription_is_out_of_sync(subscription, alice):
    machine = make_machine(subscription)
    Subscription.objects.update(provisioning=Provisioning.OUT_OF_SYNC)
    power.operate(by=alice, machine=machine, verb=Verb.STOP)
    machine.refresh_from_db()
    assert machine.state == MachineState.UPDATING


def test_who_does_not_belong_to_the_tenant_is_refused(subscription, charlie, olga):
    machine = make_machine(subscription)
    for stranger in (charlie, olga):
        with pytest.raises(NotPermitted):
            power.operate(by=stranger, machine=machine, verb=Verb.STOP)
        with pytest.raises(NotPermitted):
            machines.delete(by=stranger, machine=machine)


def test_a_stamp_that_shows_no_cloud_makes_nothing_missing(subscription, stamp, fake):
    machine = make_machine(subscription, synced_at=None)
    fake.clouds.clear()
    stamps.run(str(stamp.pk))
    machine.refresh_from_db()
    assert machine.state == MachineState.RUNNING
    assert machine.unreachable_since


def locks(queries) -> list[str]:
    """Return the tables whose rows were locked, in the order in which they first were."""
    told = [query["sql"] for query in queries.captured_queries]
    found = re.findall(r'FROM "(\w+)".*?FOR (?:NO KEY )?UPDATE', "\n".join(told))
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("act", ["configure", "disk", "rebuild", "clone", "from_checkpoint"])
def test_whoever_locks_both_locks_the_machine_before_its_subscription(
    stopped, alice, work, act, django_assert_max_num_queries
):
    """Two who did it the other way round would wait for each other."""
    if act == "from_checkpoint":
        checkpoints.create(by=alice, machine=stopped, name="clean")
        work()
    guest = Guest(password="Canary-Again-1")
    Template.objects.update(storage_gb=40)
    stopped.template.refresh_from_db()
    asked = {
        "configure": lambda: configuring.configure(by=alice, machine=stopped, memory_mb=4096),
        "disk": lambda: disks.attach(by=alice, machine=stopped, size_gb=5),
        "rebuild": lambda: copies.rebuild(
            by=alice, machine=stopped, template=stopped.template, guest=guest, request_key="r"
        ),
        "clone": lambda: copies.clone(by=alice, machine=stopped, name="copy", request_key="c"),
        "from_checkpoint": lambda: copies.from_checkpoint(
            by=alice, checkpoint=stopped.checkpoints.get(), name="copy", request_key="f"
        ),
    }[act]
    with django_assert_max_num_queries(200) as queries:
        asked()
    assert locks(queries) == ["fabric_machine", "plans_subscription"]


def test_many_machines_are_locked_in_one_order(subscription, alice):
    """The order that passes over a stamp lock them in as well."""
    made = [make_machine(subscription, f"web-{n}") for n in range(3)]
    backwards = sorted(made, key=lambda machine: machine.pk, reverse=True)
    outcomes = bulk.many(by=alice, machines=backwards, verb=Verb.STOP)
    assert [outcome.machine for outcome in outcomes] == backwards
    begun = Job.objects.filter(machine__in=made).order_by("created_at")
    assert list(begun.values_list("machine", flat=True)) == sorted(one.pk for one in made)
