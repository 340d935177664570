"""Addresses somebody made up, and a cache that is away: an answer, never a breakdown."""

from __future__ import annotations

import base64
import json

import pytest
from django.utils import timezone

from tenants.models import Instance
from tests.factories.fabric import (
    make_cloud,
    make_machine,
    make_plan,
    make_stamp,
    make_subscription,
)

pytestmark = pytest.mark.django_db
NOBODY = "00000000-0000-0000-0000-000000000000"


def mark(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


NONSENSE = (
    "q=%00",
    "after=%C3%A9",
    "after=" + mark("x", "y"),
    "after=" + mark("x", {"a": 1}),
    "after=" + mark([], []),
    "after=" + mark(None, None),
    "after=" + mark("\0", NOBODY),
    "after=" + mark(10**30, 10**30),
    "sort=age&before=" + mark("x", NOBODY),
    "sort=cores&after=" + mark(float("inf"), NOBODY),
)


@pytest.mark.parametrize("query", NONSENSE)
@pytest.mark.parametrize("page", ["machines", "activity"])
def test_a_tenants_lists_take_nonsense_for_nothing(vault, alice, alices, client, page, query):
    make_machine(make_subscription(alices, make_plan(make_cloud(make_stamp()))))
    client.force_login(alice)
    assert client.get(f"/{page}/?{query}").status_code == 200


@pytest.mark.parametrize("query", NONSENSE)
def test_the_operators_lists_take_nonsense_for_nothing(vault, olga, client, settings, query):
    settings.ROOT_URLCONF, settings.SITE = "portal.urls.admin", "admin"
    Instance.objects.update_or_create(id=1, defaults={"set_up_at": timezone.now()})
    client.force_login(olga)
    for page in ("users", "plans", "subscriptions", "activity"):
        assert client.get(f"/{page}/?{query}").status_code == 200


def test_the_rest_interface_says_that_nobody_gave_this_cursor(alice, client):
    client.force_login(alice)
    for cursor in ("cD0lMDA=", "%00", mark("x", NOBODY)):
        answer = client.get(f"/api/v1/machines/?cursor={cursor}")
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")


def test_sign_in_asks_to_come_again_while_the_cache_is_away(alice, client, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "unix:///nonexistent.sock",
        }
    }
    del settings.ACCOUNT_RATE_LIMITS
    client.raise_request_exception = False
    answer = client.post("/account/login/", {"login": alice.email, "password": "x"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
