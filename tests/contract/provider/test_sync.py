"""The sync over the real client and our own server, as that and as other generations."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from fabric import registry
from fabric.models import Machine, Network, Stamp
from fabric.providers import changes
from fabric.providers.abilities import CHANGES, LOAD, SP1
from fabric.states import MachineState
from fabric.sync import passes, stamps
from fabric.vmm.actions import pools, subnets
from fabric.vmm.models import AddressPool, VMNetwork
from tests.contract.provider.benches import Bench
from tests.contract.provider.generations import Paging, Strict
from tests.factories.fabric import make_cloud, make_machine, make_plan, make_stamp
from tests.factories.fabric import make_subscription as subscribe
from tests.factories.vmm import ADMINISTRATOR

SHOWN = ("name", "state", "addresses", "host_name", "cores", "memory_mb", "os_name")


@pytest.fixture
def stamp(bench: Bench, db, vault, alices):
    """The bench's stamp as a row, with two machines of ours and one of somebody else."""
    if bench.transport is None:
        pytest.skip("there is no wire")
    stamp = make_stamp(id=bench.stamp_id, synced_at=None)
    subscription = subscribe(alices, make_plan(make_cloud(stamp)))
    tenant = bench.tenant(limits={"machines": 5, "cores": 20, "memory_mb": None, "storage_gb": 500})
    for name in ("web-01", "web-02"):
        _, remote_id = bench.deploy(tenant, name=name, cores=1)
        make_machine(subscription, name, remote_id=remote_id, addresses=[])
    bench.deploy(tenant, name="stranger", cores=1)
    bench.tenant_id = tenant
    with registry.use(lambda row: bench.provider):
        assert stamps.run(str(stamp.pk))
        yield stamp


def rows() -> list[tuple]:
    return list(Machine.objects.order_by("name").values_list(*SHOWN))


def asked(bench: Bench, stamp: Stamp) -> list[str]:
    """Take a pass; return how machines were asked for."""
    bench.transport.addresses.clear()
    assert stamps.run(str(stamp.pk))
    queries = (
        str(url.query) for url in bench.transport.addresses if url.path.endswith("/VirtualMachines")
    )
    of_machines = [each for each in queries if "VirtualDiskDrives" not in each]
    return ["changes" if "ModifiedTime" in each else "all" for each in of_machines]


def test_what_an_endpoint_can_do_is_read_once(bench, stamp):
    provider = stamp.provider
    provider.refresh_from_db()
    assert provider.abilities_read_at is not None
    assert provider.capabilities["generation"] == bench.generation
    bench.transport.addresses.clear()
    stamps.run(str(stamp.pk))
    assert not [url for url in bench.transport.addresses if url.path.endswith("$metadata")]
    if LOAD in bench.lacks:
        assert not [url for url in bench.transport.addresses if "PerformanceData" in url.path]


def test_changes_are_read_alone_and_come_to_the_same_as_all(bench, stamp):
    bench.needs(CHANGES)
    web = Machine.objects.get(name="web-01")
    assert (web.state, len(web.addresses)) == (MachineState.RUNNING, 1)
    bench.operate(web.remote_id, "Stop", bench.tenant_id)
    assert set(asked(bench, stamp)) == {"changes"}
    web.refresh_from_db()
    assert web.state == MachineState.STOPPED
    read = rows()
    Stamp.objects.update(full_sync_at=timezone.now() - passes.FULL_EVERY)
    assert set(asked(bench, stamp)) == {"all"}
    assert rows() == read


def test_all_are_read_page_by_page(bench, stamp, monkeypatch):
    read = rows()
    monkeypatch.setattr("fabric.providers.spf.client.MACHINES_IN_ONE_PAGE", 1)
    Stamp.objects.update(full_sync_at=None)
    pages = asked(bench, stamp)
    assert pages == ["all"] * (2 if isinstance(bench.transport, Paging) else 3)
    assert rows() == read


def device_queries(bench: Bench) -> list[str]:
    """Which machines were asked about with all that hangs on them, query by query."""
    addresses = [str(url) for url in bench.transport.addresses]
    return [each for each in addresses if "VirtualDiskDrives" in each]


