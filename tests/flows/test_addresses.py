"""An address of one's own (feature D047): reserve, keep, test, give back."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from functools import partial

import pytest
from django.utils import timezone

from fabric.actions import adapters, machines, ordering, power
from fabric.models import Adapter, Job, Machine, Network
from fabric.orders import NewAdapter
from fabric.providers.base import RemotePool
from fabric.states import MachineState, Verb
from fabric.sync import stamps
from tenants.errors import Conflicting, Refused
from tests.factories.fabric import new_machine

WANTED = "10.20.0.77"


def only_adapter(machine: Machine) -> Adapter:
    return Adapter.objects.select_related("network", "machine").get(machine=machine)


@pytest.fixture
def reserved(running, alice, work) -> Machine:
    adapters.change(by=alice, adapter=only_adapter(running), address=WANTED)
    work()
    running.refresh_from_db()
    return running


def test_d047_a_reserved_address_is_got_and_survives_stop_and_start(reserved, alice, work):
    assert reserved.addresses[0] == WANTED
    assert only_adapter(reserved).is_static
    for verb in (Verb.STOP, Verb.START):
        power.operate(by=alice, machine=reserved, verb=verb)
        work()
        reserved.refresh_from_db()
    assert reserved.addresses[0] == WANTED
    assert only_adapter(reserved).addresses == [WANTED]


def test_d047_the_test_says_free_or_taken(reserved):
    network = only_adapter(reserved).network
    with pytest.raises(Conflicting, match="is taken"):
        ordering.require_address(network, WANTED)
    ordering.require_address(network, WANTED, but=reserved)
    ordering.require_address(network, "10.20.0.78")


def test_d047_a_reservation_is_removed_with_its_adapter(reserved, alice, work):
    network = only_adapter(reserved).network
    adapters.remove(by=alice, adapter=only_adapter(reserved))
    work()
    reserved.refresh_from_db()
    assert WANTED not in reserved.addresses
    ordering.require_address(network, WANTED)


def test_d047_another_address_frees_the_first(reserved, alice, work):
    adapters.change(by=alice, adapter=only_adapter(reserved), address="10.20.0.79")
    work()
    ordering.require_address(only_adapter(reserved).network, WANTED)


def test_d047_the_address_of_a_machine_that_is_gone_is_free(reserved, alice, work):
    network = only_adapter(reserved).network
    machines.delete(by=alice, machine=reserved)
    work()
    ordering.require_address(network, WANTED)


def test_an_address_outside_the_networks_subnets_never_becomes_a_job(running, alice, order):
    front, before = only_adapter(running).network, Job.objects.count()
    outside = NewAdapter(front, "10.20.9.4")
    says = "10.20.9.4 is not in the network's subnet 10.20.0.0/22."
    for field, ask in {
        "adapters.0.address": lambda: order("web-02", key="k2", adapters=(outside,)),
        "adapters.1.address": lambda: order(
            "web-02", key="k2", adapters=(NewAdapter(front), outside)
        ),
        "address": lambda: adapters.attach(
            by=alice, machine=running, network=front, address="10.20.9.4"
        ),
    }.items():
        with pytest.raises(Refused) as refused:
            ask()
        assert (refused.value.message, refused.value.field) == (says, field)
    with pytest.raises(Refused, match="broadcast address of 10.20.0.0/22"):
        adapters.change(by=alice, adapter=only_adapter(running), address="10.20.3.255")
    assert Job.objects.count() == before


@pytest.fixture
def narrow(running, fake) -> Network:
    """The network, with a pool of its own over there that keeps some of its addresses."""
    pool = RemotePool("10.20.0.50", "10.20.0.99", (("10.20.0.60", "10.20.0.69"),), ("10.20.0.50",))
    fake.networks[0] = replace(fake.networks[0], pools=(pool,))
    stamps.run(str(running.stamp_id))
    return Network.objects.get()


def test_an_address_that_no_pool_gives_never_becomes_a_job(running, narrow, alice, order):
    before = Job.objects.count()
    for address, says in {
        "10.20.0.9": "10.20.0.9 is outside the network's address pool 10.20.0.50–10.20.0.99.",
        "10.20.0.60": "10.20.0.60 is reserved in the network's address pool.",
        "10.20.0.50": "10.20.0.50 is the network's gateway; no machine can have it.",
    }.items():
        for field, ask in {
            "adapters.0.address": partial(
                order, "web-02", key="k2", adapters=(NewAdapter(narrow, address),)
            ),
            "address": partial(
                adapters.attach, by=alice, machine=running, network=narrow, address=address
            ),
        }.items():
            with pytest.raises(Refused) as refused:
                ask()
            assert (refused.value.message, refused.value.field) == (says, field)
        with pytest.raises(Refused, match=re.escape(says)):
            adapters.change(by=alice, adapter=only_adapter(running), address=address)
    assert Job.objects.count() == before


def test_an_address_that_a_pool_gives_is_got(narrow, order, work):
    machine = order("web-02", key="k2", adapters=(NewAdapter(narrow, WANTED),))
    work()
    machine.refresh_from_db()
    assert (machine.state, machine.addresses) == (MachineState.RUNNING, [WANTED])


def test_several_machines_are_refused_one_that_does_not_fit(subscription, alice):
    with pytest.raises(Refused, match="not in the network's subnet") as refused:
        machines.deploy_many(
            by=alice,
            subscription=subscription,
            order=new_machine(
                subscription, adapters=(NewAdapter(Network.objects.get(), "10.99.0.4"),)
            ),
            pattern="web##",
            count=1,
            request_key="k",
        )
    assert refused.value.field == "adapters.0.address"
    assert not Machine.objects.exists()


def test_an_address_kept_on_the_way_to_another_network_must_fit_there(running, alice):
    adapter = only_adapter(running)
    inside = Network.objects.create(
        id=uuid.uuid4(),
        stamp=running.stamp,
        name="inside",
        synced_at=timezone.now(),
        subnets=["10.30.0.0/24"],
    )
    running.subscription.plan.offering.networks.add(inside)
    with pytest.raises(Refused, match="not in the network's subnet 10.30.0.0/24"):
        adapters.change(by=alice, adapter=adapter, network=inside, address=adapter.addresses[0])


def test_where_subnets_are_not_known_nothing_is_said_of_them(running):
    network = only_adapter(running).network
    network.subnets, network.pools = [], None
    ordering.require_address(network, "10.99.0.4")
