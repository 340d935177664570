"""Every page of the admin site, against everybody who is no operator."""

from __future__ import annotations

import uuid

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.converters import IntConverter

from fabric.spf.actions import create_account
from fabric.vmm.actions import servers
from plans.models import AddOn, Plan
from tests.factories.fabric import make_machine
from tests.people import PASSWORD

OPEN = {"setup", "theme"}


def routes() -> list[str]:
    """Return the names of all pages of our own, so that a new one is walked too."""

    def walk(patterns):
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns)
            elif isinstance(pattern, URLPattern):
                yield pattern

    found = walk(get_resolver("portal.urls.admin").url_patterns)
    return sorted(
        pattern.name
        for pattern in found
        if pattern.callback.__module__.startswith("portal.") and pattern.name not in OPEN
        if not pattern.name.startswith("account_")
    )


def address(name: str, pk: uuid.UUID | int | None = None) -> str:
    """Return a page's address, about the object with this id where it is about one."""
    found, _pattern, _defaults, converters = get_resolver().reverse_dict.getlist(name)[0]
    _url, keys = found[0]
    nobody = 0 if isinstance(converters.get("pk"), IntConverter) else uuid.uuid4()
    about = {"pk": pk or nobody}
    return reverse(name, kwargs={key: about.get(key, "x") for key in keys})


def first(name: str) -> str:
    return name.partition("-")[0]


@pytest.fixture
def objects(subscription, cloud, olga) -> dict[str, uuid.UUID | int]:
    """Return an object for each page that is about one, by the first word of the page's name."""
    from tenants.actions import operations

    return {
        "provider": cloud.stamp.provider_id,
        "stamp": cloud.stamp.provider_id,
        "stamp-edit": cloud.stamp.pk,
        "cloud": cloud.pk,
        "plan": subscription.plan_id,
        "subscription": subscription.pk,
        "machine": make_machine(subscription).pk,
        "user": subscription.tenant.members.get().pk,
        "activity": operations.started("machine.deploy", by=olga),
        "add": AddOn.objects.create(name="More cores", cores=4).pk,
        "session": UserSession.objects.create(
            user=olga, session_key="elsewhere", ip="127.0.0.1", user_agent="Other browser"
        ).pk,
    }


def test_the_walk_finds_the_pages() -> None:
    assert {"overview", "vmclouds", "plan-quotas", "user-new", "activity-entry"} <= set(routes())


@pytest.mark.parametrize("verb", ["get", "post"])
@pytest.mark.parametrize("name", routes())
def test_a_tenant_is_refused(name, verb, as_alice, objects) -> None:
    response = getattr(as_alice, verb)(address(name, objects.get(first(name))))
    assert response.status_code == 403


@pytest.mark.parametrize("name", routes())
def test_a_visitor_is_led_to_the_sign_in_page(name, visitor) -> None:
    there = address(name)
    response = visitor.get(there)
    assert (response.status_code, response.url) == (302, f"/account/login/?next={there}")
    assert visitor.post(there).status_code == 302


# Pages of the fabric that are there without a VMM server.
WITHOUT_SERVER = {
    "fabric-spf-account": lambda: create_account("portal", "a-long-password").pk,
    "fabric-server": lambda: servers.ensure("vmm.example.net").pk,
}
POSTS_ONLY = {
    "provider-refresh",
    "subscription-retry",
    "subscription-delete-resume",
    "fabric-spf-account-do",
    "session-end",
}


@pytest.mark.parametrize("name", routes())
def test_an_operator_gets_every_page(name, site, objects) -> None:
    made = [make for start, make in WITHOUT_SERVER.items() if name.startswith(start)]
    pk = made[0]() if made else objects.get("stamp-edit" if name == "stamp-edit" else first(name))
    response = site.get(address(name, pk))
    status = 405 if name in POSTS_ONLY else 302 if name == "provider-check" else 200
    assert response.status_code == status
    assert response.headers["Cache-Control"].count("no-store") == 1
    if status == 200:
        assert b"<h1>" in response.content
        assert b"style=" not in response.content
        assert b"<script>" not in response.content


@pytest.mark.parametrize("name", [name for name in routes() if name.split("-")[0] in "provider"])
def test_what_is_not_there_is_not_found(name, site) -> None:
    if name != "provider-register":
        assert site.post(address(name)).status_code == 404


def test_a_tenant_is_refused_at_the_sign_in_page(visitor, alice) -> None:
    response = visitor.post("/account/login/", {"login": alice.email, "password": PASSWORD})
    assert "tenant" in response.content.decode()
    assert "_auth_user_id" not in visitor.session


def test_an_operator_signs_in(visitor, olga) -> None:
    response = visitor.post("/account/login/", {"login": olga.email, "password": PASSWORD})
    assert (response.status_code, response.url) == (302, "/")


def test_a_tenant_with_a_session_may_sign_out_and_nothing_else(as_alice) -> None:
    assert as_alice.get("/account/password/change/").status_code == 403
    assert as_alice.post("/account/logout/").status_code == 302
    assert "_auth_user_id" not in as_alice.session


def test_a_fragment_asked_for_without_a_session_reloads_its_page(visitor) -> None:
    response = visitor.get("/vm-clouds/", headers={"HX-Request": "true"})
    assert response.headers["HX-Refresh"] == "true"


def test_nobody_signs_up_here(visitor) -> None:
    visitor.post(
        "/account/signup/",
        {"email": "x@example.net", "password1": PASSWORD, "password2": PASSWORD},
    )
    assert not Plan.objects.exists()
    assert "_auth_user_id" not in visitor.session


def test_before_set_up_every_page_leads_to_it(db) -> None:
    for name in [*routes(), "account_login", "account_signup"]:
        response = Client().get(address(name))
        assert (response.status_code, response.url) == (302, "/set-up/"), name
