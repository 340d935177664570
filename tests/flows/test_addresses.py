"""An address of one's own (feature D047): reserve, keep, test, give back."""

from __future__ import annotations

import pytest

from fabric.actions import adapters, machines, ordering, power
from fabric.models import Adapter, Machine
from fabric.states import Verb
from tenants.errors import Conflicting

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
