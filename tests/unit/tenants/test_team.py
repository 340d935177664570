"""Who may change whom: nobody gives more than they have, and a Tenant Admin always stays."""

from __future__ import annotations

import pytest

from tenants.actions import api_keys, roles, team
from tenants.authority import Place
from tenants.errors import Conflicting, NotPermitted, Refused
from tenants.models import Invitation, Membership, Operation, Role, TenantRole
from tenants.rights import Right, rights_of
from tests.people import join, make_user


def place_of(user, tenant) -> Membership:
    return Membership.objects.get(user=user, tenant=tenant)


@pytest.fixture
def erin(alices):
    """Return a member with the Team right who is no Tenant Admin."""
    role = TenantRole.objects.create(tenant=alices, name="Lead", rights=["Start", "Stop", "Team"])
    return join(alices, make_user("erin@example.net"), Role.CUSTOM, custom_role=role)


def test_a_change_works_at_once_and_is_told(alice, bob, alices) -> None:
    team.change(by=alice, membership=place_of(bob, alices), place=Place(Role.READER))
    assert rights_of(bob, alices) == frozenset()
    told = Operation.objects.get(action="team.change", phase="succeeded")
    assert (told.object_name, told.parameters["role"]) == (bob.email, "reader")
    assert told.parameters["was"]["role"] == "application"


def test_without_the_team_right_nobody_is_changed(bob, dora, alices, charlie) -> None:
    for by in (bob, dora, charlie):
        with pytest.raises(NotPermitted):
            team.change(by=by, membership=place_of(dora, alices), place=Place(Role.ADMIN))
        with pytest.raises(NotPermitted):
            team.remove(by=by, membership=place_of(bob, alices))


def test_the_last_tenant_admin_stays_one(alice, alices, bob) -> None:
    own = place_of(alice, alices)
    with pytest.raises(Refused, match="last Tenant Admin"):
        team.change(by=alice, membership=own, place=Place(Role.READER))
    with pytest.raises(Refused, match="last Tenant Admin"):
        team.leave(by=alice, tenant=alices)
    team.change(by=alice, membership=place_of(bob, alices), place=Place(Role.ADMIN))
    team.leave(by=alice, tenant=alices)
    assert rights_of(alice, alices) == frozenset()


def test_a_closed_account_is_no_other_admin(alice, alices) -> None:
    closed = make_user("frank@example.net")
    join(alices, closed, Role.ADMIN)
    closed.is_active = False
    closed.save()
    with pytest.raises(Refused, match="last Tenant Admin"):
        team.leave(by=alice, tenant=alices)


def test_the_team_right_alone_gives_no_more_than_one_has(erin, dora, alices, alice, bob) -> None:
    of_dora = place_of(dora, alices)
    for place in (
        Place(Role.ADMIN),
        Place(Role.APPLICATION),
        Place(Role.APPLICATION, rights=("Start", "Remove")),
    ):
        with pytest.raises(NotPermitted):
            team.change(by=erin, membership=of_dora, place=place)
    team.change(by=erin, membership=of_dora, place=Place(Role.APPLICATION, rights=("Start",)))
    assert rights_of(dora, alices) == {"Start"}
    for above in (alice, bob):
        with pytest.raises(NotPermitted, match="more than you"):
            team.change(by=erin, membership=place_of(above, alices), place=Place(Role.READER))
        with pytest.raises(NotPermitted, match="more than you"):
            team.remove(by=erin, membership=place_of(above, alices))
    with pytest.raises(NotPermitted, match="own place"):
        team.change(by=erin, membership=place_of(erin, alices), place=Place(Role.READER))


def test_who_has_chosen_machines_cannot_give_all(erin, dora, alices) -> None:
    Membership.objects.filter(user=erin).update(all_machines=False)
    Membership.objects.filter(user=dora).update(all_machines=False)
    with pytest.raises(NotPermitted, match="all machines"):
        team.change(by=erin, membership=place_of(dora, alices), place=Place(Role.READER))


def test_a_key_of_an_admin_is_no_admin(alice, bob, alices) -> None:
    alice.key, _text = api_keys.issue(by=alice, tenant=alices, name="k", scopes=["Team"], days=1)
    with pytest.raises(NotPermitted):
        team.change(by=alice, membership=place_of(bob, alices), place=Place(Role.ADMIN))


