"""The REST interface shows what the pages show: one's own, read-only, in few queries."""

from __future__ import annotations

import pytest

from tests.factories.fabric import (
    make_cloud,
    make_machine,
    make_plan,
    make_stamp,
    make_subscription,
)

pytestmark = pytest.mark.django_db
LIST = "/api/v1/machines/"


@pytest.fixture
def machine(vault, alices):
    return make_machine(make_subscription(alices, make_plan(make_cloud(make_stamp()))))


def test_alice_and_bob_see_their_machine(client, machine, alice, bob):
    for person in (alice, bob):
        client.force_login(person)
        row = client.get(LIST).json()["results"][0]
        assert (row["id"], row["name"], row["state"]) == (str(machine.pk), "web-01", "running")
        assert row["addresses"] == ["10.20.0.4"]


def test_charlie_finds_nothing(client, machine, charlie):
    client.force_login(charlie)
    assert client.get(LIST).json()["results"] == []
    assert client.get(f"{LIST}{machine.pk}/").status_code == 404


def test_nobody_signed_in_is_refused(client, machine):
    assert client.get(LIST).status_code == 403


@pytest.mark.parametrize("verb", ["post", "put", "patch", "delete", "options"])
def test_it_is_read_only(client, machine, alice, charlie, verb):
    client.force_login(alice)
    assert getattr(client, verb)(f"{LIST}{machine.pk}/").status_code == 405
    assert getattr(client, verb)(LIST).status_code == 405
    client.force_login(charlie)
    assert getattr(client, verb)(f"{LIST}{machine.pk}/").status_code == 404


def test_more_machines_cost_no_more_queries(client, machine, alice, django_assert_max_num_queries):
    for n in range(9):
        make_machine(machine.subscription, f"vm-{n}")
    client.force_login(alice)
    with django_assert_max_num_queries(4):
        assert len(client.get(LIST).json()["results"]) == 10
