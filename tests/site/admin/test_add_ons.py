"""Add-ons on the admin site, and what is said of plans."""

from __future__ import annotations

import pytest

from plans.models import Access, AddOn, Plan, SubscriptionAddOn
from tenants.models import Operation


def typed(plan: Plan | None = None, **changes: object) -> dict[str, object]:
    plans = [plan.pk] if plan else []
    return {"name": "Two more", "machines": 2, "memory_mb": 4, "most": 5, "plans": plans} | changes


@pytest.fixture
def add_on(plan) -> AddOn:
    made = AddOn.objects.create(name="Two more", machines=2, memory_mb=4096, most=5)
    made.plans.add(plan)
    return made


def test_a_new_add_on_is_private_and_memory_is_typed_in_gb(site, plan) -> None:
    response = site.post("/add-ons/new/", typed(plan))
    made = AddOn.objects.get()
    assert response.url == f"/add-ons/{made.pk}/"
    assert made.access == Access.PRIVATE
    assert made.amounts == {"machines": 2, "cores": 0, "memory_mb": 4096, "storage_gb": 0}
    page = site.get(response.url).content.decode()
    for told in ("+2 machines", "+4 GB memory", "Starter", "The add-on is private"):
        assert told in page


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"machines": "", "memory_mb": ""}, "machines"),
        ({"machines": "-1"}, "machines"),
        ({"cores": "many"}, "cores"),
        ({"most": "0"}, "most"),
        ({"plans": ["x"]}, "plans"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(site, plan, changes, field) -> None:
    response = site.post("/add-ons/new/", typed(plan, **changes))
    assert list(response.context["form"].errors) == [field]
    assert not AddOn.objects.exists()


def test_names_are_used_once(site, add_on, plan) -> None:
    response = site.post("/add-ons/new/", typed(plan, name="two MORE"))
    assert list(response.context["form"].errors) == ["name"]


def test_it_is_made_public_only_with_a_plan(site, add_on) -> None:
    there = f"/add-ons/{add_on.pk}/access/"
    add_on.plans.clear()
    page = site.post(there, {"access": "public"}).content.decode()
    assert "Choose a plan for it first" in page
    add_on.plans.add(Plan.objects.get())
    assert site.post(there, {"access": "public"}).url == f"/add-ons/{add_on.pk}/"
    add_on.refresh_from_db()
    assert add_on.access == Access.PUBLIC


def test_what_it_adds_stays_while_somebody_has_it(site, add_on, plan, subscription) -> None:
    SubscriptionAddOn.objects.create(subscription=subscription, add_on=add_on)
    there = f"/add-ons/{add_on.pk}/edit/"
    page = site.post(there, typed(plan, machines=1)).content.decode()
    assert "Make a new add-on instead" in page
    assert site.post(there, typed(plan, name="Plus", price_text="€ 4")).status_code == 302
    add_on.refresh_from_db()
    assert (add_on.name, add_on.machines, add_on.price_text) == ("Plus", 2, "€ 4")
    shown = site.get(f"/add-ons/{add_on.pk}/").content.decode()
    assert subscription.name in shown
    page = site.get(f"/subscriptions/{subscription.pk}/").content.decode()
    assert "1 × Plus" in page
    assert "of 12" in page


def test_the_list_is_found_by_name_and_access(site, add_on) -> None:
    assert "Two more" in site.get("/add-ons/").content.decode()
    assert "Two more" not in site.get("/add-ons/?access=public").content.decode()
    assert "Two more" in site.get("/add-ons/?q=two").content.decode()


def test_a_plan_says_more_and_its_code_is_not_in_the_log(site, plan) -> None:
    there = f"/plans/{plan.pk}/edit/"
    form = {"name": "Starter", "highlights": "Fast\nSafe", "price_text": "€ 9"}
    assert site.post(there, form | {"invitation_code": "short"}).status_code == 200
    assert site.post(there, form | {"invitation_code": "early-birds"}).url == f"/plans/{plan.pk}/"
    page = site.get(f"/plans/{plan.pk}/").content.decode()
    for told in ("Fast · Safe", "€ 9", "early-birds"):
        assert told in page
    assert "early-birds" not in str(list(Operation.objects.values()))


def test_subscriptions_that_were_left_are_out_of_the_list_but_can_be_asked_for(
    site, subscription
) -> None:
    type(subscription).objects.update(state="deleted")
    assert f"/subscriptions/{subscription.pk}/" not in site.get("/subscriptions/").content.decode()
    found = site.get("/subscriptions/?state=deleted").content.decode()
    assert f"/subscriptions/{subscription.pk}/" in found
    assert site.get(f"/subscriptions/{subscription.pk}/state/").status_code == 404
