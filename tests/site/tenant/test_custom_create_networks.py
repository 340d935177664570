"""Custom create, the networks step: which networks, and with which addresses."""

from __future__ import annotations

import uuid
from html import unescape

import pytest
from django.utils import timezone

from fabric.models import Job, Machine, Network
from tests.factories.fabric import make_machine
from tests.site.tenant.visitor import Visitor, begin, errors


@pytest.fixture
def chosen(as_alice, subscription) -> Visitor:
    """Return alice's draft with its template chosen."""
    visitor = begin(as_alice)
    visitor.choose(subscription)
    return visitor


@pytest.mark.parametrize("rows", ["", "many", "-1", "9" * 12, "9" * 5000])
def test_a_number_of_rows_that_makes_no_sense_does_no_harm(chosen, subscription, rows) -> None:
    network = subscription.plan.offering.networks.get().pk
    answer = chosen.send("networks", **{"rows": rows, "network-0": network})
    assert answer.status_code in (200, 302)
    assert chosen.get("networks").text.count('class="row-of"') <= 16
    assert chosen.name().url == chosen.url("options")


def test_several_adapters_with_and_without_addresses(chosen, subscription) -> None:
    front = subscription.plan.offering.networks.get()
    back = Network.objects.create(
        id=uuid.uuid4(), stamp=front.stamp, name="back", synced_at=timezone.now()
    )
    subscription.plan.offering.networks.add(back)
    said = {"rows": 2, "network-0": front.pk, "network-1": back.pk, "address-1": "10.9.0.4"}
    chosen.send("networks", **said)
    chosen.name()
    chosen.create()
    assert Job.objects.get().inputs["adapters"] == [["front", ""], ["back", "10.9.0.4"]]


def test_each_network_tells_its_own_subnet(chosen, subscription) -> None:
    front = subscription.plan.offering.networks.get()
    Network.objects.update(subnets=["10.20.0.0/24"])
    back = Network.objects.create(
        id=uuid.uuid4(),
        stamp=front.stamp,
        name="back",
        synced_at=timezone.now(),
        subnets=["10.9.0.0/24", "10.9.1.0/24", "2001:db8::/64"],
    )
    subscription.plan.offering.networks.add(back)
    page = chosen.get("networks").text
    assert "front (10.20.0.0/24)" in page
    assert "back (10.9.0.0/24, 10.9.1.0/24)" in page
    assert "the range that stands beside the network" in page
    said = {"rows": 2, "network-0": front.pk, "network-1": back.pk, "address-1": "10.20.0.4"}
    assert errors(chosen.send("networks", **said)) == {
        "address-1": ["10.20.0.4 is in none of the network's subnets 10.9.0.0/24, 10.9.1.0/24."]
    }
    assert chosen.send("networks", **said | {"address-1": "10.9.1.4"}).status_code == 302


@pytest.mark.parametrize("address", ["10.0.0", "fe80::1", "224.0.0.1", "127.0.0.1", "x"])
def test_no_address_of_a_machine_is_refused(chosen, address) -> None:
    network = Network.objects.get().pk
    page = chosen.send("networks", **{"rows": 1, "network-0": network, "address-0": address})
    assert list(errors(page)) == ["address-0"]


def test_an_address_outside_the_subnet_is_refused_at_its_field(chosen) -> None:
    Network.objects.update(subnets=["10.20.0.0/24"])
    network = Network.objects.get().pk
    page = chosen.get("networks").text
    assert "front (10.20.0.0/24)" in page
    assert "Otherwise an address in 10.20.0.0/24." in page
    rows = {"rows": 2, "network-0": network, "network-1": network, "address-0": "10.20.0.4"}
    page = chosen.send("networks", **rows, **{"address-1": "10.20.9.4"})
    says = "10.20.9.4 is not in the network's subnet 10.20.0.0/24."
    assert errors(page) == {"address-1": [says]}
    typing = chosen.look("networks", **rows, **{"address-1": "10.20.9.4"})
    assert says in unescape(typing.text)


