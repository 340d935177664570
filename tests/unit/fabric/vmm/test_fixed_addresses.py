"""Fixed addresses in orders: taken at once, kept by the deployment, given back with the machine."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fabric.vmm import actions
from fabric.vmm.actions.machines import NewAdapter
from fabric.vmm.errors import Conflict, Invalid, NoFreeAddress
from fabric.vmm.models import AddressLease, VirtualMachine
from tests.factories.vmm import deploy, driver, finish, order

ADDRESS = "10.20.1.77"


def on(fabric, address: str = ADDRESS, **more) -> dict[str, list[NewAdapter]]:
    return {"adapters": [NewAdapter(network_id=fabric.network.pk, address=address, **more)]}


def test_the_guest_has_the_address_it_was_ordered_with(fabric, alice):
    machine = deploy(fabric, alice, **on(fabric))
    assert driver(machine.host).guest(machine.pk).addresses == (ADDRESS,)
    adapter = machine.adapters.get()
    assert (adapter.ipv4_type, adapter.mac_type) == ("Static", "Static")
    finish(actions.machines.operate(alice, machine, "Stop"))
    finish(actions.machines.remove(alice, machine))
    assert not AddressLease.objects.filter(adapter__isnull=False).exists()


def test_it_is_taken_when_it_is_ordered(fabric, alice, charlie):
    order(fabric, alice, **on(fabric))
    with pytest.raises(Conflict, match=f"{ADDRESS} .* leased by the machine web-01") as refused:
        order(fabric, alice, "web-02", **on(fabric))
    assert refused.value.field == "address"
    with pytest.raises(Conflict, match="leased by a machine of another user role"):
        order(fabric, charlie, "web-02", **on(fabric))
    assert VirtualMachine.objects.count() == 1


@pytest.mark.parametrize(
    ("address", "more", "error", "says"),
    [
        ("10.99.0.1", {}, NoFreeAddress, "in no address pool of the network front: it has front"),
        ("10.20.0.1", {}, Conflict, "is the gateway in the pool"),
        ("10.20.1", {}, Invalid, "no IP address"),
        ("2001:db8::7", {}, NoFreeAddress, "in no address pool"),
        (ADDRESS, {"ipv4_type": "Dynamic"}, Invalid, "is fixed: it is not dynamic"),
    ],
)
def test_an_address_that_cannot_be_is_refused_in_words(fabric, alice, address, more, error, says):
    with pytest.raises(error, match=says):
        order(fabric, alice, **on(fabric, address, **more))
    assert not VirtualMachine.objects.exists()
    assert not AddressLease.objects.exists()


def test_an_adapter_on_no_network_has_no_address(fabric, alice):
    with pytest.raises(Invalid, match="on no network"):
        order(fabric, alice, adapters=[NewAdapter(address=ADDRESS)])


def test_orders_without_one_ask_the_pools_nothing(fabric, alice):
    order(fabric, alice, "warm")
    with CaptureQueriesContext(connection) as queries:
        order(fabric, alice)
    assert not [query for query in queries if "vmm_addresslease" in query["sql"]]
