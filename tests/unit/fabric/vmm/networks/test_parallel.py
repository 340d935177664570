"""Several at once: no ranges that meet, no VLAN twice, no more networks than a role may have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError, local
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, transaction

from fabric.durable.recipe import Turn
from fabric.vmm import actions, addresses
from fabric.vmm.actions.machines import NewAdapter
from fabric.vmm.errors import VMMError
from fabric.vmm.jobs.deploy import ensure_addresses
from fabric.vmm.models import NetworkAdapter, UserRole, VMNetwork, VMSubnet
from tests.factories.vmm import ADMINISTRATOR, deploy, order

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
networks, pools = actions.networks, actions.pools


def at_once(calls: Iterable[Callable[[], Any]], workers: int = 6) -> list[Any]:
    """Make each call in a thread with a connection of its own; return results or refusals."""

    def guarded(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except VMMError as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(guarded, calls))


def done(results: Iterable[Any]) -> list[Any]:
    return [result for result in results if not isinstance(result, VMMError)]


def test_one_of_several_gets_the_range_and_the_vlan(fabric, logical):
    there = [
        networks.add_network(ADMINISTRATOR, fabric.server, logical_network=logical, name=f"n{n}")
        for n in range(6)
    ]
    made = at_once(
        [
            lambda network=network: pools.add(
                ADMINISTRATOR, fabric.server, network=network, name="a", cidr="10.30.0.0/24"
            )
            for network in there
        ]
    )
    assert len(done(made)) == VMSubnet.objects.filter(cidr="10.30.0.0/24").count() == 1
    tagged = at_once(
        [
            lambda network=network: networks.change_network(
                ADMINISTRATOR, network, isolation="VLANNetwork", vlan=7
            )
            for network in there
        ]
    )
    assert len(done(tagged)) == VMNetwork.objects.filter(vlan=7).count() == 1


def test_a_role_never_has_more_networks_than_it_may(fabric, virtual, alice):
    UserRole.objects.filter(pk=alice.role.pk).update(most_networks=3)
    made = at_once(
        [
            lambda n=n: networks.add_network(
                alice, fabric.server, logical_network=virtual, name=f"own {n}"
            )
            for n in range(10)
        ]
    )
    assert len(done(made)) == alice.role.own_networks.count() == 3


def test_a_pool_shrinks_or_an_address_is_leased_but_not_both(fabric, alice):
    pool = fabric.network.pools.get()
    for n in range(3):
        deploy(fabric, alice, f"old-{n}", adapters=[NewAdapter(network_id=fabric.network.pk)])
    shrink = [
        lambda last=last: pools.change(ADMINISTRATOR, pool, last=f"10.20.0.{last}")
        for last in (9, 7, 5, 3)
    ]
    machines = [order(fabric, alice, f"new-{n}")[0] for n in range(6)]
    lease = [lambda m=machine: leased(m) for machine in machines]
    at_once([call for pair in zip(lease, [*shrink, *shrink], strict=False) for call in pair])
    pool.refresh_from_db()
    held = [adapter.addresses for adapter in NetworkAdapter.objects.all()]
    numbers = sorted(int(each.rsplit(".", 1)[1]) for found in held for each in found)
    assert len(numbers) == len(set(numbers)) >= 3
    assert numbers[-1] <= int(str(pool.last).rsplit(".", 1)[1])


def leased(machine: Any) -> list[str]:
    with transaction.atomic():
        return addresses.lease(machine.adapters.select_related("network").get())


@pytest.fixture
def back(fabric, logical):
    """Return another network with a pool, on a server with a MAC pool."""
    made = networks.add_network(ADMINISTRATOR, fabric.server, logical_network=logical, name="back")
    pools.add(ADMINISTRATOR, fabric.server, network=made, name="back", cidr="10.30.0.0/24")
    actions.macs.add(
        ADMINISTRATOR,
        fabric.server,
        name="All",
        first="00:1D:D8:B7:1C:00",
        last="00:1D:D8:B7:1C:FF",
    )
    return made


@pytest.fixture
def crossing(monkeypatch):
    """Have two threads meet once each has its first address or MAC, if both get that far."""
    met, here = Barrier(2), local()

    def meeting(take: Callable[..., Any]) -> Callable[..., Any]:
        def taken(*args: Any, **options: Any) -> Any:
            found = take(*args, **options)
            if not hasattr(here, "has_met"):
                here.has_met = True
                try:
                    met.wait(timeout=1)
                except BrokenBarrierError:
                    pass
            return found

        return taken

    for name in ("lease", "new_mac"):
        monkeypatch.setattr(addresses, name, meeting(getattr(addresses, name)))


def on(*there: VMNetwork) -> list[NewAdapter]:
    return [NewAdapter(network_id=network.pk) for network in there]


def deployment(fabric: Any, name: str, *there: VMNetwork) -> Callable[[], Any]:
    """Return the taking of addresses of a machine on these networks, as its deployment does."""
    machine, _ = order(fabric, ADMINISTRATOR, name, adapters=on(*there))

    def take() -> None:
        with transaction.atomic():
            ensure_addresses(Turn(job=SimpleNamespace(subject=machine.pk), memo={}))

    return take


def test_machines_on_the_same_networks_in_another_order_never_cross(fabric, back, crossing):
    front = fabric.network
    at_once(
        [
            deployment(fabric, "web-01", front, back),
            deployment(fabric, "web-02", back, front),
        ],
        workers=2,
    )
    assert {len(adapter.addresses) for adapter in NetworkAdapter.objects.all()} == {1}


def test_an_adapter_added_and_a_machine_deployed_never_cross(fabric, back, request):
    old = deploy(fabric, ADMINISTRATOR, "old")
    new = deployment(fabric, "new", fabric.network)
    request.getfixturevalue("crossing")
    at_once(
        [lambda: actions.adapters.attach(ADMINISTRATOR, old, network=fabric.network), new],
        workers=2,
    )
    macs = set(NetworkAdapter.objects.values_list("mac", flat=True))
    assert len(macs - {None}) == 3
