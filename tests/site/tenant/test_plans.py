"""Plans and subscriptions: subscribing, watching it get ready, trying again."""

from __future__ import annotations

import pytest
from django.urls import reverse

from plans.models import Access, Plan, Provisioning, Subscription
from tests.factories.fabric import make_machine, make_plan


def subscribe_url(plan) -> str:
    return reverse("plan-subscribe", args=[plan.pk])


def test_public_plans_say_what_they_hold(as_alice, plan) -> None:
    page = as_alice.get(reverse("plans"))
    for told in ("Starter", "40 GB", "500 GB", "Ubuntu 24.04", "front", subscribe_url(plan)):
        assert told in page.text


@pytest.mark.parametrize("access", [Access.PRIVATE, Access.DECOMMISSIONED])
def test_other_plans_do_not_exist_here(as_alice, plan, access) -> None:
    Plan.objects.update(access=access)
    assert "No plans on offer" in as_alice.get(reverse("plans")).text
    assert as_alice.post(subscribe_url(plan)).status_code == 404


def test_subscribing_begins_at_once_and_is_watched(as_alice, plan, alices) -> None:
    answer = as_alice.post(subscribe_url(plan), {"tenant": alices.pk, "name": "Mine"})
    subscription = Subscription.objects.get()
    assert answer.url == reverse("subscription", args=[subscription.pk])
    page = as_alice.get(answer.url)
    assert "Getting ready" in page.text
    assert 'hx-trigger="katal:changed from:body"' in page.text
    assert "data-pulse=" in page.text
    Subscription.objects.update(provisioning=Provisioning.IN_SYNC)
    fragment = as_alice.get(answer.url, headers={"HX-Request": "true"})
    assert "Getting ready" not in fragment.text
    watched = f"{answer.url}?seen={page.context['mark']}"
    whole = as_alice.get(watched, headers={"HX-Request": "true"})
    assert whole.headers["HX-Refresh"] == "true"  # the button *New machine* comes with the page


def test_subscribing_twice_is_refused(as_alice, plan, subscription, alices) -> None:
    page = as_alice.post(subscribe_url(plan), {"tenant": alices.pk})
    assert "already" in page.context["form"].non_field_errors()[0]


def test_nobody_subscribes_for_a_strangers_tenant(charlie, plan, alices, sign_in) -> None:
    page = sign_in(charlie).post(subscribe_url(plan), {"tenant": alices.pk})
    assert page.context["form"].errors["tenant"]
    assert not Subscription.objects.exists()


def test_out_of_sync_says_why_and_can_be_retried(as_alice, subscription) -> None:
    Subscription.objects.update(provisioning=Provisioning.OUT_OF_SYNC, problem="The cloud is away.")
    url = reverse("subscription", args=[subscription.pk])
    retry = reverse("subscription-retry", args=[subscription.pk])
    page = as_alice.get(url)
    assert "The cloud is away." in page.text
    assert retry in page.text
    assert as_alice.post(retry).url == url
    assert Subscription.objects.get().provisioning == Provisioning.SYNCING


def test_lists_cost_the_same_for_many(
    as_alice, alices, plan, subscription, django_assert_max_num_queries
) -> None:
    from tests.factories.fabric import make_subscription

    for n in range(5):
        other = make_plan(plan.offering.cloud, f"Plan {n}")
        make_machine(make_subscription(alices, other), f"m-{n}")
    for name, most in (("overview", 14), ("subscriptions", 12), ("plans", 14)):
        with django_assert_max_num_queries(most):
            assert as_alice.get(reverse(name)).status_code == 200
