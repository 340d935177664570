"""Invitations by mail: who can open a link, what strangers learn, what it cannot be used for."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from fabric.models import MachineGrant
from tenants.models import Invitation, Role, User
from tests.people import PASSWORD, make_user

ERIN = "erin@example.net"


@pytest.fixture(autouse=True)
def _no_pauses():
    cache.clear()


def invite(client, email=ERIN, **fields) -> str:
    """Invite somebody; return the path of the mailed link."""
    values = {"email": email, "role": Role.READER, "reach": "all", **fields}
    answer = client.post(reverse("team-invite"), values)
    assert answer.status_code == 302, answer.context["form"].errors
    return mailed()


def mailed() -> str:
    return re.search(r"https?://[^/]+(/invitations/\S+)", mail.outbox[-1].body)[1]


def test_the_mail_says_who_invites_whom_to_what(as_alice, alice, alices) -> None:
    invite(as_alice)
    sent = mail.outbox[-1]
    assert sent.to == [ERIN]
    assert alices.name in sent.subject
    assert alice.email in sent.body
    assert ERIN in as_alice.get(reverse("team")).text


def test_somebody_new_opens_an_account_and_is_in(as_alice, alices, machine) -> None:
    link = invite(
        as_alice,
        role=Role.APPLICATION,
        reach="chosen",
        machines=[machine.pk],
        narrowed="on",
        rights=["Start"],
    )
    browser = Client()
    page = browser.get(link)
    assert alices.name in page.text
    assert "no-cache" in page.headers["Cache-Control"]
    weak = browser.post(link, {"name": "Erin", "password": "erin"})
    assert weak.context["form"].errors["password"]
    before = browser.session.session_key
    answer = browser.post(link, {"name": "Erin", "password": PASSWORD}, follow=True)
    assert answer.status_code == 200
    assert browser.session.session_key != before  # nobody fixed it beforehand
    erin = User.objects.get(email=ERIN)
    assert str(erin.pk) == browser.session["_auth_user_id"]
    place = erin.memberships.get()
    assert (place.tenant, place.role, place.rights) == (alices, Role.APPLICATION, ["Start"])
    assert MachineGrant.objects.get().machine == machine
    assert browser.get(reverse("machine", args=[machine.pk])).status_code == 200


def test_a_link_works_once(as_alice) -> None:
    link = invite(as_alice)
    Client().post(link, {"password": PASSWORD})
    for browser in (Client(), as_alice):
        assert browser.get(link).status_code == 404
        assert browser.post(link, {"password": PASSWORD}).status_code == 404
    assert User.objects.filter(email=ERIN).count() == 1


def test_an_existing_account_signs_in_and_comes_back(as_alice, alices) -> None:
    erin = make_user(ERIN)
    link = invite(as_alice)
    browser = Client()
    page = browser.get(link)
    assert "sign in" in page.text
    browser.post(link, {"password": "Another-Horse-8"})  # must not take the account over
    erin.refresh_from_db()
    assert erin.check_password(PASSWORD)
    assert not erin.memberships.exists()
    url = page.context["sign_in"]
    answer = browser.post(url, {"login": ERIN, "password": PASSWORD, "next": link})
    assert answer.url == link
    assert "Join the team" in browser.get(link).text
    assert browser.post(link, follow=True).status_code == 200
    assert erin.memberships.get().tenant == alices


def test_somebody_else_with_the_link_is_told_and_not_let_in(as_alice, charlie, sign_in) -> None:
    link = invite(as_alice)
    browser = sign_in(charlie)
    page = browser.get(link)
    assert "You are signed in as" in page.text
    assert "Sign out" in page.text
    browser.post(link)
    assert charlie.memberships.count() == 1
    assert Invitation.objects.get().accepted_at is None
    out = browser.post(reverse("account_logout"), {"next": link})
    assert out.url == link


def test_expired_withdrawn_and_unknown_links_look_the_same(as_alice) -> None:
    withdrawn = invite(as_alice)
    pk = Invitation.objects.get().pk
    as_alice.post(reverse("invitation-withdraw", args=[pk]))
    expired = invite(as_alice, "frank@example.net")
    Invitation.objects.filter(email="frank@example.net").update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    unknown = reverse("invitation", args=["x" * 43])
    answers = [Client().get(link) for link in (withdrawn, expired, unknown)]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1


def test_sent_again_the_new_link_works_and_the_old_is_void(as_alice) -> None:
    first = invite(as_alice)
    pk = Invitation.objects.get().pk
    as_alice.post(reverse("invitation-again", args=[pk]))
    second = mailed()
    assert Client().get(first).status_code == 404
    assert Client().get(second).status_code == 200
    hasty = as_alice.post(reverse("invitation-again", args=[pk]), follow=True)
    assert "wait a minute" in hasty.text
    assert len(mail.outbox) == 2


def test_a_mail_that_does_not_go_out_is_told(as_alice, settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    page = as_alice.post(
        reverse("team-invite"), {"email": ERIN, "role": "reader", "reach": "all"}, follow=True
    )
    assert "could not be sent" in page.text
    assert Invitation.objects.count() == 1


def test_who_is_there_is_told_to_the_team_only(as_alice, bob, charlie, sign_in) -> None:
    member = as_alice.post(
        reverse("team-invite"), {"email": bob.email, "role": "reader", "reach": "all"}
    )
    assert "on the team already" in member.text
    invite(as_alice, charlie.email)  # has an account: the page says nothing of it
    answer = as_alice.get(reverse("team")).text
    assert charlie.email in answer


def test_only_the_team_touches_its_invitations(as_alice, bob, charlie, sign_in) -> None:
    invite(as_alice)
    pk = Invitation.objects.get().pk
    for name in ("invitation-again", "invitation-withdraw"):
        assert sign_in(charlie).post(reverse(name, args=[pk])).status_code == 404
        assert sign_in(bob).post(reverse(name, args=[pk])).status_code == 403
        assert as_alice.get(reverse(name, args=[pk])).status_code == 405
    assert Invitation.objects.get().revoked_at is None


@pytest.mark.parametrize("email", ["", "x", "a@b", "a" * 300 + "@example.net", "a@example.net\0"])
def test_an_address_that_is_none_is_refused(as_alice, email) -> None:
    page = as_alice.post(reverse("team-invite"), {"email": email, "role": "reader", "reach": "all"})
    assert page.context["form"].errors["email"]
    assert not mail.outbox


def test_the_link_leads_nowhere_else(as_alice, settings) -> None:
    settings.TENANT_SITE_URL = "https://cloud.example.net/"
    invite(as_alice)
    body = mail.outbox[-1].body
    assert re.findall(r"https?://\S+?/", body) == ["https://cloud.example.net/"]
    make_user("frank@example.net")
    url = f"{reverse('account_login')}?next=https://evil.example/"
    form = {"login": "frank@example.net", "password": PASSWORD, "next": "https://evil.example/"}
    assert Client().post(url, form).url == "/"
