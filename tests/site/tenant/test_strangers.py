"""Who sees what: a stranger meets 404 on every address and method, an operator has nothing here."""

from __future__ import annotations

import pytest
from django.urls import reverse

MACHINE_PAGES = (
    "machine",
    "machine-activity",
    "machine-operate",
    "machine-delete",
    "machine-resume",
    "machine-connect",
)
SUBSCRIPTION_PAGES = ("subscription", "subscription-retry")
METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
OPEN_PAGES = (
    "overview",
    "machines",
    "machine-new",
    "plans",
    "subscriptions",
    "activity",
    "account",
)


def object_urls(machine):
    yield from (reverse(name, args=[machine.pk]) for name in MACHINE_PAGES)
    yield from (reverse(name, args=[machine.subscription_id]) for name in SUBSCRIPTION_PAGES)


@pytest.mark.parametrize("method", METHODS)
def test_a_stranger_meets_404_everywhere(charlie, machine, sign_in, method) -> None:
    browser = sign_in(charlie)
    for url in object_urls(machine):
        assert getattr(browser, method)(url).status_code == 404, url
        assert getattr(browser, method)(url, headers={"HX-Request": "true"}).status_code == 404


def test_an_operator_is_a_stranger_too(olga, machine, sign_in) -> None:
    browser = sign_in(olga)
    assert {browser.get(url).status_code for url in object_urls(machine)} == {404}


def test_a_teammate_sees_what_alice_sees(bob, machine, sign_in) -> None:
    browser = sign_in(bob)
    assert "web-01" in browser.get(reverse("machines")).text
    assert browser.get(reverse("machine", args=[machine.pk])).status_code == 200
    assert browser.get(reverse("subscription", args=[machine.subscription_id])).status_code == 200


def test_a_stranger_finds_nothing_in_lists(charlie, machine, as_alice, sign_in) -> None:
    as_alice.post(reverse("machine-operate", args=[machine.pk]), {"verb": "stop"})
    browser = sign_in(charlie)
    for name in OPEN_PAGES:
        assert "web-01" not in browser.get(reverse(name)).text
    asked = f"{reverse('machines')}?subscription={machine.subscription_id}"
    assert "web-01" not in browser.get(asked).text
    asked = f"{reverse('activity')}?subscription={machine.subscription_id}"
    assert "web-01" not in browser.get(asked).text


@pytest.mark.parametrize("name", OPEN_PAGES)
def test_an_operator_belongs_to_no_tenant_and_pages_say_so(olga, plan, sign_in, name) -> None:
    page = sign_in(olga).get(reverse(name))
    assert page.status_code == 200
    if name in ("overview", "plans", "account"):
        assert "belong" in page.text
    assert reverse("plan-subscribe", args=[plan.pk]) not in page.text


def test_nobody_sees_pages_without_signing_in(db, client) -> None:
    for name in OPEN_PAGES:
        answer = client.get(reverse(name))
        assert answer.status_code == 302
        assert answer.url.startswith(reverse("account_login"))


def test_a_fragment_asked_for_after_signing_out_reloads_its_page(db, client) -> None:
    answer = client.get(reverse("machines"), headers={"HX-Request": "true"})
    assert answer.headers["HX-Refresh"] == "true"


def test_what_a_person_sees_is_kept_by_no_cache(as_alice) -> None:
    assert "no-store" in as_alice.get(reverse("overview")).headers["Cache-Control"]


def test_every_post_wants_its_token(alice, machine) -> None:
    from django.test import Client

    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    answer = browser.post(reverse("machine-operate", args=[machine.pk]), {"verb": "stop"})
    assert answer.status_code == 403
    assert "out of date" in answer.text
