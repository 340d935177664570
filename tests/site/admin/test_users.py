"""Users: made by an operator, with a plan if there is one, even a private one."""

from __future__ import annotations

import pytest

from plans.models import Access, Plan, Provisioning, Subscription
from tenants.models import User
from tests.factories import fabric as rows
from tests.people import PASSWORD


def test_a_new_user_holds_a_private_plan(site, fake, plan) -> None:
    Plan.objects.update(access=Access.PRIVATE)
    response = site.post(
        "/users/new/", {"email": "Dora@Example.net", "password": PASSWORD, "plan": plan.pk}
    )
    dora = User.objects.get(email="dora@example.net")
    assert response.url == f"/users/{dora.pk}/"
    assert dora.check_password(PASSWORD)
    held = Subscription.objects.visible_to(dora).get()
    assert (held.plan, held.provisioning) == (plan, Provisioning.SYNCING)


def test_a_user_needs_no_plan(site) -> None:
    site.post("/users/new/", {"email": "dora@example.net", "password": PASSWORD})
    assert User.objects.filter(email="dora@example.net").exists()


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": "alice@example.net"}, "email"),
        ({"password": "12345678"}, "password"),
        ({"password": ""}, "password"),
    ],
)
def test_why_no_user_was_made_is_said_at_the_field(site, alice, typed, field) -> None:
    response = site.post("/users/new/", {"email": "dora@example.net", "password": PASSWORD} | typed)
    assert list(response.context["form"].errors) == [field]
    assert PASSWORD not in response.content.decode()


def test_plans_without_quota_or_withdrawn_are_not_on_offer(site, plan, olga) -> None:
    from plans.actions import plans

    plans.create(by=olga, name="Draft", service_keys=["vmclouds"])
    assert [row.pk for row in offered(site)] == [plan.pk]
    Plan.objects.update(access=Access.DECOMMISSIONED)
    assert offered(site) == []


def offered(site) -> list[Plan]:
    return list(site.get("/users/new/").context["form"].fields["plan"].queryset)


def test_without_javascript_the_server_makes_a_password(site) -> None:
    response = site.post("/users/new/", {"email": "dora@example.net", "generate": "1"})
    form = response.context["form"]
    assert form.errors == {}
    assert form["email"].value() == "dora@example.net"
    assert len(form["password"].value()) >= 16
    assert form["password"].value() in response.content.decode()
    assert not User.objects.filter(email="dora@example.net").exists()


def test_the_list_tells_operators_from_tenants_and_counts(site, subscription) -> None:
    shown = {row.email: row.subscriptions_now for row in site.get("/users/").context["page"].rows}
    assert shown == {"alice@example.net": 1, "olga@example.net": 0}
    rows_ = site.get("/users/?kind=operator").context["page"].rows
    assert [row.email for row in rows_] == ["olga@example.net"]


def test_a_user_is_found_by_name_or_address(site, alice, charlie) -> None:
    found = site.get("/users/?q=CHARL").context["page"].rows
    assert [row.email for row in found] == ["charlie@example.net"]
    assert "Nothing fits the filter" in site.get("/users/?q=nobody").content.decode()


def test_a_user_page_shows_tenants_and_subscriptions(site, subscription, alice) -> None:
    page = site.get(f"/users/{alice.pk}/").content.decode()
    for word in ("Alice Ltd", "Tenant Admin", "Starter", "In sync"):
        assert word in page


def test_one_more_subscription_is_added(site, fake, subscription, alice, cloud) -> None:
    more = rows.make_plan(cloud, "Business")
    there = f"/users/{alice.pk}/subscribe/"
    response = site.post(there, {"tenant": subscription.tenant_id, "plan": more.pk})
    held = Subscription.objects.get(plan=more)
    assert response.url == f"/subscriptions/{held.pk}/"
    again = site.post(there, {"tenant": subscription.tenant_id, "plan": more.pk})
    assert list(again.context["form"].errors) == ["plan"]


def test_only_the_users_own_tenants_can_be_subscribed(site, charlie, alices, plan) -> None:
    response = site.post(f"/users/{charlie.pk}/subscribe/", {"tenant": alices.pk, "plan": plan.pk})
    assert list(response.context["form"].errors) == ["tenant"]
