"""Subscriptions: what is wrong with one, Retry, and putting one on hold."""

from __future__ import annotations

import pytest

from fabric.access import operations_visible_to
from fabric.actions import subscriptions
from fabric.durable.states import LIVE, JobState
from fabric.models import Job, Machine
from plans.models import Provisioning, Subscription, SubscriptionState
from tenants.models import Phase
from tests.factories import fabric as rows


@pytest.fixture
def broken(subscription) -> Subscription:
    subscription.provisioning = Provisioning.OUT_OF_SYNC
    subscription.problem = "SPF answered 403."
    subscription.save()
    return subscription


def test_an_empty_list_says_how_subscriptions_come_about(site) -> None:
    page = site.get("/subscriptions/").content.decode()
    assert "No subscription yet" in page
    assert 'href="/users/new/"' in page


def test_the_list_is_narrowed_by_plan_state_and_provisioning(site, broken, cloud, charlie) -> None:
    other = rows.make_plan(cloud, "Business")
    theirs = rows.make_subscription(charlie.tenants.get(), other, state=SubscriptionState.SUSPENDED)
    for query, expected in (
        ("", {broken.pk, theirs.pk}),
        (f"plan={other.pk}", {theirs.pk}),
        ("state=suspended", {theirs.pk}),
        ("provisioning=out_of_sync", {broken.pk}),
        ("q=charlie", {theirs.pk}),
        (f"q={broken.pk}", {broken.pk}),
        ("state=nonsense&plan=nonsense", {broken.pk, theirs.pk}),
    ):
        page = site.get(f"/subscriptions/?{query}").context["page"]
        assert {row.pk for row in page.rows} == expected, query


def test_a_subscription_shows_quota_and_machines(site, subscription) -> None:
    rows.make_machine(subscription, "web-01")
    page = site.get(f"/subscriptions/{subscription.pk}/").content.decode()
    for word in ("web-01", "1 of 10", "1 GB of 40 GB", subscription.role_name, "Running"):
        assert word in page


def test_out_of_sync_shows_the_reason_and_retry(site, fake, broken) -> None:
    there = f"/subscriptions/{broken.pk}/"
    page = site.get(there).content.decode()
    assert "SPF answered 403." in page
    assert "Retry" in page
    assert site.post(f"{there}retry/").url == there
    broken.refresh_from_db()
    assert broken.provisioning == Provisioning.SYNCING
    assert Job.objects.get().subject == broken.pk


def test_a_retry_that_makes_no_sense_says_why(site, subscription) -> None:
    there = f"/subscriptions/{subscription.pk}/retry/"
    page = site.post(there, follow=True).content.decode()
    assert "It is in sync already." in page


def test_provisioning_is_followed_until_it_settles(site, fake, broken, olga) -> None:
    subscriptions.retry(by=olga, subscription=broken)
    there = f"/subscriptions/{broken.pk}/"
    fragment = site.get(there, headers={"HX-Request": "true"}).content.decode()
    assert 'hx-trigger="every 2s"' in fragment
    assert "<html" not in fragment
    Subscription.objects.update(provisioning=Provisioning.IN_SYNC)
    assert "every 2s" not in site.get(there, headers={"HX-Request": "true"}).content.decode()


def test_suspending_asks_first_and_so_does_activating(site, subscription) -> None:
    there = f"/subscriptions/{subscription.pk}/state/"
    assert "Suspend Starter?" in site.get(there).content.decode()
    subscription.refresh_from_db()
    assert subscription.state == SubscriptionState.ACTIVE
    assert site.post(there, {"act": "suspend"}).url == f"/subscriptions/{subscription.pk}/"
    subscription.refresh_from_db()
    assert subscription.state == SubscriptionState.SUSPENDED
    assert "Activate Starter?" in site.get(there).content.decode()
    site.post(there, {"act": "activate"})
    subscription.refresh_from_db()
    assert subscription.state == SubscriptionState.ACTIVE


def test_a_page_gone_stale_is_told_so(site, subscription) -> None:
    there = f"/subscriptions/{subscription.pk}/state/"
    page = site.post(there, {"act": "activate"}).content.decode()
    assert "It is active already." in page
    assert site.post(there, {"act": "delete"}).status_code == 200


