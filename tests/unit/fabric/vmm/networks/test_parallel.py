"""Several at once: no ranges that meet, no VLAN twice, no more networks than a role may have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from fabric.vmm import actions, addresses
from fabric.vmm.actions.machines import NewAdapter
from fabric.vmm.errors import VMMError
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
