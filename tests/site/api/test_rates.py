"""How often one may ask: told with every answer, then refused, and when nobody can count."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client
from redis.exceptions import ConnectionError

from portal.api.frame import rates
from tests.site.api.conftest import Program

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


@pytest.fixture
def guesses(settings, world):
    """Return what sends so many wrong keys from an address, and the last answer."""
    settings.API_WRONG_KEYS_PER_MINUTE = 3

    def guess(times, **where):
        browser = Client(**where)
        wrong = {"Authorization": f"Bearer katal_00000000_{'x' * 43}"}
        return [browser.get("/api/v1/me/", headers=wrong) for _guess in range(times)][-1]

    return guess


def test_guessing_keys_is_stopped(guesses):
    assert guesses(3).status_code == 401
    answer = guesses(1)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"] == "40"
    assert "wrong API keys" in answer.json()["detail"]


def test_a_right_key_is_served_beside_wrong_ones(guesses, as_alice):
    assert guesses(5).status_code == 429
    assert as_alice.get("me/").status_code == 200


def test_keys_are_guessed_from_an_address(guesses):
    assert guesses(4, REMOTE_ADDR="203.0.113.7").status_code == 429
    assert guesses(1, REMOTE_ADDR="203.0.113.8").status_code == 401
    # One line of somebody's has as many addresses of IPv6 as they like.
    assert guesses(4, REMOTE_ADDR="2001:db8:1:2::7").status_code == 429
    assert guesses(1, REMOTE_ADDR="2001:db8:1:2::8").status_code == 429
    assert guesses(1, REMOTE_ADDR="").status_code == 401


def test_an_address_is_what_the_trusted_proxy_says(guesses, settings):
    """What a sender writes before it does not count."""
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    for lie in range(4):
        answer = guesses(1, HTTP_X_FORWARDED_FOR=f"192.0.2.{lie}, 203.0.113.7")
    assert answer.status_code == 429
    assert guesses(1, HTTP_X_FORWARDED_FOR="203.0.113.8").status_code == 401


def test_nobody_is_counted_while_the_cache_is_away(as_alice, monkeypatch, settings):
    def away(*args, **kwargs):
        raise ConnectionError("gone")

    monkeypatch.setattr(rates, "_increment", away)
    settings.API_WRONG_KEYS_PER_MINUTE = 0
    assert Program("katal_wrong").get("me/").status_code == 401
    answer = as_alice.get("me/")
    assert answer.status_code == 200
    assert "RateLimit" not in answer.headers
