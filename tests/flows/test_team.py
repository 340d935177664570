"""What a team decides reaches VMM: our own SPF and VMM in this process, with no portal between."""

# ruff: noqa: F811 - fixtures of another file are asked for by their names
from __future__ import annotations

import pytest

from fabric import access
from fabric.actions import machines, members, power
from fabric.durable.states import JobState
from fabric.models import Job, Machine
from fabric.providers.errors import ProviderFault
from fabric.states import MachineState, Verb
from fabric.vmm.models import UserRole
from plans.models import Subscription
from tenants.actions import roles
from tenants.authority import Place
from tenants.models import Membership, Role
from tests.factories.fabric import new_machine
from tests.flows.own_spf.conftest import bench, subscription, work  # noqa: F401

pytestmark = pytest.mark.slow


@pytest.fixture
def made(subscription, alice, work):
    """Make running machines of alice's, by name."""

    def made(*names: str) -> list[Machine]:
        found = [
            machines.deploy(
                by=alice,
                subscription=subscription,
                order=new_machine(subscription, name),
                request_key=name,
            )
            for name in names
        ]
        work()
        return list(Machine.objects.filter(pk__in=[one.pk for one in found]).order_by("name"))

    return made


def restrict(by, user, tenant, work, *, rights, chosen=(), limits=None) -> Membership:
    place = Membership.objects.get(user=user, tenant=tenant)
    members.change(
        by=by,
        membership=place,
        place=Place(Role.APPLICATION, rights=tuple(rights), all_machines=False),
        machines=[one.pk for one in chosen],
        limits=limits,
    )
    work()
    return Membership.objects.get(pk=place.pk)


def refused(bench, machine, operation, *, tenant, person) -> bool:
    """Ask VMM through SPF as somebody who goes around the portal."""
    try:
        bench.provider.operate(
            machine.remote_id,
            operation,
            stamp_id=machine.stamp_id,
            tenant=tenant,
            person=person.email,
        )
    except ProviderFault:
        return True
    return False


def test_vmm_refuses_what_the_role_forbids(
    bench,
    subscription,
    made,
    work,
    alice,
    bob,
    alices,
):
    mine, other = made("a", "b")
    place = restrict(alice, bob, alices, work, rights=["Start", "Stop"], chosen=[mine])
    role = access.role_of(subscription.pk, place)
    inside = UserRole.objects.get(pk=role)
    assert inside.parent_id == subscription.pk
    as_bob = {"tenant": role, "person": bob}
    assert refused(bench, other, "Stop", **as_bob)
    assert refused(bench, mine, "Suspend", **as_bob)
    power.operate(by=bob, machine=mine, verb=Verb.STOP)
    work()
    job = Job.objects.filter(machine=mine).latest("created_at")
    assert (job.state, job.acts_as) == (JobState.SUCCEEDED, role)
    mine.refresh_from_db()
    assert mine.state == MachineState.STOPPED


def test_a_changed_role_counts_in_vmm_at_once(
    bench,
    subscription,
    made,
    work,
    alice,
    bob,
    alices,
):
    (machine,) = made("a")
    night = roles.create(by=alice, tenant=alices, name="Night", given=["Stop"])
    place = Membership.objects.get(user=bob)
    members.change(by=alice, membership=place, place=Place(Role.CUSTOM, night))
    work()
    place.refresh_from_db()
    as_bob = {"tenant": access.role_of(subscription.pk, place), "person": bob}
    assert refused(bench, machine, "Suspend", **as_bob)
    members.change_role(
        by=alice, role=night, name="Night", description="", given=["PauseAndResume"]
    )
    work()
    assert not refused(bench, machine, "Suspend", **as_bob)


def test_what_a_member_makes_is_theirs_in_vmm_too(
    bench,
    subscription,
    made,
    work,
    alice,
    bob,
    alices,
):
    made("a")
    restrict(alice, bob, alices, work, rights=["Create", "Stop", "Author"])
    own = machines.deploy(
        by=bob,
        subscription=subscription,
        order=new_machine(subscription, "own"),
        request_key="own",
    )
    work()
    own.refresh_from_db()
    assert own.state == MachineState.RUNNING, own.status_text
    assert [one.name for one in Machine.objects.visible_to(bob)] == ["own"]
    power.operate(by=bob, machine=own, verb=Verb.STOP)
    work()
    assert own.jobs.latest("created_at").state == JobState.SUCCEEDED


def test_a_machine_chosen_before_it_is_there_is_granted_when_it_is(
    bench,
    subscription,
    made,
    work,
    alice,
    bob,
    alices,
):
    machine = machines.deploy(
        by=alice, subscription=subscription, order=new_machine(subscription, "a"), request_key="a"
    )
    place = restrict(alice, bob, alices, lambda: None, rights=["Stop"], chosen=[machine])
    work()
    machine.refresh_from_db()
    role = access.role_of(subscription.pk, place)
    assert not refused(bench, machine, "Stop", tenant=role, person=bob)


def test_who_is_removed_is_gone_from_vmm(
    bench,
    subscription,
    made,
    work,
    alice,
    bob,
    alices,
):
    (machine,) = made("a")
    place = restrict(alice, bob, alices, work, rights=["Stop"], chosen=[machine])
    role = access.role_of(subscription.pk, place)
    members.remove(by=alice, membership=place)
    work()
    assert not UserRole.objects.filter(pk=role).exists()
    assert refused(bench, machine, "Stop", tenant=role, person=bob)
    assert Subscription.objects.get().is_usable
