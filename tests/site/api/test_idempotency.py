"""The same request twice is done once, whoever dies in between."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from fabric.models import Job, Machine
from portal.api.frame import idempotency
from portal.api.models import KeptAnswer

pytestmark = pytest.mark.django_db


@pytest.fixture
def body(world) -> dict:
    return {
        "subscription": str(world.subscription.pk),
        "template": str(world.machine.template_id),
        "name": "web-02",
        "guest": {"password": "Correct-Horse-7"},
    }


def test_the_same_key_and_body_get_the_same_answer(as_alice, body):
    first = as_alice.post("machines/", body, Idempotency_Key="k1")
    again = as_alice.post("machines/", dict(reversed(body.items())), Idempotency_Key="k1")
    assert first.status_code == again.status_code == 202
    assert again.content == first.content
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert Machine.objects.filter(name="web-02").count() == 1


def test_a_quoted_key_is_the_same_key(as_alice, body):
    as_alice.post("machines/", body, Idempotency_Key="k1")
    again = as_alice.post("machines/", body, Idempotency_Key='"k1"')
    assert again.headers["Idempotency-Replayed"] == "true"


def test_another_body_or_address_under_the_same_key_is_refused(as_alice, body, machine):
    as_alice.post("machines/", body, Idempotency_Key="k1")
    for answer in (
        as_alice.post("machines/", body | {"name": "web-03"}, Idempotency_Key="k1"),
        as_alice.post(f"machines/{machine.pk}/stop/", Idempotency_Key="k1"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")
    assert not Machine.objects.filter(name="web-03").exists()


def test_without_a_key_twice_is_twice(as_alice, body):
    as_alice.post("machines/", body)
    assert as_alice.post("machines/", body).json()["code"] == "conflict"


def test_keys_are_each_clients_own(as_alice, alice, program, body):
    as_alice.post("machines/", body, Idempotency_Key="k1")
    other = program(alice)
    answer = other.post("machines/", body | {"name": "web-03"}, Idempotency_Key="k1")
    assert answer.status_code == 202


def test_a_refusal_is_not_kept(as_alice, body, machine):
    assert as_alice.post(f"machines/{machine.pk}/start/", Idempotency_Key="k1").status_code == 409
    Machine.objects.filter(pk=machine.pk).update(state="stopped")
    assert as_alice.post(f"machines/{machine.pk}/start/", Idempotency_Key="k1").status_code == 202


def test_no_secret_is_kept(as_alice, body):
    as_alice.post("machines/", body, Idempotency_Key="k1")
    kept = KeptAnswer.objects.get()
    assert "Correct-Horse-7" not in f"{kept.body}{kept.headers}{kept.digest}"


def test_an_answer_is_kept_for_a_day(as_alice, body):
    as_alice.post("machines/", body, Idempotency_Key="k1")
    KeptAnswer.objects.update(created_at=timezone.now() - idempotency.KEPT_FOR - timedelta(1))
    answer = as_alice.post("machines/", body | {"name": "web-03"}, Idempotency_Key="k1")
    assert answer.status_code == 202
    KeptAnswer.objects.update(created_at=timezone.now() - idempotency.KEPT_FOR - timedelta(1))
    as_alice.post("machines/", body | {"name": "web-04"}, Idempotency_Key="k2")
    assert [kept.key for kept in KeptAnswer.objects.all()] == ["k2"]


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\u00e9"])
def test_keys_that_are_none(as_alice, body, key):
    answer = as_alice.post("machines/", body, Idempotency_Key=key)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["header"] == "Idempotency-Key"


def test_a_death_before_the_end_has_done_nothing(as_alice, body, monkeypatch):
    def dies(*args, **kwargs):
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(idempotency, "_keep", dies)
        assert as_alice.post("machines/", body, Idempotency_Key="k1").status_code == 500
    assert not Machine.objects.filter(name="web-02").exists()
    assert not Job.objects.exists()
    assert as_alice.post("machines/", body, Idempotency_Key="k1").status_code == 202


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_while_the_first_is_answered_the_second_is_told_to_wait(as_alice, body, alice):
    """Another connection holds the key, as the thread that answers the first request does."""
    key = as_alice.get("me/").json()["api_key"]["id"]
    held, done = threading.Event(), threading.Event()

    def first() -> None:
        with transaction.atomic():
            assert idempotency._lock(f"key:{key}:k1")
            held.set()
            done.wait(60)
        connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    try:
        assert held.wait(60)
        answer = as_alice.post("machines/", body, Idempotency_Key="k1")
        assert (answer.status_code, answer.json()["code"]) == (409, "in_flight")
        assert answer.headers["Retry-After"] == "1"
    finally:
        done.set()
        thread.join()
    assert as_alice.post("machines/", body, Idempotency_Key="k1").status_code == 202
