"""Who a subscription's role in VMM has: those who may everything, and roles inside it."""

from __future__ import annotations

import pytest

from fabric import access, members
from fabric.models import MachineGrant, Offering
from plans.models import MemberLimit
from tenants.models import Membership, Role
from tests.factories.fabric import (
    make_cloud,
    make_machine,
    make_plan,
    make_stamp,
    make_subscription,
)
from tests.people import join, make_user


@pytest.fixture
def subscription(vault, alices):
    return make_subscription(alices, make_plan(make_cloud(make_stamp())))


def people(subscription):
    offering = Offering.objects.select_related("cloud__stamp__provider").get()
    return members.people_of(subscription, offering)


def test_who_may_everything_shares_the_subscriptions_role(alice, bob, dora, subscription) -> None:
    told = people(subscription)
    assert told.everything == (alice.email, bob.email)
    assert told.restricted == ()  # dora only reads: nothing is ever asked in her name


def test_a_member_with_chosen_machines_has_a_role_with_just_these(bob, subscription) -> None:
    Membership.objects.filter(user=bob).update(all_machines=False, rights=["Start", "Create"])
    place = bob.memberships.get()
    chosen, made = make_machine(subscription, "a"), make_machine(subscription, "b", created_by=bob)
    make_machine(subscription, "c")
    ordered = make_machine(subscription, "d", remote_id=None)
    for machine in (chosen, ordered):
        MachineGrant.objects.create(membership=place, machine=machine)
    MemberLimit.objects.create(membership=place, subscription=subscription, machines=2)
    (role,) = people(subscription).restricted
    assert set(role.machines) == {chosen.remote_id, made.remote_id}
    assert set(role.permissions) == {
        *("Start", "Create", "CreateFromVHDOrTemplate", "AllowLocalAdmin")
    }
    assert role.limits["machines"] == 2
    assert role.limits["cores"] is None
    assert role.id == access.role_of(subscription.pk, place)
    assert bob.email in role.name


def test_the_plan_narrows_what_a_role_gives(bob, subscription) -> None:
    Membership.objects.filter(user=bob).update(rights=["Start", "Store"])
    Offering.objects.update(permissions=["Start"])
    (role,) = people(subscription).restricted
    assert role.permissions == ("Start",)
    assert role.machines is None


def test_a_part_of_the_quota_makes_a_role(bob, subscription) -> None:
    MemberLimit.objects.create(membership=bob.memberships.get(), subscription=subscription, cores=4)
    (role,) = people(subscription).restricted
    assert role.limits["cores"] == 4


def test_where_the_endpoint_knows_no_such_roles_all_share_one(bob, dora, alice, subscription):
    Membership.objects.filter(user=bob).update(all_machines=False)
    provider = Offering.objects.get().cloud.stamp.provider
    provider.capabilities = {"abilities": [], "asked": ["member_roles"]}
    provider.abilities_read_at = provider.created_at
    provider.save()
    told = people(subscription)
    assert (told.everything, told.restricted) == ((alice.email, bob.email), ())


def test_the_number_of_members_costs_no_queries(
    alices, subscription, django_assert_max_num_queries
) -> None:
    for number in range(6):
        join(
            alices,
            make_user(f"m{number}@example.net"),
            Role.APPLICATION,
            all_machines=False,
        )
    offering = Offering.objects.select_related("cloud__stamp__provider").get()
    with django_assert_max_num_queries(4):
        assert len(members.people_of(subscription, offering).restricted) == 6
