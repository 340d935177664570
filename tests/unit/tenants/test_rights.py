"""What each role may do, alone, narrowed, and through an API key."""

from __future__ import annotations

import pytest

from tenants.errors import NotPermitted
from tenants.models import ApiKey, Role, TenantRole
from tenants.rights import ALL, MACHINE_RIGHTS, Right, of_role, require, rights_of
from tests.people import join, make_user


def test_each_role_has_its_rights(alice, bob, dora, charlie, alices) -> None:
    assert rights_of(alice, alices) == ALL
    assert rights_of(bob, alices) == MACHINE_RIGHTS | {Right.SCHEDULES}
    assert rights_of(dora, alices) == frozenset()
    assert rights_of(charlie, alices) == frozenset()


def test_asking_costs_one_query(bob, alices, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        rights_of(bob, alices)


def test_a_member_can_be_given_less_than_the_role(alices) -> None:
    starter = join(
        alices, make_user("erin@example.net"), Role.APPLICATION, rights=["Start", "Team"]
    )
    assert rights_of(starter, alices) == {Right.START}


def test_a_composed_role_has_what_was_put_in_and_nothing_unknown(alices) -> None:
    role = TenantRole.objects.create(tenant=alices, name="Night", rights=["Stop", "Everything"])
    guard = join(alices, make_user("erin@example.net"), Role.CUSTOM, custom_role=role)
    assert rights_of(guard, alices) == {Right.STOP}
    assert of_role(Role.CUSTOM, None) == frozenset()


def test_a_blocked_account_has_none(alice, alices) -> None:
    alice.is_active = False
    alice.save()
    assert rights_of(alice, alices) == frozenset()


def test_a_key_gives_what_both_it_and_the_person_have(bob, alices, charlie) -> None:
    bob.key = ApiKey(user=bob, tenant=alices, scopes=["Start", "Team"])
    assert rights_of(bob, alices) == {Right.START}
    bob.key = ApiKey(user=bob, tenant=alices, scopes=["read"])
    assert rights_of(bob, alices) == frozenset()
    bob.key = ApiKey(user=bob, tenant=charlie.tenants.get(), scopes=["Start"])
    assert rights_of(bob, alices) == frozenset()


def test_what_is_missing_is_named(bob, alices) -> None:
    require(bob, alices, Right.START)
    with pytest.raises(NotPermitted, match="Invite people"):
        require(bob, alices, Right.TEAM)
