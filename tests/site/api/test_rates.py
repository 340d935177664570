"""How often one may ask: told with every answer, then refused, and when nobody can count."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from redis.exceptions import ConnectionError

from portal.api.frame import rates

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def a_new_minute(settings, monkeypatch):
    cache.clear()
    monkeypatch.setattr(rates, "clock", lambda: 1_000_000_040.0)
    settings.API_READS_PER_MINUTE, settings.API_CHANGES_PER_MINUTE = 3, 1


def test_what_is_left_is_told_and_then_refused(as_alice):
    left = [as_alice.get("me/").headers["RateLimit"] for _request in range(3)]
    assert left == [f'"reads";r={n};t=40' for n in (2, 1, 0)]
    answer = as_alice.get("me/")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert answer.headers["Retry-After"] == "40"
    assert answer.headers["RateLimit-Policy"] == '"reads";q=3;w=60'


def test_changes_are_counted_apart(as_alice, machine):
    assert as_alice.post(f"machines/{machine.pk}/stop/").status_code == 202
    assert as_alice.post(f"machines/{machine.pk}/stop/").status_code == 429
    assert as_alice.get("me/").status_code == 200


def test_each_key_is_counted_by_itself(as_alice, alice, program):
    for _request in range(4):
        as_alice.get("me/")
    assert program(alice).get("me/").status_code == 200


def test_a_new_minute_begins_anew(as_alice, monkeypatch):
    for _request in range(4):
        as_alice.get("me/")
    monkeypatch.setattr(rates, "clock", lambda: 1_000_000_100.0)
    assert as_alice.get("me/").status_code == 200


def test_nobody_is_counted_while_the_cache_is_away(as_alice, monkeypatch):
    def away(*args, **kwargs):
        raise ConnectionError("gone")

    monkeypatch.setattr(rates, "_increment", away)
    answer = as_alice.get("me/")
    assert answer.status_code == 200
    assert "RateLimit" not in answer.headers