def test_what_hangs_on_machines_is_read_at_first(bench, stamp):
    for machine in Machine.objects.all():
        (disk,) = machine.disks.all()
        assert (disk.is_boot, disk.size_gb) == (True, machine.storage_gb)
        (adapter,) = machine.adapters.all()
        assert adapter.network_name == "front"
        assert machine.devices_synced_at is not None


def test_a_change_made_by_others_is_read_for_that_machine_alone(bench, stamp):
    bench.needs(CHANGES)
    web, other = Machine.objects.order_by("name")
    before = other.devices_synced_at
    grown = changes.GrowDisk(web.remote_id, web.disks.get().remote_id, 77)
    bench.change(grown, bench.tenant_id)
    bench.transport.addresses.clear()
    stamps.run(str(stamp.pk))
    asked = device_queries(bench)
    assert str(web.remote_id) in asked[0]
    assert not any(str(other.remote_id) in each for each in asked)
    web.refresh_from_db()
    other.refresh_from_db()
    assert (web.storage_gb, web.disks.get().size_gb) == (77, 77)
    assert other.devices_synced_at == before


def test_nothing_is_asked_about_devices_while_nothing_changes(bench, stamp):
    bench.needs(CHANGES)
    # What was written within a minute before the mark may be shown late.
    Machine.objects.update(devices_synced_at=timezone.now() + timedelta(minutes=1))
    bench.transport.addresses.clear()
    stamps.run(str(stamp.pk))
    assert device_queries(bench) == []


def test_one_removed_by_others_is_missing_soon(bench, stamp):
    web = Machine.objects.get(name="web-01")
    bench.operate(web.remote_id, "Stop", bench.tenant_id)
    stamps.run(str(stamp.pk))
    bench.provider.remove_machine(
        web.remote_id, stamp_id=bench.stamp_id, tenant=bench.tenant_id, person="alice@example.net"
    )
    bench.settle()
    if isinstance(bench.transport, Strict):
        # It does not count: only the next full pass can tell.
        Stamp.objects.update(full_sync_at=timezone.now() - passes.FULL_EVERY)
    stamps.run(str(stamp.pk))
    web.refresh_from_db()
    assert web.state == MachineState.MISSING


def test_pools_follow_those_over_there(bench, stamp):
    front = Network.objects.get(pk=bench.network_id)
    if bench.generation == SP1:
        assert front.pools is None
        return
    keeps = {"reserved": [], "gateways": ["10.20.0.1"], "dns_servers": []}
    told = {"first": "10.20.0.1", "last": "10.20.3.254", **keeps}
    assert front.pools == [told]
    pool = AddressPool.objects.get(network=bench.network_id)
    more = {"reserved": [["10.20.1.7", "10.20.1.9"], ["10.20.2.1", "10.20.2.1"]]}
    for changed in (more, {"last": "10.20.2.99", "dns": ["10.20.2.98"]}):
        pools.change(ADMINISTRATOR, pool, **changed)
        stamps.run(str(stamp.pk))
    front.refresh_from_db()
    assert front.pools == [told | more | {"last": "10.20.2.99", "dns_servers": ["10.20.2.98"]}]


def test_subnets_follow_those_over_there(bench, stamp):
    front = Network.objects.get(pk=bench.network_id)
    assert front.subnets == ["10.20.0.0/22"]
    there = VMNetwork.objects.get(pk=bench.network_id)
    more = subnets.add(ADMINISTRATOR, there.server, network=there, name="more", cidr="10.9.0.0/24")
    for cidr in ("10.9.0.0/24", "10.9.4.0/23"):
        subnets.change(ADMINISTRATOR, more, cidr=cidr)
        stamps.run(str(stamp.pk))
        front.refresh_from_db()
        assert front.subnets == [cidr, "10.20.0.0/22"]
    subnets.remove(ADMINISTRATOR, more)
    stamps.run(str(stamp.pk))
    front.refresh_from_db()
    assert front.subnets == ["10.20.0.0/22"]
