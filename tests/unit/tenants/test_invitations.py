"""Invitations: one link, one person, one time, seven days."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone

from tenants.actions import api_keys, invitations
from tenants.authority import Place
from tenants.errors import Conflicting, NotPermitted, Refused
from tenants.models import Invitation, Membership, Operation, Role, User
from tests.people import PASSWORD, join, make_user

ERIN = "erin@example.net"


def invite(by, tenant, email=ERIN, place=Place(Role.READER)):  # noqa: B008 - frozen
    return invitations.invite(by=by, tenant=tenant, email=email, place=place)


def test_the_invited_address_joins_once(alice, alices) -> None:
    _invitation, token = invite(alice, alices, "Erin@Example.net")
    erin = make_user(ERIN)
    membership, _used = invitations.accept(by=erin, token=token)
    assert (membership.tenant, membership.role) == (alices, Role.READER)
    with pytest.raises(Refused, match="used up"):
        invitations.accept(by=erin, token=token)


def test_a_token_is_kept_as_a_digest_only(alice, alices) -> None:
    _invitation, token = invite(alice, alices)
    assert token not in str([*Invitation.objects.values(), *Operation.objects.values()])


def test_another_person_with_the_link_does_not_get_in(alice, alices, charlie) -> None:
    _invitation, token = invite(alice, alices)
    with pytest.raises(NotPermitted, match="another address"):
        invitations.accept(by=charlie, token=token)
    EmailAddress.objects.create(user=charlie, email=ERIN, verified=False)
    with pytest.raises(NotPermitted, match="another address"):
        invitations.accept(by=charlie, token=token)
    EmailAddress.objects.filter(email=ERIN).update(verified=True)
    invitations.accept(by=charlie, token=token)


def test_an_expired_or_withdrawn_link_opens_nothing(alice, alices) -> None:
    invitation, token = invite(alice, alices)
    erin = make_user(ERIN)
    invitations.revoke(by=alice, invitation=invitation)
    with pytest.raises(Refused):
        invitations.accept(by=erin, token=token)
    _again, token = invite(alice, alices)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert invitations.find(token) is None
    with pytest.raises(Refused):
        invitations.accept(by=erin, token=token)


def test_sending_again_voids_the_first_link(alice, alices) -> None:
    invitation, first = invite(alice, alices)
    second = invitations.send_again(by=alice, invitation=invitation)
    assert invitations.find(first) is None
    assert invitations.find(second) == invitation


@pytest.mark.parametrize("nonsense", ["", "x", "\0", "é" * 500, "\udc80"])
def test_nonsense_is_no_token(db, nonsense) -> None:
    assert invitations.find(nonsense) is None


def test_nobody_invites_above_their_own_place(bob, dora, charlie, alices) -> None:
    for by in (bob, dora, charlie):
        with pytest.raises(NotPermitted):
            invite(by, alices)
    Membership.objects.filter(user=bob).update(role=Role.READER)
    with pytest.raises(NotPermitted):
        invite(bob, alices, place=Place(Role.ADMIN))


def test_members_and_the_invited_are_not_invited_twice(alice, bob, alices) -> None:
    with pytest.raises(Conflicting, match="on the team"):
        invite(alice, alices, bob.email.upper())
    invite(alice, alices)
    with pytest.raises(Conflicting, match="invited already"):
        invite(alice, alices)
    Invitation.objects.update(expires_at=timezone.now())
    invite(alice, alices)


def test_a_new_person_brings_the_invited_address(alice, alices) -> None:
    _invitation, token = invite(alice, alices)
    with pytest.raises(Refused):
        invitations.open_account(token=token, name="Erin", password="short")
    assert not User.objects.filter(email=ERIN).exists()
    erin = invitations.open_account(token=token, name="Erin", password=PASSWORD)
    invitations.accept(by=erin, token=token)
    assert list(erin.tenants.all()) == [alices]
    with pytest.raises(Refused):
        invitations.open_account(token=token, name="Eve", password=PASSWORD)


def test_an_existing_account_is_not_taken_over(alice, alices) -> None:
    make_user(ERIN)
    _invitation, token = invite(alice, alices)
    with pytest.raises(Conflicting, match="sign in"):
        invitations.open_account(token=token, name="Eve", password=PASSWORD)


def test_a_key_accepts_nothing(alice, alices, charlie) -> None:
    _invitation, token = invite(alice, alices, charlie.email)
    charlie.key, _text = api_keys.issue(
        by=charlie, tenant=charlie.tenants.get(), name="k", scopes=["read"], days=1
    )
    with pytest.raises(NotPermitted):
        invitations.accept(by=charlie, token=token)


def test_a_link_gives_no_more_than_who_sent_it_may_give(alice, alices) -> None:
    """An admin who will be one no more must not come back by a link of their own."""
    eve = join(alices, make_user("eve@example.net"), Role.ADMIN)
    _above, token = invite(eve, alices, place=Place(Role.ADMIN))
    _below, other = invite(eve, alices, "frank@example.net")
    Membership.objects.filter(user=eve).update(role=Role.APPLICATION)
    erin = make_user(ERIN)
    with pytest.raises(Refused, match="invited you"):
        invitations.accept(by=erin, token=token)
    with pytest.raises(Refused, match="invited you"):
        invitations.accept(by=make_user("frank@example.net"), token=other)
    again = invitations.send_again(by=alice, invitation=Invitation.objects.get(email=ERIN))
    invitations.accept(by=erin, token=again)
    assert Membership.objects.get(user=erin).role == Role.ADMIN


def test_an_account_that_is_gone_or_closed_vouches_for_nobody(alice, alices) -> None:
    _invitation, token = invite(alice, alices)
    erin = make_user(ERIN)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    with pytest.raises(Refused, match="invited you"):
        invitations.accept(by=erin, token=token)
    Invitation.objects.update(invited_by=None)
    with pytest.raises(Refused, match="invited you"):
        invitations.accept(by=erin, token=token)


def test_nobody_mails_on_and_on(alice, alices, monkeypatch) -> None:
    """Withdrawn invitations count: each of them was a mail to somebody."""
    monkeypatch.setattr(invitations, "MOST_A_DAY", 2)
    invitation, _token = invite(alice, alices)
    invitations.revoke(by=alice, invitation=invitation)
    invitation, _token = invite(alice, alices)
    with pytest.raises(Refused, match="go on tomorrow"):
        invitations.send_again(by=alice, invitation=invitation)
    with pytest.raises(Refused, match="go on tomorrow"):
        invite(alice, alices, "frank@example.net")
    Operation.objects.update(at=timezone.now() - timedelta(days=2))
    invite(alice, alices, "frank@example.net")
