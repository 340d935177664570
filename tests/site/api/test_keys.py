"""Keys: what they open, what they do not, and what of them is ever shown."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tenants.actions import api_keys
from tenants.actions.users import open_tenant
from tenants.models import ApiKey
from tests.factories.fabric import (
    make_cloud,
    make_machine,
    make_plan,
    make_stamp,
    make_subscription,
)
from tests.site.api.conftest import Program

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer x",
        "Bearer katal_00000000_" + "x" * 43,
        "Basic YTpi",
        "katal_0",
        "Bearer \xe9",
    ],
)
def test_what_is_no_key_opens_nothing(world, header):
    answer = Program("").get("me/", Authorization=header)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_key_never_falls_back_on_a_session(alice, world):
    at_browser = Program("katal_wrong")
    at_browser.browser.force_login(alice)
    assert at_browser.get("me/").status_code == 401


@pytest.mark.parametrize("field", ["expires_at", "revoked_at"])
def test_a_key_that_ended_opens_nothing(as_alice, field):
    assert as_alice.get("me/").status_code == 200
    ApiKey.objects.update(**{field: timezone.now() - timedelta(seconds=1)})
    assert as_alice.get("me/").status_code == 401


def test_a_key_sees_its_own_tenant_only(alice, world, program):
    other = open_tenant(owner=alice, name="Alice at home")
    make_machine(make_subscription(other, make_plan(make_cloud(make_stamp()), "Home")), "home-01")
    _row, text = api_keys.issue(by=alice, tenant=world.tenant, name="work", scopes=["read"], days=1)
    key = Program(text)
    assert [row["name"] for row in key.get("machines/").json()["results"]] == ["web-01"]
    assert [row["name"] for row in key.get("tenants/").json()["results"]] == ["Alice Ltd"]
    assert key.get(f"tenants/{other.pk}/").status_code == 404
    at_browser = Program("")
    at_browser.browser.force_login(alice)
    assert len(at_browser.get("machines/").json()["results"]) == 2


def test_a_narrow_key_does_what_its_scope_says(alice, machine, program):
    key = program(alice, "Stop")
    assert key.post(f"machines/{machine.pk}/stop/").status_code == 202
    answer = key.post(f"machines/{machine.pk}/start/")
    assert (answer.status_code, answer.json()["missing_scope"]) == (403, "Start")
    assert key.post(f"machines/{machine.pk}/reset/").json()["missing_scope"] == "Start"


def test_a_schedule_gives_a_key_no_more_than_it_has(alice, world, program):
    key = program(alice, "Schedules", "Start")
    body = {
        "subscription": str(world.subscription.pk),
        "name": "Nights",
        "action": "stop",
        "machine": str(world.machine.pk),
        "cron": "0 1 * * *",
    }
    assert key.post("schedules/", body).json()["missing_scope"] == "Stop"
    made = key.post("schedules/", body | {"action": "start"})
    assert made.status_code == 201
    changed = key.patch(f"schedules/{made.json()['id']}/", {"action": "stop"})
    assert changed.json()["missing_scope"] == "Stop"


def test_a_key_of_a_person_who_lost_a_right_lost_it_too(bob, machine, program):
    key = program(bob, "Stop")
    bob.memberships.update(role="reader")
    answer = key.post(f"machines/{machine.pk}/stop/")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


def test_me_tells_which_key_it_was(alice, world, program):
    told = program(alice, "Start", "Stop").get("me/").json()
    assert told["api_key"]["scopes"] == ["Start", "Stop"]
    assert told["tenants"][0]["rights"] == ["Start", "Stop"]


def test_a_new_key_is_shown_once(alice, world):
    at_browser = Program("")
    at_browser.browser.force_login(alice)
    body = {"tenant": str(world.tenant.pk), "name": "n", "scopes": ["read"], "days": 1}
    made = at_browser.post("api-keys/", body, Idempotency_Key="k1")
    key = made.json()["key"]
    assert Program(key).get("me/").status_code == 200
    again = at_browser.post("api-keys/", body, Idempotency_Key="k1")
    assert (again.json()["id"], again.json()["key"]) == (made.json()["id"], None)
    assert key not in at_browser.get("api-keys/").content.decode()


def test_a_reading_key_may_end_itself_and_no_other(alice, world, program):
    key, other = program(alice, "read"), program(alice, "read")
    mine, theirs = (one.get("me/").json()["api_key"]["id"] for one in (key, other))
    assert key.delete(f"api-keys/{theirs}/").status_code == 403
    assert key.delete(f"api-keys/{mine}/").status_code == 204
    assert key.get("me/").status_code == 401
    assert other.get("me/").status_code == 200
