"""What is refused at the front door is refused at every other: later, together, by a program."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fabric import access
from fabric.actions import (
    cancelling,
    configuring,
    copies,
    disks,
    groups,
    machines,
    members,
    power,
    schedules,
    subscriptions,
)
from fabric.durable.states import JobState
from fabric.errors import NotPossible
from fabric.models import Job, Machine, MachineGrant, Offering, Schedule, Template
from fabric.orders import Guest
from fabric.states import MachineState, Verb
from plans.models import MemberLimit, Subscription
from tenants.actions import api_keys, roles
from tenants.authority import Place
from tenants.errors import NotPermitted
from tenants.models import Membership, Role, TenantRole
from tenants.rights import Right
from tests.factories.fabric import make_group, make_schedule
from tests.people import join, make_user


@pytest.fixture
def hidden(running, bob) -> Machine:
    """Return a machine that bob, who has chosen machines only, may not see."""
    Membership.objects.filter(user=bob).update(all_machines=False)
    return running


def with_key(user, tenant, *scopes):
    """Return the person as a program of theirs acts for them."""
    _row, text = api_keys.issue(by=user, tenant=tenant, name="ci", scopes=scopes, days=1)
    found = api_keys.find(text)
    assert found is not None
    return found.user


def lead(tenant, email="lead@example.net", *more, **fields):
    """Return a member who may change the team and is no Tenant Admin."""
    rights = ["Team", *more]
    role = TenantRole.objects.create(tenant=tenant, name=email, rights=rights)
    return join(tenant, make_user(email), Role.CUSTOM, custom_role=role, **fields)


def test_a_key_for_reading_cancels_nothing_of_its_owners(order, alice, alices):
    job = order().jobs.get()
    with pytest.raises(NotPermitted):
        cancelling.cancel(by=with_key(alice, alices, "read"), job=job)
    assert Job.objects.get(pk=job.pk).state == JobState.WAITING
    cancelling.cancel(by=with_key(alice, alices, "Author"), job=job)


def test_a_run_of_machines_one_may_not_see_is_not_seen(hidden, alice, bob, subscription):
    group = make_group(subscription, hidden)
    run = groups.run(by=alice, group=group, verb=Verb.STOP)
    assert run in Job.objects.visible_to(alice)
    assert run not in Job.objects.visible_to(bob)
    told = access.operations_visible_to(bob)
    assert hidden.name not in str([*told.values_list("object_name", "parameters")])
    MachineGrant.objects.create(membership=Membership.objects.get(user=bob), machine=hidden)
    assert run in Job.objects.visible_to(bob)
    assert access.operations_visible_to(bob).filter(action="group.stop").exists()


def test_a_schedule_by_tag_is_not_for_who_sees_a_part_of_the_machines(
    hidden, alice, bob, subscription
):
    theirs = make_schedule(subscription, tag="web", created_by=alice)
    mine = make_schedule(subscription, name="Mine", tag="web", created_by=bob)
    assert set(Schedule.objects.visible_to(alice)) == {theirs, mine}
    assert set(Schedule.objects.visible_to(bob)) == {mine}


def test_a_file_replaces_no_group_that_one_may_not_see(hidden, order, work, alice, bob):
    subscription = hidden.subscription
    group = make_group(subscription, hidden, name="Night")
    mine = order("db-01", "k2")
    work()
    MachineGrant.objects.create(membership=Membership.objects.get(user=bob), machine=mine)
    text = "night;db-01"
    with pytest.raises(groups.FileRefused, match="exists already"):
        groups.import_file(by=bob, subscription=subscription, text=text, replace=True)
    assert [place.machine for place in group.in_order()] == [hidden]
    assert groups.import_file(by=alice, subscription=subscription, text=text, replace=True)


def test_a_key_has_nothing_done_later_that_it_may_not_do_now(running, alice, alices):
    """A schedule runs with all the rights of its maker, whatever the key held."""
    told = {"action": "stop", "cron": "0 1 * * *", "time_zone": "UTC", "name": "Off"}
    told |= {"subscription": running.subscription, "target": schedules.Target(machine=running)}
    with pytest.raises(NotPermitted, match="Stop") as refused:
        schedules.create(by=with_key(alice, alices, "Schedules", "Start"), **told)
    assert refused.value.field == "action"
    made = schedules.create(by=alice, **told)
    schedules.pause(by=alice, schedule=made)
    with pytest.raises(NotPermitted):
        schedules.resume(by=with_key(alice, alices, "Schedules", "Start"), schedule=made)
    schedules.resume(by=with_key(alice, alices, "Schedules", "Stop"), schedule=made)


def test_one_subscription_does_not_take_all_turns(running, alice, subscription, monkeypatch):
    """The clock serves everybody's schedules in one line: a tenant has only so many of them."""
    monkeypatch.setattr(schedules, "MOST", 1)
    monkeypatch.setattr(groups, "MOST", 1)
    told = {"action": "stop", "cron": "0 1 * * *", "time_zone": "UTC"}
    target = schedules.Target(machine=running)
    common = {"by": alice, "subscription": subscription}
    schedules.create(**common, name="a", target=target, **told)
    with pytest.raises(NotPossible, match="At most 1"):
        schedules.create(**common, name="b", target=target, **told)
    groups.create(**common, name="a")
    with pytest.raises(NotPossible, match="At most 1"):
        groups.create(**common, name="b")


