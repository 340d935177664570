"""Addresses and MACs: who gets which, for how long, and never two the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fabric.vmm import addresses
from fabric.vmm.addresses import places
from fabric.vmm.addresses.macs import serving
from fabric.vmm.errors import Conflict, Invalid, NoFreeAddress
from fabric.vmm.models import (
    AddressLease,
    AddressPool,
    Host,
    HostGroup,
    MACPool,
    NetworkAdapter,
    Server,
    VirtualMachine,
    VMNetwork,
)
from fabric.vmm.roles import Caller
from tests.factories.vmm import make_role


def make_pool(network: VMNetwork, cidr: str, size: int, **values: Any) -> AddressPool:
    """Return a pool of the first addresses of a subnet, without asking whether it makes sense."""
    first = ip_address(cidr.split("/")[0]) + 1
    subnet, _ = network.subnets.get_or_create(cidr=cidr, defaults={"name": cidr})
    return AddressPool.objects.create(
        server=network.server,
        network=network,
        subnet=subnet,
        name=values.pop("name", f"{first}+{size}"),
        cidr=cidr,
        first=str(first),
        last=str(first + size - 1),
        size=size,
        **values,
    )


@pytest.fixture
def network(fabric) -> VMNetwork:
    """Return a network without pools."""
    logical = fabric.network.logical_network
    return VMNetwork.objects.create(server=fabric.server, logical_network=logical, name="back")


@pytest.fixture
def adapters(fabric, network) -> Callable[..., list[NetworkAdapter]]:
    """Return what makes adapters on the network, one machine each."""

    def make(count: int, role: Any = None) -> list[NetworkAdapter]:
        machines = VirtualMachine.objects.bulk_create(
            VirtualMachine(
                server=fabric.server,
                cloud=fabric.cloud,
                role=role,
                name=f"web-{n}",
                cores=1,
                memory_mb=512,
                storage_gb=1,
            )
            for n in range(count)
        )
        return NetworkAdapter.objects.bulk_create(
            NetworkAdapter(machine=machine, network=network) for machine in machines
        )

    return make


def end_rests() -> None:
    AddressLease.objects.filter(adapter=None).update(rests_until=timezone.now())


def test_an_adapter_gets_an_address_of_each_family_there_is(network, adapters):
    make_pool(network, "2001:db8::/64", 100)
    make_pool(network, "10.1.0.0/24", 10)
    first, second = adapters(2)
    assert addresses.lease(first) == ["10.1.0.1", "2001:db8::1"] == addresses.leased(first)
    assert addresses.lease(second) == ["10.1.0.2", "2001:db8::2"]
    assert addresses.lease(first) == ["10.1.0.1", "2001:db8::1"]
    assert AddressLease.objects.count() == 4


def test_a_network_without_pools_gives_none(adapters):
    (adapter,) = adapters(1)
    assert addresses.lease(adapter) == []


def test_reserved_ranges_gateway_and_dns_servers_are_never_leased(network, adapters):
    make_pool(
        network,
        "10.1.0.0/24",
        10,
        gateway="10.1.0.1",
        dns=["10.1.0.5", "192.0.2.1", "2001:db8::1"],
        reserved=[["10.1.0.2", "10.1.0.3"], ["10.1.0.9", "10.1.0.200"]],
    )
    *some, last = adapters(5)
    assert [addresses.lease(adapter) for adapter in some] == [
        ["10.1.0.4"],
        ["10.1.0.6"],
        ["10.1.0.7"],
        ["10.1.0.8"],
    ]
    with pytest.raises(NoFreeAddress, match=r"back has no free IPv4 address: all of 10\.1\.0\.1"):
        addresses.lease(last)


def test_the_next_pool_is_used_when_the_first_is_used_up(network, adapters):
    make_pool(network, "10.2.0.0/24", 1)
    make_pool(network, "10.1.0.0/24", 1)
    assert [addresses.lease(a) for a in adapters(2)] == [["10.1.0.1"], ["10.2.0.1"]]


def test_an_address_given_back_rests(network, adapters):
    make_pool(network, "10.1.0.0/24", 2, quarantine_minutes=30)
    first, second, third = adapters(3)
    addresses.lease(first)
    addresses.lease(second)
    addresses.release([first])
    assert addresses.leased(first) == []
    rest = AddressLease.objects.get(adapter=None)
    assert timedelta(minutes=29) < rest.rests_until - timezone.now() <= timedelta(minutes=30)
    with pytest.raises(NoFreeAddress):
        addresses.lease(third)
    addresses.release([first])
    rest.refresh_from_db()
    end_rests()
    assert addresses.lease(third) == ["10.1.0.1"]
    assert AddressLease.objects.count() == 2


def test_without_quarantine_an_address_is_free_at_once(network, adapters):
    make_pool(network, "10.1.0.0/24", 1, quarantine_minutes=0)
    first, second = adapters(2)
    addresses.lease(first)
    addresses.release(NetworkAdapter.objects.filter(pk=first.pk))
    assert not AddressLease.objects.exists()
    assert addresses.lease(second) == ["10.1.0.1"]


def test_the_address_that_rested_longest_is_taken_first(network, adapters):
    make_pool(network, "10.1.0.0/16", 200)
    held = adapters(200)
    for adapter in held:
        addresses.lease(adapter)
    addresses.release(held[100:110])
    AddressLease.objects.filter(address="10.1.0.108").update(
        rests_until=timezone.now() - timedelta(hours=1)
    )
    AddressLease.objects.filter(address="10.1.0.104").update(
        rests_until=timezone.now() - timedelta(minutes=1)
    )
    assert addresses.lease(held[100]) == ["10.1.0.108"]
    assert addresses.lease(held[101]) == ["10.1.0.104"]


def test_what_was_reserved_while_it_rested_stays_free(network, adapters):
    pool = make_pool(network, "10.1.0.0/16", 100)
    held = adapters(100)
    for adapter in held:
        addresses.lease(adapter)
    addresses.release(held[80:82])
    end_rests()
    AddressPool.objects.filter(pk=pool.pk).update(reserved=[["10.1.0.81", "10.1.0.81"]])
    assert addresses.lease(held[80]) == ["10.1.0.82"]
    with pytest.raises(NoFreeAddress):
        addresses.lease(held[81])


def test_a_hole_far_from_the_cursor_is_found(network, adapters):
    pool = make_pool(network, "10.1.0.0/16", 3000)
    (adapter,) = adapters(1)
    low = int(ip_address("10.1.0.1"))
    AddressLease.objects.bulk_create(
        AddressLease(pool=pool, adapter=adapter, address=str(ip_address(low + place)))
        for place in range(3000)
        if place != 2500
    )
    (other,) = adapters(1)
    assert addresses.lease(other) == [str(ip_address(low + 2500))]


def test_a_lease_costs_the_same_however_full_the_pool_is(network, adapters):
    make_pool(network, "10.1.0.0/22", 1000)
    counts = []
    for adapter in adapters(150):
        with CaptureQueriesContext(connection) as queries:
            addresses.lease(adapter)
        counts.append(len(queries))
    assert set(counts) == {2}


class TestFixed:
    def test_a_free_address_of_a_pool_is_given_and_is_static(self, network, adapters):
        make_pool(network, "10.1.0.0/24", 100)
        make_pool(network, "2001:db8::/64", 100)
        (adapter,) = adapters(1)
        adapter.mac_type = "Dynamic"
        assert addresses.lease(adapter, ["10.1.0.50"]) == ["10.1.0.50", "2001:db8::1"]
        adapter.refresh_from_db()
        assert (adapter.mac_type, adapter.ipv4_type) == ("Static", "Static")
        assert adapter.ipv6_type == "Dynamic"
        assert addresses.lease(adapter, ["10.1.0.50"]) == ["10.1.0.50", "2001:db8::1"]

    def test_another_one_is_taken_instead_and_the_old_one_rests(self, network, adapters):
        make_pool(network, "10.1.0.0/24", 100)
        (adapter,) = adapters(1)
        addresses.lease(adapter)
        assert addresses.lease(adapter, ["10.1.0.50"]) == ["10.1.0.50"]
        assert addresses.leased(adapter) == ["10.1.0.50"]
        assert str(AddressLease.objects.get(adapter=None).address) == "10.1.0.1"
        with pytest.raises(Conflict, match="10.1.0.1 of the pool .* rests until"):
            addresses.lease(adapter, ["10.1.0.1"])

    @pytest.mark.parametrize(
        ("wanted", "error", "says"),
        [
            (["10.9.9.9"], NoFreeAddress, "10.9.9.9 is in no address pool of the network back"),
            (["2001:db8::1"], NoFreeAddress, "2001:db8::1 is in no address pool"),
            (["10.1.0.2"], Conflict, "10.1.0.2 is the gateway in the pool"),
            (["10.1.0.3"], Conflict, "10.1.0.3 is a DNS server in the pool"),
            (["10.1.0.4"], Conflict, "10.1.0.4 is reserved in the pool"),
            (["ten"], Invalid, "'ten' is no IP address"),
            (["10.1.0.8", "10.1.0.9"], Invalid, "not both 10.1.0.8 and 10.1.0.9"),
        ],
    )
    def test_what_cannot_be_had_is_refused(self, network, adapters, wanted, error, says):
        reserved = [["10.1.0.4", "10.1.0.5"]]
        pool = make_pool(network, "10.1.0.0/24", 100, gateway="10.1.0.2", reserved=reserved)
        AddressPool.objects.filter(pk=pool.pk).update(dns=["10.1.0.3"])
        (adapter,) = adapters(1)
        with pytest.raises(error, match=says) as refusal:
            addresses.lease(adapter, wanted)
        assert refusal.value.field == "address"

    def test_who_holds_it_is_named_but_not_to_strangers(self, fabric, network, adapters):
        make_pool(network, "10.1.0.0/24", 100)
        alice, charlie = make_role(fabric), make_role(fabric, "charlie@example.net")
        mine, other = adapters(2, alice)
        addresses.lease(mine, ["10.1.0.7"])
        with pytest.raises(Conflict, match=r"10\.1\.0\.7 of the pool .* by the machine web-0"):
            addresses.lease(other, ["10.1.0.7"], by=Caller(role=alice))
        (stranger,) = adapters(1, charlie)
        with pytest.raises(Conflict, match="another user role") as refusal:
            addresses.lease(stranger, ["10.1.0.7"], by=Caller(role=charlie))
        assert "web-0" not in refusal.value.message


def ranges(size: int) -> st.SearchStrategy[list[list[int]]]:
    pairs = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1))
    return st.lists(pairs.map(sorted), max_size=6)


@given(size=st.integers(1, 200), data=st.data())
def test_every_place_is_usable_once_or_excluded(size, data):
    low = ip_address("10.1.0.1")
    reserved = data.draw(ranges(size))
    pool = AddressPool(
        first=str(low), size=size, reserved=[[str(low + a), str(low + b)] for a, b in reserved]
    )
    cursor = data.draw(st.integers(0, size - 1))
    order = places.from_cursor(places.usable(pool), cursor)
    seen = [place for window in places.windows(order) for place in numbers(window)]
    excluded = {place for pair in reserved for place in numbers([pair])}
    assert sorted(seen) == sorted(set(range(size)) - excluded)
    assert seen == sorted(seen, key=lambda place: (place - cursor) % size)


def numbers(pairs: Iterable[Any]) -> list[int]:
    return [place for start, stop in pairs for place in range(start, stop + 1)]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.tuples(st.integers(0, 11), st.sampled_from("lrwe")), max_size=40))
def test_no_address_is_ever_held_twice(network, adapters, moves):
    """Lease, release, want a fixed one, let rests end: in any order."""
    with transaction.atomic():
        make_pool(network, "10.1.0.0/28", 8, gateway="10.1.0.1", quarantine_minutes=5)
        make_pool(network, "10.2.0.0/28", 2, quarantine_minutes=0)
        there = adapters(12)
        for number, move in moves:
            follow(there[number], number, move)
            held = [str(row.address) for row in AddressLease.objects.exclude(adapter=None)]
            assert len(held) == len(set(held)) <= 9
            assert "10.1.0.1" not in held
        transaction.set_rollback(True)


def follow(adapter: NetworkAdapter, number: int, move: str) -> None:
    if move == "r":
        addresses.release([adapter])
    elif move == "e":
        end_rests()
    else:
        wanted = [f"10.1.0.{number + 1}"] if move == "w" else []
        before = addresses.leased(adapter)
        try:
            got = addresses.lease(adapter, wanted)
        except (NoFreeAddress, Conflict):
            assert addresses.leased(adapter) == before
        else:
            assert addresses.leased(adapter) == got
            assert len(got) == 1


def at_once(calls: Iterable[Callable[[], Any]], workers: int = 6) -> list[Any]:
    """Make each call in a transaction of a thread of its own; return results or refusals."""

    def guarded(call: Callable[[], Any]) -> Any:
        try:
            with transaction.atomic():
                return call()
        except (NoFreeAddress, Conflict) as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(guarded, calls))


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_parallel_leases_never_meet(fabric, network, adapters):
    make_pool(network, "10.1.0.0/24", 30)
    make_pool(network, "2001:db8::/64", 1000)
    there = adapters(40)
    results = at_once([lambda a=a: addresses.lease(a) for a in there])
    got = [result for result in results if isinstance(result, list)]
    assert len(got) == 30
    assert len({address for pair in got for address in pair}) == 60
    fixed = at_once([lambda a=a: addresses.lease(a, ["2001:db8::200"]) for a in there[:6]])
    assert sum(isinstance(result, list) for result in fixed) <= 1
    addresses.release(there)
    end_rests()
    churn = at_once([lambda a=a: (addresses.lease(a), addresses.release([a])) for a in there])
    assert not [result for result in churn if isinstance(result, Conflict)]


def new_mac(server: Server | UUID, host: Host | None = None) -> str:
    return addresses.new_mac(serving(server, host))


class TestMACs:
    def pool(self, fabric: Any, first: int, last: int, *groups: HostGroup) -> MACPool:
        pool = MACPool.objects.create(
            server=fabric.server, name=f"{first:x}", first=first, last=last, cursor=first
        )
        pool.host_groups.set(groups)
        return pool

    def give(self, adapter: NetworkAdapter, *where: Any) -> str:
        adapter.mac = new_mac(*where)
        adapter.save()
        return adapter.mac

    def test_without_a_pool_they_are_random_and_locally_administered(self, fabric):
        assert new_mac(fabric.server).startswith("02:4B:")
        assert new_mac(fabric.server) != new_mac(fabric.server.pk)

    def test_they_come_in_order_skip_those_in_use_and_are_found_again(self, fabric, adapters):
        self.pool(fabric, 0x02_00_00_00_00_FE, 0x02_00_00_00_01_00)
        first, second, third, fourth = adapters(4)
        NetworkAdapter.objects.filter(pk=first.pk).update(mac="02:00:00:00:00:FF")
        assert self.give(second, fabric.server) == "02:00:00:00:00:FE"
        assert self.give(third, fabric.server) == "02:00:00:00:01:00"
        with pytest.raises(NoFreeAddress, match="used up: 200000000fe"):
            new_mac(fabric.server)
        second.delete()
        assert self.give(fourth, fabric.server) == "02:00:00:00:00:FE"

    def test_the_pool_of_the_nearest_group_serves_a_host(self, fabric):
        host, server = fabric.hosts[0], fabric.server
        rack = HostGroup.objects.create(server=server, name="Rack 1", parent=fabric.group)
        aside = HostGroup.objects.create(server=server, name="Rack 2", parent=fabric.group)
        self.pool(fabric, 0x06_00_00_00_00_01, 0x06_00_00_00_00_FF)
        self.pool(fabric, 0x0A_00_00_00_00_01, 0x0A_00_00_00_00_FF, aside)
        self.pool(fabric, 0x02_00_00_00_00_01, 0x02_00_00_00_00_FF, fabric.group)
        host.group = rack
        assert new_mac(server, host).startswith("02:")
        self.pool(fabric, 0x0E_00_00_00_00_01, 0x0E_00_00_00_00_FF, rack)
        assert new_mac(server, host).startswith("0E:")
        assert new_mac(server).startswith("06:")

    def test_pools_of_another_server_serve_nobody_here(self, fabric):
        other = Server.objects.create(name="other.example.net")
        MACPool.objects.create(server=other, name="a", first=1, last=9, cursor=1)
        assert new_mac(fabric.server).startswith("02:4B:")

    @pytest.mark.slow
    @pytest.mark.django_db(transaction=True)
    def test_parallel_ones_are_all_different(self, fabric, adapters):
        self.pool(fabric, 0x02_00_00_00_00_01, 0x02_00_00_00_00_14)
        results = at_once([lambda a=a: self.give(a, fabric.server) for a in adapters(30)])
        assert len({mac for mac in results if isinstance(mac, str)}) == 20
        assert sum(isinstance(result, NoFreeAddress) for result in results) == 10
