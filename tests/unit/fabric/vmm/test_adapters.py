"""Network adapters of machines that are there, and the addresses that come and go with them."""

from __future__ import annotations

import pytest

from fabric.vmm import actions
from fabric.vmm.errors import (
    Conflict,
    Denied,
    Invalid,
    NoFreeAddress,
    NotFound,
    VMMError,
    WrongState,
)
from fabric.vmm.models import (
    AddressLease,
    AddressPool,
    CapabilityProfile,
    HostGroup,
    NetworkAdapter,
    NetworkSite,
    RoleResource,
)
from tests.factories.troubles import assert_true, fail, kill, suffer
from tests.factories.vmm import ADMINISTRATOR, deploy, driver, finish


@pytest.fixture
def machine(fabric, alice):
    return deploy(fabric, alice)


@pytest.fixture
def back(fabric, alice):
    """Return a second network that alice may use, with a pool of its own."""
    back = actions.networks.add_network(
        ADMINISTRATOR, fabric.server, logical_network=fabric.network.logical_network, name="back"
    )
    actions.pools.add(
        ADMINISTRATOR,
        fabric.server,
        network=back,
        name="back pool",
        cidr="10.30.0.0/24",
        gateway="10.30.0.1",
    )
    RoleResource.objects.create(role=alice.role, kind="VMNetwork", resource_id=back.pk)
    return back


def held(machine) -> list[str]:
    """Return the addresses that the machine's adapters hold."""
    leases = AddressLease.objects.filter(adapter__machine=machine).order_by("address")
    return [lease.address for lease in leases]


def resting() -> list[str]:
    leases = AddressLease.objects.filter(adapter=None).order_by("address")
    return [lease.address for lease in leases]


def assert_leases_true(machine) -> None:
    """Every address held is one that the host has, and the other way round."""
    guest = driver(machine.host).guest(machine.pk)
    there = [address for each in guest.adapters for address in each.addresses]
    assert sorted(there) == sorted(held(machine))
    assert not set(held(machine)) & set(resting())


def test_an_adapter_is_added_with_an_address_of_the_pool(alice, machine, back):
    finish(actions.adapters.attach(alice, machine, network=back))
    adapter = machine.adapters.get(network=back)
    assert (adapter.slot, adapter.mac_type) == (1, "Dynamic")
    assert adapter.addresses == ["10.30.0.2"]
    assert_true(machine)


def test_an_adapter_is_added_with_what_was_asked_for(alice, machine, back):
    finish(
        actions.adapters.attach(
            alice, machine, network=back, mac="02-4b-00-00-00-07", address="10.30.0.77"
        )
    )
    adapter = machine.adapters.get(network=back)
    assert (adapter.mac, adapter.mac_type) == ("02:4B:00:00:00:07", "Static")
    assert (adapter.addresses, adapter.ipv4_type) == (["10.30.0.77"], "Static")
    assert_true(machine)
    with pytest.raises(Conflict, match="02:4B:00:00:00:07 is in use"):
        actions.adapters.attach(alice, machine, network=back, mac="02:4B:00:00:00:07")
    with pytest.raises(Conflict, match=r"10\.30\.0\.77 .* web-01"):
        actions.adapters.attach(alice, machine, network=back, address="10.30.0.77")


def test_on_another_network_it_has_another_address_and_the_old_one_rests(alice, machine, back):
    adapter = machine.adapters.get()
    old = held(machine)
    job = actions.adapters.change(alice, adapter, network=back)
    assert set(old) < set(held(machine))
    finish(job)
    assert (held(machine), resting()) == (["10.30.0.2"], old)
    assert_true(machine)


def test_a_fixed_address_replaces_another_when_the_host_has_let_go(alice, machine):
    AddressPool.objects.update(quarantine_minutes=0)
    adapter = machine.adapters.get()
    old = held(machine)
    job = actions.adapters.change(alice, adapter, address="10.20.0.99")
    assert held(machine) == sorted([*old, "10.20.0.99"])
    finish(job)
    assert (held(machine), resting()) == (["10.20.0.99"], [])
    adapter.refresh_from_db()
    assert adapter.ipv4_type == "Static"
    assert_true(machine)
    finish(actions.adapters.change(alice, adapter, ipv4_type="Dynamic"))
    adapter.refresh_from_db()
    assert (adapter.ipv4_type, held(machine)) == ("Dynamic", ["10.20.0.99"])


def test_an_adapter_is_taken_off_its_network_and_put_back(fabric, alice, machine):
    adapter = machine.adapters.get()
    finish(actions.adapters.change(alice, adapter, network=None))
    assert held(machine) == []
    assert_true(machine)
    with pytest.raises(Invalid, match="on no network"):
        actions.adapters.change(alice, adapter, address="10.20.0.9")
    finish(actions.adapters.change(alice, adapter, network=fabric.network, address="10.20.0.9"))
    assert held(machine) == ["10.20.0.9"]
    assert_true(machine)


def test_a_removed_adapter_gives_its_address_back(alice, machine):
    old = held(machine)
    finish(actions.adapters.remove(alice, machine.adapters.get()))
    assert not NetworkAdapter.objects.exists()
    assert resting() == old
    assert_true(machine)


