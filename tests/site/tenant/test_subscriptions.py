"""A subscription's pages: use, name, add-ons, leaving; and what roles may do with them."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.urls import reverse

from fabric.durable.states import JobState
from fabric.models import Checkpoint, Job, MachineGrant
from plans.models import (
    Access,
    AddOn,
    Plan,
    Provisioning,
    Subscription,
    SubscriptionAddOn,
    SubscriptionState,
)
from tenants.models import Membership, Operation, Role, TenantRole
from tests.factories.fabric import make_machine


@pytest.fixture
def more(plan) -> AddOn:
    made = AddOn.objects.create(
        name="Two more", machines=2, memory_mb=2048, most=3, access=Access.PUBLIC, price_text="€ 4"
    )
    made.plans.add(plan)
    return made


@pytest.fixture
def invited(plan) -> Plan:
    cache.clear()
    Plan.objects.update(invitation_code="early-birds")
    plan.refresh_from_db()
    return plan


def page(subscription: Subscription, name: str = "subscription") -> str:
    return reverse(name, args=[subscription.pk])


def test_a_plan_tells_its_price_and_what_speaks_for_it(as_alice, plan):
    Plan.objects.update(highlights="Daily backup\n\n Two sites ", price_text="€ 12 a month")
    html = as_alice.get(reverse("plans")).text
    for told in ("Daily backup", "Two sites", "€ 12 a month"):
        assert told in html
    assert html.count("<li><svg") >= 2


def test_the_code_of_an_invitation_is_asked_and_a_wrong_one_refused(as_alice, invited, alices):
    assert "By invitation" in as_alice.get(reverse("plans")).text
    url = reverse("plan-subscribe", args=[invited.pk])
    wrong = as_alice.post(url, {"tenant": alices.pk, "invitation_code": "EARLY-BIRDS"})
    assert wrong.context["form"].errors["invitation_code"]
    assert not Subscription.objects.exists()
    told = Operation.objects.filter(action="plan.invitation")
    assert told.count() == 2
    assert "EARLY" not in str(list(told.values()))
    right = as_alice.post(url, {"tenant": alices.pk, "invitation_code": " early-birds "})
    assert right.url == page(Subscription.objects.get())


def test_after_a_few_wrong_codes_even_the_right_one_waits(as_alice, invited, alices):
    url = reverse("plan-subscribe", args=[invited.pk])
    for n in range(5):
        as_alice.post(url, {"tenant": alices.pk, "invitation_code": f"wrong-{n}"})
    answer = as_alice.post(url, {"tenant": alices.pk, "invitation_code": "early-birds"})
    assert "Too many wrong codes" in answer.context["form"].errors["invitation_code"][0]
    assert not Subscription.objects.exists()


def test_an_add_on_is_taken_several_times_and_given_back(as_alice, subscription, more):
    url = page(subscription, "subscription-add-ons")
    assert "€ 4" in as_alice.get(url).text
    assert as_alice.post(url, {"add_on": more.pk, "times": 2}).url == page(subscription)
    html = as_alice.get(page(subscription)).text
    assert "2 × Two more" in html
    assert "of 14" in html
    taken = SubscriptionAddOn.objects.first()
    as_alice.post(page(subscription, "subscription-add-on-drop"), {"taken": taken.pk})
    assert SubscriptionAddOn.objects.count() == 1


def test_the_same_form_sent_twice_takes_one(as_alice, subscription, more):
    url = page(subscription, "subscription-add-ons")
    sent = {"add_on": more.pk, "times": 1}
    sent["request_key"] = as_alice.get(url).context["form"]["request_key"].value()
    for _each in range(2):
        assert as_alice.post(url, sent).url == page(subscription)
    assert SubscriptionAddOn.objects.count() == 1


def test_too_many_are_refused_where_they_were_typed(as_alice, subscription, more):
    url = page(subscription, "subscription-add-ons")
    html = as_alice.post(url, {"add_on": more.pk, "times": 700}).text
    assert 'id="id_times" value="700" aria-invalid="true"' in html


def test_an_add_on_that_is_needed_stays(as_alice, subscription, more):
    SubscriptionAddOn.objects.create(subscription=subscription, add_on=more)
    subscription.plan.offering.__class__.objects.update(machines=1)
    for name in ("a", "b"):
        make_machine(subscription, name)
    taken = SubscriptionAddOn.objects.get()
    answer = as_alice.post(
        page(subscription, "subscription-add-on-drop"), {"taken": taken.pk}, follow=True
    )
    assert "Without it the limit for virtual machines is 1, and 2 are in use." in answer.text
    assert SubscriptionAddOn.objects.exists()


@pytest.mark.parametrize("form", [{}, {"add_on": "x"}, {"times": "0"}, {"times": "9999"}])
def test_nonsense_takes_nothing(as_alice, subscription, more, form):
    answer = as_alice.post(
        page(subscription, "subscription-add-ons"),
        {"add_on": more.pk, "times": 1} | form if form else {},
    )
    assert answer.status_code == 200
    assert not SubscriptionAddOn.objects.exists()


@pytest.mark.parametrize("taken", ["", "x", "00000000-0000-0000-0000-000000000000"])
def test_nonsense_gives_nothing_back(as_alice, subscription, taken):
    answer = as_alice.post(page(subscription, "subscription-add-on-drop"), {"taken": taken})
    assert answer.url == page(subscription)


def test_the_name_is_changed_and_no_other_has_it(as_alice, subscription, alices, plan):
    url = page(subscription, "subscription-rename")
    assert as_alice.post(url, {"name": " Shop "}).url == page(subscription)
    subscription.refresh_from_db()
    assert subscription.name == "Shop"
    other = Subscription.objects.create(tenant=alices, plan=plan, name="Lab", owner_email="a@b.cd")
    answer = as_alice.post(page(other, "subscription-rename"), {"name": "shop"})
    assert answer.context["form"].errors["name"]


def test_use_is_told_by_machine_with_what_is_left(as_alice, subscription, machine):
    html = as_alice.get(page(subscription, "subscription-use")).text
    assert reverse("machine", args=[machine.pk]) in html
    assert "9 left" in html


def test_machines_one_does_not_see_are_summed_up(bob, sign_in, subscription):
    shown, hidden = (make_machine(subscription, name) for name in ("web-01", "secret-01"))
    member = Membership.objects.get(user=bob)
    Membership.objects.filter(pk=member.pk).update(all_machines=False)
    MachineGrant.objects.create(membership=member, machine=shown)
    html = sign_in(bob).get(page(subscription, "subscription-use")).text
    assert "web-01" in html
    assert hidden.name not in html
    assert "1 machine you do not see" in html


def test_leaving_tells_exactly_what_is_lost_and_asks_for_the_name(as_alice, subscription, machine):
    Checkpoint.objects.create(machine=machine, remote_id=machine.pk, name="before")
    url = page(subscription, "subscription-leave")
    html = as_alice.get(url).text
    for told in ("web-01", "10 GB", "Checkpoints", "Type Starter to confirm"):
        assert told in html
    refused = as_alice.post(url, {"confirm": "starter"})
    assert refused.context["form"].errors["confirm"]
    assert as_alice.post(url, {"confirm": "Starter"}).url == page(subscription)
    subscription.refresh_from_db()
    assert subscription.state == SubscriptionState.DELETING
    html = as_alice.get(page(subscription)).text
    assert "Deleting everything in it" in html
    assert "New machine" not in html
    assert url not in html


def test_a_leaving_that_failed_says_why_and_goes_on(as_alice, subscription, machine):
    as_alice.post(page(subscription, "subscription-leave"), {"confirm": "Starter"})
    Job.objects.update(state=JobState.FAILED, fault={"message": "Not deleted: web-01."})
    Subscription.objects.update(problem="Not deleted: web-01.")
    html = as_alice.get(page(subscription)).text
    assert "Not deleted: web-01." in html
    as_alice.post(page(subscription, "subscription-leave-resume"))
    assert Job.objects.get().state == JobState.WAITING


def test_one_that_was_left_is_gone_and_its_open_page_goes_away(as_alice, subscription):
    Subscription.objects.update(state=SubscriptionState.DELETED)
    assert as_alice.get(page(subscription)).status_code == 404
    fragment = as_alice.get(page(subscription), headers={"HX-Request": "true"})
    assert fragment.headers["HX-Redirect"] == reverse("subscriptions")
    assert "No subscriptions yet" in as_alice.get(reverse("subscriptions")).text


def test_who_may_not_decide_sees_no_commands_and_is_refused(bob, sign_in, subscription, more):
    browser = sign_in(bob)
    html = browser.get(page(subscription)).text
    for name in ("rename", "leave", "add-ons"):
        url = page(subscription, f"subscription-{name}")
        assert url not in html
        assert browser.get(url).status_code == 403
        assert browser.post(url, {"confirm": "Starter", "name": "x"}).status_code == 403
    Subscription.objects.update(provisioning=Provisioning.OUT_OF_SYNC)
    browser.post(page(subscription, "subscription-retry"))
    subscription.refresh_from_db()
    assert subscription.provisioning == Provisioning.OUT_OF_SYNC
    assert subscription.state == SubscriptionState.ACTIVE
    assert "Your role does not allow subscribing" in browser.get(reverse("plans")).text


def test_A055_who_signs_up_subscribes_without_an_operator(client, plan):
    """Features A055: account, tenant and subscription need nobody's help."""
    from allauth.account.models import EmailAddress

    client.post(
        reverse("account_signup"),
        {
            "email": "new@example.net",
            "password1": "Correct-Horse-7",
            "password2": "Correct-Horse-7",
        },
    )
    EmailAddress.objects.filter(email="new@example.net").update(verified=True)
    client.post(
        reverse("account_login"), {"login": "new@example.net", "password": "Correct-Horse-7"}
    )
    tenant = Membership.objects.get(user__email="new@example.net").tenant_id
    client.post(reverse("plan-subscribe", args=[plan.pk]), {"tenant": tenant})
    assert Subscription.objects.get().tenant_id == tenant


def test_queries_do_not_grow_with_machines_and_add_ons(
    as_alice, subscription, more, django_assert_max_num_queries
):
    for n in range(4):
        make_machine(subscription, f"m-{n}")
    for _n in range(3):
        SubscriptionAddOn.objects.create(subscription=subscription, add_on=more)
    for name in ("subscription", "subscription-use", "subscription-leave", "subscription-add-ons"):
        with django_assert_max_num_queries(12):
            assert as_alice.get(page(subscription, name)).status_code == 200


def test_what_is_lost_is_named_to_who_sees_it(sign_in, bob, alices, subscription, machine):
    role = TenantRole.objects.create(tenant=alices, name="Buyer", rights=["Subscriptions"])
    place = Membership.objects.filter(user=bob)
    place.update(role=Role.CUSTOM, custom_role=role)
    url = reverse("subscription-leave", args=[subscription.pk])
    assert machine.name in sign_in(bob).get(url).text
    place.update(all_machines=False)
    assert machine.name not in sign_in(bob).get(url).text
    answer = sign_in(bob).post(url, {"confirm": subscription.name})
    assert "do not see all" in answer.text