def test_a_file_of_groups_is_read_in_good_time(running, alice, subscription):
    lines = "".join(f"g{n};web-01\n" for n in range(3_000))
    with CaptureQueriesContext(connection) as asked, pytest.raises(groups.FileRefused):
        groups.import_file(by=alice, subscription=subscription, text=lines)
    assert len(asked) < 20


def test_nobody_leaves_away_machines_they_may_not_see(hidden, alice, bob, subscription):
    role = TenantRole.objects.create(
        tenant=subscription.tenant, name="Buyer", rights=["Subscriptions"]
    )
    Membership.objects.filter(user=bob).update(role=Role.CUSTOM, custom_role=role)
    with pytest.raises(NotPermitted):
        subscriptions.leave(by=bob, subscription=subscription)
    Membership.objects.filter(user=bob).update(all_machines=True)
    assert subscriptions.leave(by=bob, subscription=subscription)


def test_protection_holds_against_going_on_with_a_deletion(running, alice, work, fake):
    job = machines.delete(by=alice, machine=running)
    Job.objects.filter(pk=job.pk).update(state=JobState.FAILED)
    Machine.objects.filter(pk=running.pk).update(state=MachineState.FAILED)
    configuring.protect(by=alice, machine=running, on=True)
    with pytest.raises(NotPossible, match="protected"):
        machines.resume(by=alice, machine=running)
    configuring.protect(by=alice, machine=running, on=False)
    assert machines.resume(by=alice, machine=running)


def test_who_may_not_turn_off_deletes_nothing_that_runs(running, alice, bob, work):
    Membership.objects.filter(user=bob).update(rights=["Remove"])
    with pytest.raises(NotPermitted, match="Stop"):
        machines.delete(by=bob, machine=running)
    power.operate(by=alice, machine=running, verb=Verb.STOP)
    work()
    assert machines.delete(by=bob, machine=running)


def test_who_may_not_delete_orders_nothing_that_is_deleted_later(order, bob):
    Membership.objects.filter(user=bob).update(rights=["Create", "Stop"])
    soon = timezone.now() + dt.timedelta(days=1)
    with pytest.raises(NotPermitted, match="Delete"):
        order(by=bob, ends_at=soon, end_action="delete")
    assert order(by=bob, ends_at=soon, end_action="stop").ends_at == soon


