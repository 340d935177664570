"""A machine found on a host with addresses of both families, taken onto our books."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings

from fabric.hypervisors.base import AdapterSpec
from fabric.hypervisors.simulated import meddling
from fabric.vmm import actions, drift
from fabric.vmm.actions import drift as decisions
from fabric.vmm.models import Drift, NetworkAdapter
from tests.factories.vmm import ADMINISTRATOR, driver


def adopted(fabric) -> NetworkAdapter:
    """Have a host find such a machine, adopt it, and return its adapter."""
    host = fabric.hosts[0]
    guest = meddling.add_guest(settings.SIMULATED_RACK, host.name)
    both = ("10.20.0.9", "2001:db8::9")
    spec = AdapterSpec(uuid4(), "02:00:00:00:00:09", "front", None, both)
    driver(host).ensure_adapter(guest, spec)
    drift.sweep()
    decisions.adopt(ADMINISTRATOR, Drift.objects.get(object_id=guest), cloud=fabric.cloud)
    return NetworkAdapter.objects.get(machine=guest)


def test_both_are_leased_where_there_are_pools_of_both(fabric):
    actions.pools.add(
        ADMINISTRATOR, fabric.server, network=fabric.network, name="six", cidr="2001:db8::/120"
    )
    adapter = adopted(fabric)
    assert (adapter.ipv4_type, adapter.ipv6_type) == ("Static", "Static")
    assert adapter.addresses == ["10.20.0.9", "2001:db8::9"]


def test_an_address_of_no_pool_is_nobodys_to_lease(fabric):
    assert adopted(fabric).addresses == ["10.20.0.9"]
