"""Quick create: four fields, each refused at the field; a double click is one machine."""

from __future__ import annotations

import pytest
from django.urls import reverse

from fabric.models import Machine, Template
from plans.models import Provisioning, Subscription
from tests.factories.fabric import make_machine, make_plan, make_subscription
from tests.people import PASSWORD

FIELDS = ("subscription", "name", "template", "password")


@pytest.fixture
def order(subscription) -> dict[str, str]:
    """Return what a person sends with everything filled in."""
    return {
        "subscription": str(subscription.pk),
        "name": "web-02",
        "template": str(subscription.plan.offering.templates.get().pk),
        "password": PASSWORD,
        "request_key": "6a2c63f0-3ac7-4a08-8a83-1f9e6e3f7a10",
    }


def errors(page) -> dict[str, list[str]]:
    return dict(page.context["form"].errors)


def test_it_is_on_its_way_at_once(as_alice, order) -> None:
    answer = as_alice.post(reverse("machine-quick"), order)
    made = Machine.objects.get(name="web-02")
    assert answer.url == reverse("machine", args=[made.pk])
    page = as_alice.get(answer.url)
    assert "Deploy web-02" in page.text
    assert PASSWORD not in page.text


def test_sent_twice_it_is_one_machine(as_alice, order) -> None:
    first = as_alice.post(reverse("machine-quick"), order)
    second = as_alice.post(reverse("machine-quick"), order)
    assert first.url == second.url
    assert Machine.objects.filter(name="web-02").count() == 1


@pytest.mark.parametrize("missing", ["name", "template", "password"])
def test_each_empty_field_is_refused_at_the_field(as_alice, order, missing) -> None:
    page = as_alice.post(reverse("machine-quick"), order | {missing: ""})
    assert list(errors(page)) == [missing]
    assert f'href="#id_{missing}"' in page.text, "the summary leads to the field"
    assert not Machine.objects.exists()


def test_all_empty_are_refused_together(as_alice, subscription) -> None:
    page = as_alice.post(reverse("machine-quick"), {"request_key": "", "name": ""})
    assert set(FIELDS) <= set(errors(page))


@pytest.mark.parametrize("name", ["-web", "web_1", "wéb", "two words", "12345", "x" * 64])
def test_a_bad_name_says_what_is_wrong(as_alice, order, name) -> None:
    page = as_alice.post(reverse("machine-quick"), order | {"name": name})
    assert list(errors(page)) == ["name"]
    assert PASSWORD not in page.text


def test_windows_takes_fifteen_characters(as_alice, order) -> None:
    Template.objects.update(os_type="Windows")
    page = as_alice.post(reverse("machine-quick"), order | {"name": "a" * 16})
    assert "15" in errors(page)["name"][0]
    assert as_alice.post(reverse("machine-quick"), order | {"name": "a" * 15}).status_code == 302


@pytest.mark.parametrize("password", ["short1!", "onlysmallletters", "small4567"])
def test_a_weak_password_says_what_is_missing(as_alice, order, password) -> None:
    page = as_alice.post(reverse("machine-quick"), order | {"password": password})
    assert list(errors(page)) == ["password"]


def test_what_the_action_refuses_stands_in_the_form(as_alice, order, subscription) -> None:
    make_machine(subscription, "web-02")
    page = as_alice.post(reverse("machine-quick"), order)
    assert "already" in errors(page)["name"][0]


def test_quota_is_shown_before_and_refused_after(as_alice, order, subscription) -> None:
    template = order["template"]
    url = f"{reverse('machine-quick')}?subscription={subscription.pk}&template={template}"
    fragment = as_alice.get(url, headers={"HX-Request": "true"})
    assert "9 left" in fragment.text
    subscription.plan.offering.__class__.objects.update(machines=0)
    assert "over the limit" in as_alice.get(url, headers={"HX-Request": "true"}).text
    page = as_alice.post(reverse("machine-quick"), order)
    assert "limit" in page.context["form"].non_field_errors()[0]


def test_templates_are_the_plans_own(as_alice, order, alices, plan) -> None:
    bare = make_plan(plan.offering.cloud, "Bare")
    bare.offering.templates.clear()
    second = make_subscription(alices, bare)
    page = as_alice.post(reverse("machine-quick"), order | {"subscription": str(second.pk)})
    assert list(errors(page)) == ["template"]


def test_a_strangers_subscription_is_not_a_choice(charlie, order, plan, sign_in) -> None:
    browser = sign_in(charlie)
    make_subscription(charlie.tenants.get(), plan)
    page = browser.post(reverse("machine-quick"), order)
    assert list(errors(page)) == ["subscription"]
    assert not Machine.objects.exists()


def test_without_a_subscription_it_leads_to_plans(as_alice, plan) -> None:
    page = as_alice.get(reverse("machine-quick"))
    assert "subscribe to a plan" in page.text
    assert reverse("plans") in page.text


def test_while_none_is_ready_it_leads_to_subscriptions(as_alice, subscription) -> None:
    Subscription.objects.update(provisioning=Provisioning.SYNCING)
    page = as_alice.get(reverse("machine-quick"))
    assert "No subscription is ready" in page.text


def test_the_only_template_is_chosen_and_says_how_long_it_takes(as_alice, subscription) -> None:
    page = as_alice.get(reverse("machine-quick"))
    assert page.context["form"].wanted_template == Template.objects.get()
    assert "is not known yet" in page.text
