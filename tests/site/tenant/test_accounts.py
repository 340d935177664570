"""Signing up, in, out; the person's own page; operators and the two sites."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.urls import reverse

from tenants.models import Operation, Role, User
from tests.people import PASSWORD

DORA = "dora@example.net"


def sign_up(client, email: str = DORA):
    form = {"email": email, "password1": PASSWORD, "password2": PASSWORD}
    return client.post(reverse("account_signup"), form)


def test_signing_up_brings_a_tenant_and_a_mail(db, client) -> None:
    answer = sign_up(client, "Dora@Example.net")
    assert answer.url == reverse("account_email_verification_sent")
    dora = User.objects.get(email=DORA)
    assert dora.memberships.get().role == Role.ADMIN
    told = Operation.objects.filter(action="user.signed_up")
    assert sorted(told.values_list("phase", flat=True)) == ["started", "succeeded"]
    assert PASSWORD not in str(list(told.values()))
    assert mail.outbox[0].to == [DORA]


def test_the_mailed_link_lets_her_in(db, client) -> None:
    sign_up(client)
    link = re.search(r"https?://[^/]+(/\S+)", mail.outbox[0].body)[1]
    page = client.get(link)
    assert DORA in page.text
    client.post(link)
    assert "First steps" in client.get(reverse("overview")).text


def test_before_the_link_nobody_gets_in(db, client) -> None:
    sign_up(client)
    client.post(reverse("account_login"), {"login": DORA, "password": PASSWORD})
    assert client.get(reverse("overview")).status_code == 302


def test_an_address_with_an_account_is_not_told_apart(alice, client) -> None:
    answer = sign_up(client, alice.email)
    assert answer.url == reverse("account_email_verification_sent")
    assert "has one already" in mail.outbox[0].body
    assert User.objects.count() == 1


def test_a_forgotten_password_is_set_anew(alice, client) -> None:
    client.post(reverse("account_reset_password"), {"email": alice.email})
    link = re.search(r"https?://[^/]+(/\S+)", mail.outbox[0].body)[1]
    page = client.get(link, follow=True)
    new = "Another-Horse-8"
    client.post(page.request["PATH_INFO"], {"password1": new, "password2": new})
    client.post(reverse("account_login"), {"login": alice.email, "password": new})
    assert client.get(reverse("overview")).status_code == 200


@pytest.mark.parametrize(
    "name", ["account_login", "account_signup", "account_reset_password", "account_logout"]
)
def test_pages_before_signing_in_are_ours(db, client, name) -> None:
    page = client.get(reverse(name), follow=True)
    assert page.status_code == 200
    assert "css/katal.css" in page.text


@pytest.mark.parametrize("name", ["account_change_password", "account_email", "account"])
def test_pages_of_the_account_stand_in_the_frame(as_alice, name) -> None:
    page = as_alice.get(reverse(name))
    assert page.status_code == 200
    assert 'aria-label="Main menu"' in page.text


def test_name_and_zone_are_kept_and_used(as_alice, alice, machine) -> None:
    as_alice.post(reverse("account"), {"name": "Alice M.", "time_zone": "Asia/Tokyo"})
    alice.refresh_from_db()
    assert (alice.name, alice.time_zone) == ("Alice M.", "Asia/Tokyo")
    assert "JST" in as_alice.get(reverse("account")).text


def test_the_browsers_zone_serves_until_one_is_set(as_alice, machine) -> None:
    as_alice.cookies["katal_zone"] = "Europe%2FMadrid"
    assert "CET" in as_alice.get(reverse("account")).text
    as_alice.cookies["katal_zone"] = "../../etc/passwd"
    assert as_alice.get(reverse("account")).status_code == 200


def test_an_unknown_zone_is_refused(as_alice) -> None:
    page = as_alice.post(reverse("account"), {"name": "", "time_zone": "Mars/Olympus"})
    assert page.context["form"].errors["time_zone"]


def test_the_theme_is_written_into_the_page(as_alice) -> None:
    answer = as_alice.post(reverse("theme"), {"theme": "dark", "next": "/machines/"})
    assert answer.url == "/machines/"
    assert 'data-theme="dark"' in as_alice.get(reverse("overview")).text
    answer = as_alice.post(reverse("theme"), {"theme": "", "next": "https://evil.example/"})
    assert answer.url == "/"
    assert "data-theme=" not in as_alice.get(reverse("overview")).text


def test_the_admin_site_has_no_sign_up(db, client, settings) -> None:
    settings.SITE = "admin"
    sign_up(client)
    assert not User.objects.exists()


def test_a_tenant_is_refused_at_the_admin_site(alice, client, settings) -> None:
    settings.SITE = "admin"
    form = {"login": alice.email, "password": PASSWORD}
    page = client.post(reverse("account_login"), form)
    assert "your account is a tenant" in page.text
    assert "_auth_user_id" not in client.session


def test_a_wrong_password_is_not_told_apart_at_the_admin_site(alice, client, settings) -> None:
    settings.SITE = "admin"
    page = client.post(reverse("account_login"), {"login": alice.email, "password": "wrong"})
    assert "tenant" not in page.text.split("</header>")[1]
