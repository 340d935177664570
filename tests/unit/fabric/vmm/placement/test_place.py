"""Choosing a host with real rows: the cloud, the network, rules, sets, slots, and what is taken."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fabric.vmm import actions, placement
from fabric.vmm.errors import NoFreeSlot, NoSuitableHost
from fabric.vmm.models import Host, NetworkSite, StorageClassification, VMTemplate
from tests.factories.placement import affinity_set, assert_sums_agree, unplaced
from tests.factories.vmm import ADMINISTRATOR, make_fabric


@pytest.fixture
def first(fabric) -> Host:
    return fabric.hosts[0]


@pytest.fixture
def second(fabric) -> Host:
    return fabric.hosts[1]


def now(row):
    row.refresh_from_db()
    return row


def test_the_host_counts_what_the_machine_and_its_disks_take(fabric):
    machine = unplaced(fabric, cores=2, memory_mb=4096, disks=(20, 30))
    host = placement.place(machine)
    assert now(machine).host == host
    assert (host.rating.stars, host.rating.host) == (4.7, host.name)
    assert host.rating.reasons == ("94% of memory free afterwards",)
    held = now(host)
    assert (held.used_cores, held.used_memory_mb, held.used_storage_gb) == (2, 4096, 50)
    assert {drive.volume.used_gb for drive in machine.disks.all()} == {50}
    assert_sums_agree()


def test_a_machine_that_was_placed_stays(fabric):
    machine = unplaced(fabric)
    assert placement.place(machine) == placement.place(machine)
    assert_sums_agree()


def test_all_is_given_back_and_only_once(fabric):
    machine = unplaced(fabric, disks=(20, 30))
    host = placement.place(machine)
    for _ in range(2):
        placement.release(machine)
    assert (now(machine).host, now(host).used_memory_mb, host.used_storage_gb) == (None, 0, 0)
    assert_sums_agree()


def test_hosts_of_groups_below_the_clouds_are_the_clouds(fabric, first):
    below = actions.groups.add(ADMINISTRATOR, fabric.server, name="Rack 1", parent=fabric.group)
    beside = actions.groups.add(ADMINISTRATOR, fabric.server, name="Elsewhere")
    Host.objects.filter(pk=first.pk).update(group=below)
    Host.objects.exclude(pk=first.pk).update(group=beside)
    assert placement.place(unplaced(fabric)) == first


def test_where_nothing_fits_the_error_says_what_lacks_and_names_no_host(fabric, first):
    big = unplaced(fabric, memory_mb=100_000, cores=200)
    with pytest.raises(NoSuitableHost) as caught:
        placement.place(big)
    assert caught.value.message == (
        "No host has room for this machine: 100000 MB of memory are wanted and at most 65536 are "
        "free on one host; 200 processors are wanted and at most 128 are free on one host."
    )
    actions.hosts.set_maintenance(ADMINISTRATOR, first, is_in_maintenance=True)
    actions.hosts.note_health(fabric.hosts[1], False, "No answer.")
    with pytest.raises(NoSuitableHost) as caught:
        placement.place(unplaced(fabric))
    assert caught.value.message == (
        "No host has room for this machine: 1 host: in maintenance; 1 host: not responding."
    )
    assert_sums_agree()


def test_a_cloud_without_hosts_says_so(fabric):
    fabric.cloud.host_groups.set([actions.groups.add(ADMINISTRATOR, fabric.server, name="Empty")])
    with pytest.raises(NoSuitableHost, match="no host that could be chosen"):
        placement.place(unplaced(fabric))


def test_a_disk_larger_than_any_volume_is_named_by_its_size(db, vault):
    fabric = make_fabric(storage_gb=100)
    with pytest.raises(NoSuitableHost, match="150 GB of storage are wanted and at most 100 are"):
        placement.place(unplaced(fabric, disks=(150,)))


def test_disks_go_to_the_kind_of_storage_they_ask_for(fabric, first):
    fast = actions.storage.add(ADMINISTRATOR, fabric.server, name="Fast")
    with pytest.raises(NoSuitableHost, match="no volume of Fast with 20 GB free"):
        placement.place(unplaced(fabric, disks=((20, fast),)))
    volume = actions.hosts.add_volume(
        ADMINISTRATOR, first, name="ssd", capacity_gb=50, classification=fast
    )
    machine = unplaced(fabric, disks=((20, fast), 100))
    assert placement.place(machine) == first
    assert [drive.volume.name for drive in machine.disks.order_by("lun")] == ["ssd", "data"]
    assert now(volume).used_gb == 20
    assert_sums_agree()


def test_a_cloud_may_be_limited_to_some_kinds_of_storage(fabric, second):
    archive = StorageClassification.objects.create(server=fabric.server, name="Archive")
    fabric.cloud.classifications.add(archive)
    with pytest.raises(NoSuitableHost, match="no volume with 20 GB free"):
        placement.place(unplaced(fabric))
    second.volumes.update(classification=archive)
    assert placement.place(unplaced(fabric)) == second


def test_a_reserve_is_never_given_away(fabric):
    actions.groups.change(ADMINISTRATOR, fabric.group, reserved_memory_mb=60_000)
    with pytest.raises(NoSuitableHost, match="at most 5536 are free"):
        placement.place(unplaced(fabric, memory_mb=6_000))


def test_a_network_must_reach_the_host(fabric, second):
    logical = fabric.network.logical_network
    racks = actions.groups.add(ADMINISTRATOR, fabric.server, name="Rack 2", parent=fabric.group)
    Host.objects.filter(pk=second.pk).update(group=racks)
    assert len(placement.rate(unplaced(fabric, networks=[fabric.network]))) == 2
    site = NetworkSite.objects.create(logical_network=logical, name="Rack 2 only")
    with pytest.raises(NoSuitableHost, match="2 hosts: without the network Datacenter"):
        placement.place(unplaced(fabric, networks=[fabric.network]))
    site.host_groups.add(racks)
    assert placement.place(unplaced(fabric, networks=[fabric.network])) == second
    site.host_groups.set([fabric.group])
    reached = placement.rate(unplaced(fabric, networks=[fabric.network]))
    assert all(not rating.excluded for rating in reached)


def test_rules_of_groups_above_hold_below_and_go_by_either_tag(fabric, first, second):
    actions.hosts.change(ADMINISTRATOR, second, tags=["SSD"])
    below = actions.groups.add(ADMINISTRATOR, fabric.server, name="Rack 1", parent=fabric.group)
    Host.objects.update(group=below)
    rule = {"tag": "db", "relation": "must", "host_tag": "ssd"}
    actions.groups.change(ADMINISTRATOR, fabric.group, placement_rules=[rule])
    assert placement.place(unplaced(fabric, tag="DB")) == second
    VMTemplate.objects.update(tags=["db"])
    assert placement.place(unplaced(fabric, template=now(fabric.template))) == second
    assert placement.place(unplaced(fabric)) == first


def test_a_strict_set_keeps_machines_apart_until_there_is_no_host_left(fabric):
    apart = affinity_set(fabric)
    hosts = {placement.place(unplaced(fabric, affinity=apart)) for _ in range(2)}
    assert hosts == set(fabric.hosts)
    with pytest.raises(NoSuitableHost, match="another machine of the affinity set web is there"):
        placement.place(unplaced(fabric, affinity=apart))


def test_a_loose_set_only_costs_stars(fabric):
    apart = affinity_set(fabric, is_strict=False)
    placed = [placement.place(unplaced(fabric, affinity=apart)) for _ in range(3)]
    assert set(placed[:2]) == set(fabric.hosts)
    assert "another machine of the affinity set web is there (−1.5)" in placed[2].rating.reasons


def test_a_set_that_belongs_together_follows_its_first_machine(fabric):
    together = affinity_set(fabric, "together")
    placed = {placement.place(unplaced(fabric, affinity=together)) for _ in range(3)}
    assert len(placed) == 1
    left = placed.pop()
    Host.objects.filter(pk=left.pk).update(used_memory_mb=left.memory_mb)
    with pytest.raises(NoSuitableHost, match="the other machines of the affinity set web are"):
        placement.place(unplaced(fabric, affinity=together))


def test_busy_hosts_are_told_apart_from_full_ones(fabric, first, second):
    Host.objects.filter(pk=first.pk).update(busy_slots=8)
    assert placement.place(unplaced(fabric), needs_slot=True) == second
    Host.objects.update(busy_slots=8)
    with pytest.raises(NoFreeSlot, match=r"busy with other jobs \(2 hosts in all\)"):
        placement.place(unplaced(fabric), needs_slot=True)
    assert placement.place(unplaced(fabric)) is not None


def test_hosts_may_be_named_or_ruled_out(fabric, first, second):
    assert placement.place(unplaced(fabric), among=[second]) == second
    assert placement.place(unplaced(fabric), exclude=[second]) == first
    with pytest.raises(NoSuitableHost):
        placement.place(unplaced(fabric), exclude=fabric.hosts)


def test_highly_available_machines_need_a_cluster_and_platforms_are_heeded(fabric, second):
    actions.hosts.change(ADMINISTRATOR, second, cluster="cluster01")
    assert placement.place(unplaced(fabric, is_highly_available=True)) == second
    Host.objects.update(hypervisor="qemu")
    ratings = placement.rate(unplaced(fabric))
    assert not any(rating.excluded for rating in ratings)


def test_ratings_show_every_host_the_best_first_and_take_nothing(fabric, first, second):
    placement.place(unplaced(fabric, memory_mb=8192), among=[second])
    machine = unplaced(fabric)
    best, other = placement.rate(machine)
    assert (best.host, other.host, best.stars > other.stars) == (first.name, second.name, True)
    actions.hosts.set_maintenance(ADMINISTRATOR, first, is_in_maintenance=True)
    best, other = placement.rate(machine)
    assert (best.host, other.host, other.excluded) == (second.name, first.name, "in maintenance")
    assert now(machine).host is None


def test_the_number_of_queries_does_not_grow_with_the_hosts(db, vault):
    def queries(hosts: int) -> int:
        fabric = make_fabric(hosts=hosts)
        machine = unplaced(fabric, networks=[fabric.network], affinity=affinity_set(fabric))
        with CaptureQueriesContext(connection) as captured:
            placement.place(machine)
        return len(captured)

    assert queries(2) == queries(6) <= 11
