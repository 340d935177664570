"""The pages of API keys: shown once, listed without their text, revoked."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tenants.actions import api_keys
from tenants.models import ApiKey, Operation
from tests.people import join


def make(client, **fields):
    values = {"name": "Nightly", "days": "30", "scope": "read", **fields}
    return client.post(reverse("key-new"), values)


def test_a_key_is_shown_once(as_alice, alice) -> None:
    page = make(as_alice, scope="chosen", rights=["Start", "Stop"])
    text = page.context["text"]
    assert page.text.count(text) == 1
    assert "no-store" in page.headers["Cache-Control"]
    found = api_keys.find(text)
    assert (found.user, found.scopes) == (alice, ["Start", "Stop"])
    listed = as_alice.get(reverse("keys")).text
    assert found.prefix in listed
    assert text not in listed
    assert text not in str(list(Operation.objects.values()))


def test_only_ones_own_rights_are_offered(dora, bob, sign_in) -> None:
    reading = sign_in(dora).get(reverse("key-new")).context["form"]
    assert reading["scope"].field.choices == [("read", "only read")]
    offered = sign_in(bob).get(reverse("key-new")).context["form"]["rights"].field.choices
    assert "Team" not in dict(offered)
    page = make(sign_in(bob), scope="chosen", rights=["Team"])
    assert page.context["form"].errors["rights"]
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"days": "0"}, "days"),
        ({"days": "366"}, "days"),
        ({"days": "x"}, "days"),
        ({"days": str(10**40)}, "days"),
        ({"name": ""}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"scope": "all"}, "scope"),
        ({"scope": "chosen"}, "rights"),
    ],
)
def test_a_form_that_makes_no_sense_makes_no_key(as_alice, fields, field) -> None:
    assert make(as_alice, **fields).context["form"].errors[field]
    assert not ApiKey.objects.exists()


def test_a_key_is_revoked_by_its_owner_alone(as_alice, bob, alice, sign_in) -> None:
    text = make(as_alice).context["text"]
    key = ApiKey.objects.get()
    assert key.name not in sign_in(bob).get(reverse("keys")).text
    assert sign_in(bob).post(reverse("key-revoke", args=[key.pk])).status_code == 404
    page = as_alice.post(reverse("key-revoke", args=[key.pk]), follow=True)
    assert "Revoked" in page.text
    assert api_keys.find(text) is None


def test_a_person_of_two_tenants_says_for_which(charlie, alices, sign_in) -> None:
    join(alices, charlie, "reader")
    browser = sign_in(charlie)
    make(browser, tenant=alices.pk)
    assert ApiKey.objects.get().tenant == alices
    assert browser.get(f"{reverse('key-new')}?tenant={alices.pk}").status_code == 200


def test_the_number_of_keys_costs_no_queries(as_alice, django_assert_max_num_queries) -> None:
    for _key in range(5):
        make(as_alice)
    with django_assert_max_num_queries(8):
        as_alice.get(reverse("keys"))


def test_who_belongs_nowhere_has_no_keys(olga, sign_in) -> None:
    assert "New API key" not in sign_in(olga).get(reverse("keys")).text
    assert sign_in(olga).get(reverse("key-new")).status_code == 404