def test_what_is_being_deleted_changes_state_no_more(site, subscription) -> None:
    Subscription.objects.update(state=SubscriptionState.DELETING)
    assert site.get(f"/subscriptions/{subscription.pk}/state/").status_code == 404


def test_deleting_tells_what_is_lost_and_wants_the_name(site, fake, subscription) -> None:
    rows.make_machine(subscription, "web-01")
    there = f"/subscriptions/{subscription.pk}/"
    assert f'href="{there}delete/"' in site.get(there).content.decode()
    page = site.get(f"{there}delete/").content.decode()
    assert "web-01" in page
    assert "Type Starter to confirm" in page
    page = site.post(f"{there}delete/", {"confirm": "starter"}).content.decode()
    assert "This is not the subscription&#x27;s name." in page
    assert not Job.objects.exists()
    assert site.post(f"{there}delete/", {"confirm": "Starter"}).url == there
    subscription.refresh_from_db()
    assert subscription.state == SubscriptionState.DELETING
    assert Job.objects.get().recipe == "subscription.leave"
    page = site.get(there).content.decode()
    assert "Deleting everything in it" in page
    assert 'hx-trigger="every 2s"' in page
    assert "Go on deleting" not in page
    assert site.get(f"{there}delete/").status_code == 404


def test_what_is_protected_is_not_deleted(site, subscription) -> None:
    rows.make_machine(subscription, "web-01", is_protected=True)
    there = f"/subscriptions/{subscription.pk}/delete/"
    page = site.post(there, {"confirm": "Starter"}).content.decode()
    assert "Lift the protection first." in page
    assert not Job.objects.exists()


def test_a_protection_is_removed_once_that_was_meant(site, subscription, alice) -> None:
    machine = rows.make_machine(subscription, "web-01", is_protected=True)
    there, back = (
        f"/subscriptions/machines/{machine.pk}/protection/",
        f"/subscriptions/{subscription.pk}/",
    )
    assert f'href="{there}"' in site.get(back).text
    assert f'href="{back}"' in site.get(f"{back}delete/").text
    asked = site.get(there).text
    assert "Remove the protection of web-01?" in asked
    assert '<a href="/subscriptions/" aria-current="page">' in asked
    machine.refresh_from_db()
    assert machine.is_protected
    page = site.post(there, follow=True)
    assert page.redirect_chain == [(back, 302)]
    machine.refresh_from_db()
    assert not machine.is_protected
    assert there not in page.text
    told = operations_visible_to(alice).filter(action="machine.protect", object_name="web-01")
    assert {(entry.phase, entry.actor_email) for entry in told} == {
        (Phase.STARTED, "olga@example.net"),
        (Phase.SUCCEEDED, "olga@example.net"),
    }


def test_a_protection_that_is_gone_already_is_told_so(site, subscription) -> None:
    machine = rows.make_machine(subscription, "web-01")
    there = f"/subscriptions/machines/{machine.pk}/protection/"
    assert "It is not protected." in site.get(there).text
    assert "It is not protected." in site.post(there, follow=True).text
    Machine.objects.update(state="deleted")
    assert site.get(there).status_code == 404


def test_protected_machines_come_first(site, subscription) -> None:
    for name in ("a", "b", "z"):
        rows.make_machine(subscription, name, is_protected=name == "z")
    page = site.get(f"/subscriptions/{subscription.pk}/")
    assert [machine.name for machine in page.context["machines"]] == ["z", "a", "b"]


def test_a_deleting_that_failed_goes_on(site, fake, subscription) -> None:
    there = f"/subscriptions/{subscription.pk}/"
    assert "nothing to go on with" in site.post(f"{there}delete/go-on/", follow=True).text
    site.post(f"{there}delete/", {"confirm": "Starter"})
    Job.objects.update(state=JobState.FAILED)
    Subscription.objects.update(problem="Not deleted: web-01.")
    page = site.get(there).text
    assert "Not deleted: web-01." in page
    assert "every 2s" not in page
    assert site.post(f"{there}delete/go-on/").url == there
    assert Job.objects.get().state in LIVE
    Job.objects.update(state=JobState.SUCCEEDED)
    Subscription.objects.update(state=SubscriptionState.DELETED, problem="")
    page = site.get(there).text
    assert "Go on deleting" not in page
    assert "every 2s" not in page