def test_while_it_is_changed_the_machine_says_so(alice, machine, back):
    actions.adapters.attach(alice, machine, network=back)
    machine.refresh_from_db()
    assert machine.status == "UnderUpdate"
    with pytest.raises(Conflict, match="Add network adapter"):
        actions.adapters.attach(alice, machine, network=back)
    with pytest.raises(Conflict):
        actions.adapters.remove(alice, machine.adapters.first())


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"mac": "nonsense"}, "no MAC"),
        ({"address": "10.30.0.300"}, "no IP address"),
        ({"address": "10.99.0.1"}, "back pool"),
        ({"address": "10.30.0.1"}, "gateway"),
        ({"ipv4_type": "Sometimes"}, "no address type"),
        ({"ipv4_type": "Dynamic", "address": "10.30.0.9"}, "not dynamic"),
    ],
)
def test_what_makes_no_sense_is_refused(alice, machine, back, wanted, words):
    with pytest.raises(VMMError, match=words):
        actions.adapters.attach(alice, machine, network=back, **wanted)
    machine.refresh_from_db()
    assert (machine.status, machine.adapters.count()) == ("Running", 1)


def test_a_network_must_be_there_for_the_caller_and_the_host(fabric, alice, charlie, machine, back):
    with pytest.raises(NotFound, match="back"):
        actions.adapters.attach(charlie, deploy(fabric, charlie, "shop"), network=back)
    with pytest.raises(NotFound):
        actions.adapters.attach(charlie, machine, network=fabric.network)
    far = HostGroup.objects.create(server=fabric.server, name="Far away")
    site = NetworkSite.objects.create(logical_network=back.logical_network, name="Far")
    site.host_groups.add(far)
    with pytest.raises(Conflict, match="does not reach the host of web-01"):
        actions.adapters.attach(alice, machine, network=back)
    site.host_groups.add(fabric.group)
    actions.adapters.attach(alice, machine, network=back)


def test_a_full_pool_says_so_at_once(alice, machine, back):
    AddressPool.objects.filter(network=back).update(reserved=[["10.30.0.2", "10.30.0.254"]])
    with pytest.raises(NoFreeAddress, match="back"):
        actions.adapters.change(alice, machine.adapters.get(), network=back)
    machine.refresh_from_db()
    assert machine.status == "Running"


def test_limits_and_permissions_are_held(fabric, alice, machine, back):
    profile = CapabilityProfile.objects.create(
        server=fabric.server, name="One", least_adapters=1, most_adapters=1
    )
    fabric.cloud.capability_profiles.add(profile)
    with pytest.raises(Invalid, match="One"):
        actions.adapters.attach(alice, machine, network=back)
    with pytest.raises(Invalid, match="One"):
        actions.adapters.remove(alice, machine.adapters.get())
    alice.role.permissions = ["Start"]
    with pytest.raises(Denied):
        actions.adapters.change(alice, machine.adapters.get(), network=back)


ASKS = {
    "attach": ["ensure_adapter", "guest"],
    "change": ["ensure_adapter", "guest"],
    "address": ["ensure_adapter", "guest"],
    "disconnect": ["ensure_adapter_removed", "guest"],
    "remove": ["ensure_adapter_removed", "guest"],
}


@pytest.fixture
def asker(alice, machine, back):
    """Return what asks for an operation, by its name."""
    AddressPool.objects.update(quarantine_minutes=0)
    adapter = machine.adapters.get()
    asks = {
        "attach": lambda: actions.adapters.attach(alice, machine, network=back),
        "change": lambda: actions.adapters.change(alice, adapter, network=back),
        "address": lambda: actions.adapters.change(alice, adapter, address="10.20.0.99"),
        "disconnect": lambda: actions.adapters.change(alice, adapter, network=None),
        "remove": lambda: actions.adapters.remove(alice, adapter),
    }
    return asks.__getitem__


@pytest.mark.parametrize("kind", ["fail", "unreachable", "hang", "lose_reply", "lie"])
@pytest.mark.parametrize(("what", "verb"), [(w, verb) for w in ASKS for verb in ASKS[w]])
def test_trouble_leaves_the_truth(alice, machine, asker, what, verb, kind):
    suffer(alice, machine, asker(what), "ensure_adapter", verb, kind)
    assert_leases_true(machine)


@pytest.mark.parametrize("what", ASKS)
def test_a_host_that_vanishes_is_waited_for(alice, machine, asker, what):
    suffer(alice, machine, asker(what), "ensure_adapter", "*", "vanish")
    assert_leases_true(machine)


@pytest.mark.parametrize("where", ["before", "between", "after"])
@pytest.mark.parametrize("step", ["ensure_adapter", "last"])
@pytest.mark.parametrize("what", ASKS)
def test_a_worker_may_die_anywhere(machine, asker, what, step, where):
    job = asker(what)()
    kill(job, job.steps[-1]["name"] if step == "last" else step, where)
    assert finish(job).state == "succeeded"
    assert_true(machine)
    assert_leases_true(machine)


def test_what_was_undone_is_asked_for_again(alice, machine, asker):
    fail(machine, "ensure_adapter")
    job = finish(asker("change")())
    with pytest.raises(WrongState, match="undone"):
        actions.jobs.restart(alice, job)
