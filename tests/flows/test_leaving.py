"""Leave a subscription: nothing of it is left, whatever fails on the way; and add-ons."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from fabric.actions import cancelling, configuring, machines, subscriptions
from fabric.durable.recipe import Turn
from fabric.durable.states import JobState
from fabric.errors import NotPossible
from fabric.jobs import leave as leaving
from fabric.limits import limits_of
from fabric.models import Job, Machine
from fabric.orders import Guest, NewMachine
from fabric.states import MachineState
from plans.actions import add_ons, quota
from plans.errors import QuotaExceeded
from plans.models import Access, Provisioning, Subscription, SubscriptionState
from tenants.errors import NotPermitted
from tenants.models import Membership, Operation, Phase
from tests.factories.fabric import make_machine


@pytest.fixture
def deploy(subscription, alice):
    """Order a machine as alice."""

    def deploy(name: str) -> Machine:
        template = subscription.plan.offering.templates.get()
        order = NewMachine(name=name, template=template, guest=Guest(password="Canary-Guest-9"))
        return machines.deploy(by=alice, subscription=subscription, order=order, request_key=name)

    return deploy


@pytest.fixture
def two(subscription, alice, work, deploy) -> list[Machine]:
    """Return two running machines."""
    made = [deploy(name) for name in ("web-01", "web-02")]
    work()
    for machine in made:
        machine.refresh_from_db()
        assert machine.state == MachineState.RUNNING
    return made


@pytest.fixture
def more(plan, olga):
    """Return an add-on for two machines more."""
    made = add_ons.create(
        by=olga, name="Two more", amounts={"machines": 2, "cores": 2}, plans=[plan], most=2
    )
    add_ons.change_access(by=olga, add_on=made, access=Access.PUBLIC)
    return made


def test_leaving_deletes_machines_role_and_the_subscription(two, subscription, alice, work, fake):
    subscriptions.leave(by=alice, subscription=subscription)
    subscription.refresh_from_db()
    assert (subscription.state, subscription.is_usable) == (SubscriptionState.DELETING, False)
    work(30)
    subscription.refresh_from_db()
    assert subscription.state == SubscriptionState.DELETED
    assert not fake.held
    assert subscription.pk not in fake.roles
    assert set(quota.used(subscription).values()) == {0}
    assert not Subscription.objects.visible_to(alice).exists()
    acts = Operation.objects.filter(object_id=str(subscription.pk), action="subscription.leave")
    assert list(acts.order_by("id").values_list("phase", flat=True)) == [
        Phase.STARTED,
        Phase.SUCCEEDED,
    ]
    parent = Job.objects.get(recipe="subscription.leave")
    assert {child.machine.name for child in parent.children.all()} == {"web-01", "web-02"}


def test_the_plan_can_be_subscribed_to_again_after_leaving(subscription, plan, alice, alices, work):
    subscriptions.leave(by=alice, subscription=subscription)
    work()
    again = subscriptions.subscribe(by=alice, tenant=alices, plan=plan)
    assert again.pk != subscription.pk


def test_nothing_can_be_made_in_it_meanwhile(subscription, alice, deploy):
    subscriptions.leave(by=alice, subscription=subscription)
    with pytest.raises(NotPossible):
        deploy("late-01")
    with pytest.raises(NotPossible):
        subscriptions.retry(by=alice, subscription=subscription)
    with pytest.raises(NotPossible, match="being deleted already"):
        subscriptions.leave(by=alice, subscription=subscription)


def test_a_machine_that_cannot_be_deleted_stops_it_and_resuming_goes_on(
    two, subscription, alice, work, fake
):
    fake.plan("remove_machine", "fail")
    subscriptions.leave(by=alice, subscription=subscription)
    work(30)
    job = Job.objects.get(recipe="subscription.leave")
    assert job.state == JobState.FAILED
    subscription.refresh_from_db()
    assert subscription.state == SubscriptionState.DELETING
    assert "web-0" in subscription.problem
    assert len(fake.held) == 1
    subscriptions.leave(by=alice, subscription=subscription)
    work(30)
    subscription.refresh_from_db()
    assert subscription.state == SubscriptionState.DELETED
    assert not fake.held
    assert set(quota.used(subscription).values()) == {0}


def test_who_goes_on_is_whose_deletions_follow(two, subscription, alice, dora, work, fake):
    fake.plan("remove_machine", "fail")
    subscriptions.leave(by=alice, subscription=subscription)
    work(30)
    begun = set(Operation.objects.filter(action="machine.delete").values_list("pk", flat=True))
    Membership.objects.filter(user=dora).update(role="admin")
    subscriptions.leave(by=dora, subscription=subscription)
    work(30)
    later = Operation.objects.filter(action="machine.delete", phase="started").exclude(pk__in=begun)
    assert {act.actor for act in later} == {dora}


def test_a_role_that_stays_keeps_the_subscription_until_it_goes(subscription, alice, work, fake):
    from fabric.providers.errors import Rejected

    fake.plan("ensure_gone_tenant", Rejected("The role has machines."))
    subscriptions.leave(by=alice, subscription=subscription)
    work()
    subscription.refresh_from_db()
    assert subscription.state == SubscriptionState.DELETING
    assert "The role has machines." in subscription.problem
    subscriptions.leave(by=alice, subscription=subscription)
    work()
    subscription.refresh_from_db()
    assert subscription.state == SubscriptionState.DELETED


def test_work_on_a_machine_is_waited_for(two, subscription, alice, work):
    machines.delete(by=alice, machine=two[0])
    subscriptions.leave(by=alice, subscription=subscription)
    work(30)
    subscription.refresh_from_db()
    assert subscription.state == SubscriptionState.DELETED
    parent = Job.objects.get(recipe="subscription.leave")
    assert [child.machine.name for child in parent.children.all()] == ["web-02"]


def test_protected_machines_keep_the_subscription(subscription, alice):
    make_machine(subscription, "db-01", is_protected=True)
    with pytest.raises(NotPossible, match="db-01"):
        subscriptions.leave(by=alice, subscription=subscription)
    subscription.refresh_from_db()
    assert subscription.state == SubscriptionState.ACTIVE


def test_a_machine_is_not_protected_while_its_subscription_goes(two, subscription, alice):
    subscriptions.leave(by=alice, subscription=subscription)
    tomorrow = timezone.now() + timedelta(days=1)
    for act in (
        lambda: configuring.protect(by=alice, machine=two[0], on=True),
        lambda: configuring.lease(by=alice, machine=two[0], ends_at=tomorrow),
    ):
        with pytest.raises(NotPossible, match="as its whole subscription is"):
            act()
    two[0].refresh_from_db()
    assert (two[0].is_protected, two[0].ends_at) == (False, None)


def test_the_deletion_of_one_is_not_called_off_alone(two, subscription, alice):
    subscriptions.leave(by=alice, subscription=subscription)
    job = Job.objects.get(recipe="subscription.leave")
    leaving.ensure_machines_gone(Turn(job, memo={}))
    child = job.children.first()
    with pytest.raises(NotPossible, match="as its whole subscription is"):
        cancelling.cancel(by=alice, job=child)


def test_what_was_protected_after_it_failed_is_kept_until_somebody_decides(
    two, subscription, alice, work, fake
):
    fake.plan("remove_machine", "fail")
    subscriptions.leave(by=alice, subscription=subscription)
    work(30)
    left = Machine.objects.get(state=MachineState.FAILED)
    configuring.protect(by=alice, machine=left, on=True)
    with pytest.raises(NotPossible, match=f"{left.name}. Lift the protection first"):
        subscriptions.leave(by=alice, subscription=subscription)
    assert Job.objects.get(recipe="subscription.leave").state == JobState.FAILED
    configuring.protect(by=alice, machine=left, on=False)
    subscriptions.leave(by=alice, subscription=subscription)
    work(30)
    subscription.refresh_from_db()
    assert subscription.state == SubscriptionState.DELETED


def test_the_work_itself_deletes_no_protected_machine(two, subscription, alice, work, fake):
    """Whoever resumes it, by whatever way."""
    subscriptions.leave(by=alice, subscription=subscription)
    Machine.objects.filter(pk=two[0].pk).update(is_protected=True)
    work(30)
    job = Job.objects.get(recipe="subscription.leave")
    assert (job.state, job.fault["code"]) == (JobState.FAILED, "machines_protected")
    subscription.refresh_from_db()
    assert subscription.problem == (
        "Protected against deletion: web-01. Lift the protection, then go on."
    )
    assert {machine.name for machine in fake.held.values()} >= {"web-01"}
    assert not Operation.objects.filter(object_name="web-01", action="machine.delete").exists()


@pytest.mark.parametrize(
    "act",
    [
        lambda by, subscription: subscriptions.leave(by=by, subscription=subscription),
        lambda by, subscription: subscriptions.rename(by=by, subscription=subscription, name="X"),
        lambda by, subscription: subscriptions.retry(by=by, subscription=subscription),
        lambda by, subscription: subscriptions.subscribe(
            by=by, tenant=subscription.tenant, plan=subscription.plan
        ),
    ],
)
def test_it_takes_the_right_for_subscriptions(subscription, bob, charlie, act):
    for person in (bob, charlie):
        with pytest.raises(NotPermitted):
            act(person, subscription)


def test_an_add_on_raises_the_limits_here_and_in_vmm(subscription, more, alice, work, fake, deploy):
    before = limits_of(subscription)["machines"]
    subscriptions.add_on(by=alice, subscription=subscription, add_on=more, times=2)
    assert limits_of(subscription)["machines"] == before + 4
    work()
    subscription.refresh_from_db()
    assert subscription.provisioning == Provisioning.IN_SYNC
    assert fake.roles[subscription.pk].limits["machines"] == before + 4
    for n in range(before + 1):
        deploy(f"vm-{n}")
    assert quota.used(subscription)["machines"] == before + 1
    with pytest.raises(NotPossible, match="At most 2"):
        subscriptions.add_on(by=alice, subscription=subscription, add_on=more)


def test_an_add_on_in_use_stays_and_one_that_is_not_goes(
    subscription, more, alice, work, fake, deploy
):
    subscriptions.add_on(by=alice, subscription=subscription, add_on=more, times=2)
    work()
    for n in range(5):
        deploy(f"vm-{n}")
    work(30)
    first, second = subscription.taken.all()
    subscriptions.drop_add_on(by=alice, subscription=subscription, taken=first)
    with pytest.raises(QuotaExceeded, match="Without it the limit for virtual machines is 3"):
        subscriptions.drop_add_on(by=alice, subscription=subscription, taken=second)
    work()
    assert fake.roles[subscription.pk].limits["machines"] == 5


def test_a_change_while_it_is_provisioned_is_not_lost(subscription, more, alice, work, fake):
    subscriptions.add_on(by=alice, subscription=subscription, add_on=more)
    subscriptions.add_on(by=alice, subscription=subscription, add_on=more)
    work()
    assert fake.roles[subscription.pk].limits["machines"] == limits_of(subscription)["machines"]


def test_an_add_on_of_another_plan_or_not_public_is_refused(subscription, more, alice, olga):
    add_ons.change_access(by=olga, add_on=more, access=Access.DECOMMISSIONED)
    with pytest.raises(NotPermitted):
        subscriptions.add_on(by=alice, subscription=subscription, add_on=more)


def test_A053_the_limit_reached_is_named_and_nothing_is_made(subscription, deploy):
    """Features A053."""
    for n in range(3):
        deploy(f"vm-{n}")
    with pytest.raises(QuotaExceeded) as refused:
        deploy("vm-4")
    assert refused.value.message == (
        "The plan's limit for virtual machines is 3; 3 in use, 1 more wanted."
    )
    assert Machine.objects.count() == 3