POOL = {
    "first": "10.20.0.50",
    "last": "10.20.0.99",
    "reserved": [["10.20.0.60", "10.20.0.69"]],
    "gateways": ["10.20.0.50"],
    "dns_servers": [],
}


def test_each_network_tells_its_own_pool(chosen, subscription) -> None:
    front = subscription.plan.offering.networks.get()
    Network.objects.update(subnets=["10.20.0.0/24"], pools=[POOL])
    common = {"stamp": front.stamp, "synced_at": timezone.now(), "subnets": ["10.9.0.0/24"]}
    back = Network.objects.create(id=uuid.uuid4(), name="back", **common)
    bare = Network.objects.create(id=uuid.uuid4(), name="bare", pools=[], **common)
    subscription.plan.offering.networks.add(back, bare)
    page = chosen.get("networks").text
    assert "front (10.20.0.50–10.20.0.99)" in page
    assert "back (10.9.0.0/24)" in page
    assert "bare (no address pool)" in page
    said = {f"network-{n}": each.pk for n, each in enumerate((front, front, back, bare))}
    said |= {"address-0": "10.20.0.9", "address-1": "10.20.0.60"}
    said |= {"address-2": "10.9.0.9", "address-3": "10.9.0.8"}
    assert errors(chosen.send("networks", rows=4, **said)) == {
        "address-0": ["10.20.0.9 is outside the network's address pool 10.20.0.50–10.20.0.99."],
        "address-1": ["10.20.0.60 is reserved in the network's address pool."],
        "address-3": ["The network has no address pool, so no address on it can be fixed."],
    }
    said |= {"address-0": "10.20.0.51", "address-1": "10.20.0.70", "address-3": ""}
    assert chosen.send("networks", rows=4, **said).status_code == 302


def test_what_the_only_networks_pools_leave_stands_at_the_field(chosen) -> None:
    Network.objects.update(subnets=["10.20.0.0/24"], pools=[POOL])
    assert "Otherwise an address in 10.20.0.50–10.20.0.99." in chosen.get("networks").text
    Network.objects.update(pools=[])
    assert "There is no address pool, so no address can be fixed." in chosen.get("networks").text


def test_a_pool_that_changed_meanwhile_leads_back_to_the_step(chosen) -> None:
    network = Network.objects.get().pk
    chosen.send("networks", **{"rows": 1, "network-0": network, "address-0": "10.20.0.4"})
    chosen.name()
    Network.objects.update(pools=[POOL])
    answer = chosen.create()
    assert not Machine.objects.exists()
    assert answer.url == chosen.url("networks")


def test_a_subnet_that_changed_meanwhile_leads_back_to_the_step(chosen) -> None:
    network = Network.objects.get().pk
    chosen.send("networks", **{"rows": 1, "network-0": network, "address-0": "10.20.0.4"})
    chosen.name()
    Network.objects.update(subnets=["10.30.0.0/24"])
    answer = chosen.create()
    assert not Machine.objects.exists()
    assert answer.url == chosen.url("networks")


def test_an_address_twice_is_refused(chosen) -> None:
    network, address = Network.objects.get().pk, "10.20.0.9"
    said = {f"network-{n}": network for n in (0, 1)} | {f"address-{n}": address for n in (0, 1)}
    assert list(errors(chosen.send("networks", rows=2, **said))) == ["address-1"]


def test_another_plans_network_is_refused(chosen) -> None:
    page = chosen.send("networks", **{"rows": 1, "network-0": uuid.uuid4()})
    assert list(errors(page)) == ["network-0"]


def test_a_taken_address_stands_on_the_last_page(chosen, subscription) -> None:
    make_machine(subscription, "old", addresses=["10.20.0.4"])
    network = Network.objects.get().pk
    said = {"rows": 1, "network-0": network, "address-0": "10.20.0.4"}
    chosen.send("networks", **said)
    chosen.name()
    review = chosen.get("review")
    assert "The address 10.20.0.4 is taken." in review.text
    assert chosen.url("networks") in review.text