def test_a_rebuild_does_not_size_what_comes_in_one_size(stopped, alice, work):
    offering = Offering.objects.get()
    configuring.configure(by=alice, machine=stopped, cores=stopped.cores + 1)
    work()
    fixed = Template.objects.get(pk=stopped.template_id)
    fixed.pk, fixed.name, fixed._state.adding = uuid.uuid4(), "Appliance", True
    fixed.save()
    offering.templates.add(fixed)
    offering.fixed_templates.add(fixed)
    with pytest.raises(NotPermitted, match="one size"):
        copies.rebuild(
            by=alice,
            machine=stopped,
            template=fixed,
            guest=Guest(password="Canary-Again-1"),
            request_key="r",
        )


def test_who_has_a_part_of_the_quota_gives_nobody_all_of_it(alices, dora, subscription):
    erin = lead(alices, "erin@example.net", *Right.values[:12])
    own = Membership.objects.get(user=erin)
    MemberLimit.objects.create(membership=own, subscription=subscription, machines=1)
    place = Membership.objects.get(user=dora)
    maker = Place(Role.APPLICATION, rights=("Create",))
    for limits in (None, {}):
        with pytest.raises(NotPermitted, match="part"):
            members.change(by=erin, membership=place, place=maker, limits=limits)
    part = {subscription.pk: {"machines": 1}}
    members.change(by=erin, membership=place, place=maker, limits=part)
    assert MemberLimit.objects.get(membership=place).machines == 1


def test_a_role_is_not_the_way_to_change_who_may_more(alices, dora, subscription):
    """Whoever sees chosen machines only changes nobody who sees all, nor the role they have."""
    night = TenantRole.objects.create(tenant=alices, name="Night", rights=["Start"])
    Membership.objects.filter(user=dora).update(role=Role.CUSTOM, custom_role=night)
    erin = lead(alices, "erin@example.net", "Start", "Stop", all_machines=False)
    with pytest.raises(NotPermitted):
        roles.change(by=erin, role=night, name="Night", given=["Start", "Stop"])
    frank = lead(alices, "frank@example.net", "Start", "Stop")
    roles.change(by=frank, role=night, name="Night", given=["Start", "Stop"])


def test_a_role_gives_no_quota_that_its_writer_lacks(alices, dora, subscription):
    night = TenantRole.objects.create(tenant=alices, name="Night", rights=["Start"])
    Membership.objects.filter(user=dora).update(role=Role.CUSTOM, custom_role=night)
    erin = lead(alices, "erin@example.net", "Start", "Create")
    own = Membership.objects.get(user=erin)
    MemberLimit.objects.create(membership=own, subscription=subscription, machines=1)
    with pytest.raises(NotPermitted, match="part"):
        members.change_role(
            by=erin, role=night, name="Night", description="", given=["Start", "Create"]
        )


def test_limits_are_read_once_nobody_can_drop_an_add_on(stopped, alice):
    with CaptureQueriesContext(connection) as asked:
        disks.attach(by=alice, machine=stopped, size_gb=1)
    texts = [query["sql"] for query in asked]
    locked = next(n for n, sql in enumerate(texts) if is_lock_of(sql, Subscription))
    read = next(n for n, sql in enumerate(texts) if "addon" in sql)
    assert locked < read


def test_a_clone_locks_in_the_order_that_changes_do(stopped, alice):
    """The machine first: two who wait for each other would both be refused."""
    with CaptureQueriesContext(connection) as asked:
        copies.clone(by=alice, machine=stopped, name="copy", request_key="c")
    texts = [query["sql"] for query in asked]
    of_machine = next(n for n, sql in enumerate(texts) if is_lock_of(sql, Machine))
    of_subscription = next(n for n, sql in enumerate(texts) if is_lock_of(sql, Subscription))
    assert of_machine < of_subscription


def is_lock_of(sql: str, model) -> bool:
    return "FOR " in sql and f'OF "{model._meta.db_table}"' in sql