def test_a_place_is_cleaned_of_what_makes_no_sense(alice, bob, alices, charlie) -> None:
    theirs = TenantRole.objects.create(tenant=charlie.tenants.get(), name="R", rights=["Start"])
    for place in (Place("emperor"), Place(Role.CUSTOM), Place(Role.CUSTOM, custom_role=theirs)):
        with pytest.raises(Refused):
            team.change(by=alice, membership=place_of(bob, alices), place=place)
    admin = team.change(
        by=alice,
        membership=place_of(bob, alices),
        place=Place(Role.ADMIN, custom_role=theirs, rights=("Start",), all_machines=False),
    )
    assert (admin.custom_role, admin.rights, admin.all_machines) == (None, None, True)


def test_leaving_takes_keys_and_unanswered_invitations_along(alice, bob, alices) -> None:
    from tenants.actions import invitations

    join(alices, make_user("grace@example.net"), Role.ADMIN)
    team.change(by=alice, membership=place_of(bob, alices), place=Place(Role.ADMIN))
    _key, text = api_keys.issue(by=bob, tenant=alices, name="k", scopes=["read"], days=1)
    invitations.invite(by=bob, tenant=alices, email="new@example.net", place=Place(Role.ADMIN))
    team.remove(by=alice, membership=place_of(bob, alices))
    assert api_keys.find(text) is None
    assert Invitation.objects.get().revoked_at is not None


def test_a_composed_role_changes_for_all_who_have_it(alice, erin, alices) -> None:
    role = TenantRole.objects.get()
    roles.change(by=alice, role=role, name="Lead", given=["Shutdown"])
    assert rights_of(erin, alices) == {Right.SHUTDOWN}
    with pytest.raises(Refused, match="in use"):
        roles.delete(by=alice, role=role)
    team.change(by=alice, membership=place_of(erin, alices), place=Place(Role.READER))
    roles.delete(by=alice, role=role)
    assert not TenantRole.objects.exists()


def test_nobody_composes_a_role_above_their_own(erin, alice, alices) -> None:
    with pytest.raises(NotPermitted, match="Delete machines"):
        roles.create(by=erin, tenant=alices, name="More", given=["Start", "Remove"])
    with pytest.raises(NotPermitted):
        roles.change(by=erin, role=TenantRole.objects.get(), name="Lead", given=["Remove"])
    strong = roles.create(by=alice, tenant=alices, name="Strong", given=["Remove"])
    with pytest.raises(NotPermitted):
        roles.change(by=erin, role=strong, name="Weak", given=["Start"])
    with pytest.raises(Conflicting):
        roles.create(by=alice, tenant=alices, name="STRONG", given=["Remove"])
    with pytest.raises(Refused):
        roles.create(by=alice, tenant=alices, name="X", given=["Everything"])


def test_requiring_a_second_factor_begins_with_oneself(alice, bob, alices) -> None:
    with pytest.raises(NotPermitted):
        team.change_tenant(by=bob, tenant=alices, name="Mine", requires_second_factor=False)
    with pytest.raises(Refused, match="yourself first"):
        team.change_tenant(by=alice, tenant=alices, name="A", requires_second_factor=True)


def test_a_role_that_is_gone_is_given_to_nobody(alice, bob, alices) -> None:
    """Somebody deleted it since the page was drawn."""
    night = roles.create(by=alice, tenant=alices, name="Night", given=["Start"])
    late = Place(Role.CUSTOM, TenantRole.objects.get(pk=night.pk))
    roles.delete(by=alice, role=TenantRole.objects.get(pk=night.pk))
    with pytest.raises(Refused, match="Choose a role of this tenant"):
        team.change(by=alice, membership=bob.memberships.get(), place=late)
    with pytest.raises(Refused, match="no such role"):
        roles.change(by=alice, role=late.custom_role, name="Night", given=["Start"])


def test_a_role_is_given_as_it_is_now(alice, bob, erin, alices) -> None:
    """It grew since the page of who may give less was drawn."""
    night = roles.create(by=alice, tenant=alices, name="Night", given=["Start"])
    late = Place(Role.CUSTOM, TenantRole.objects.get(pk=night.pk))
    roles.change(by=alice, role=night, name="Night", given=["Start", "Remove"])
    bob.memberships.update(role=Role.READER)
    with pytest.raises(NotPermitted, match="Delete machines"):
        team.change(by=erin, membership=bob.memberships.get(), place=late)
