"""Hosts and their volumes: what they are, say of themselves, and cannot be while in use."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.conf import settings

from fabric.hypervisors.base import HostFacts, VolumeFacts
from fabric.hypervisors.errors import Rejected
from fabric.hypervisors.simulated import add_host, plan_fault
from fabric.vmm import actions, drivers, health, placement
from fabric.vmm.errors import Conflict, Denied, Invalid
from fabric.vmm.models import Health, Host, VirtualMachine
from tests.factories.placement import assert_sums_agree, unplaced
from tests.factories.vmm import ADMINISTRATOR, deploy, driver, order


@pytest.fixture
def host(fabric) -> Host:
    return fabric.hosts[0]


def add(fabric, **values) -> Host:
    usual = {"group": fabric.group, "name": "new.example.net", "cores": 8, "memory_mb": 8192}
    return actions.hosts.add(ADMINISTRATOR, fabric.server, **usual | values)


def tell(host: Host, **values) -> None:
    """Have the rack say something else of the host."""
    facts = driver(host).facts()
    usual = {
        "name": host.name,
        "cores": facts.cores,
        "memory_mb": facts.memory_mb,
        "storage_gb": facts.storage_gb,
        "hypervisor": "Simulated",
        "version": "2.0",
        "volumes": facts.volumes,
    }
    add_host(settings.SIMULATED_RACK, HostFacts(**usual | values))


def test_a_host_comes_with_its_volumes_and_stands_on_the_rack(fabric):
    fast = actions.storage.add(ADMINISTRATOR, fabric.server, name="Fast")
    made = add(fabric, volumes=[("ssd", 200, fast), ("hdd", 800, None)], tags=["ssd", " ssd", ""])
    assert (made.storage_gb, made.tags) == (1000, ["ssd"])
    assert driver(made).facts().volumes == (VolumeFacts("hdd", 800), VolumeFacts("ssd", 200))
    assert {v.name: v.classification for v in made.volumes.all()} == {"ssd": fast, "hdd": None}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"volumes": [("a", 10, None)], "storage_gb": 20}, "hold 10 GB, not 20 GB"),
        ({"volumes": [("a", 10, None), ("a", 10, None)]}, "already a volume of .* called 'a'"),
        ({}, "storage of host new.example.net in GB"),
        ({"storage_gb": 10, "cores": 0}, "number of cores"),
        ({"storage_gb": 10, "own_slots": 0}, "number of jobs at once of host new.example.net"),
        ({"storage_gb": 10, "own_reserved_memory_mb": 9000}, "9000 of 8192 reserved"),
    ],
)
def test_a_host_that_makes_no_sense_is_refused(fabric, values, says):
    with pytest.raises((Invalid, Conflict), match=says):
        add(fabric, **values)
    assert not Host.objects.filter(name="new.example.net").exists()


def test_a_host_moves_to_another_group_only_with_the_clouds_of_its_machines(fabric, host):
    placement.place(unplaced(fabric, "web-01"), among=[host])
    beside = actions.groups.add(ADMINISTRATOR, fabric.server, name="Elsewhere", slots=2)
    with pytest.raises(Conflict, match="holds web-01 of the cloud Gold, .* Elsewhere"):
        actions.hosts.change(ADMINISTRATOR, host, group=beside)
    below = actions.groups.add(
        ADMINISTRATOR, fabric.server, name="Rack 1", parent=fabric.group, slots=3
    )
    assert actions.hosts.change(ADMINISTRATOR, host, group=below).slots == 3
    assert actions.hosts.change(ADMINISTRATOR, fabric.hosts[1], group=beside).slots == 2


def test_a_host_cannot_offer_less_than_it_holds(fabric, host):
    placement.place(unplaced(fabric, cores=40), among=[host])
    with pytest.raises(Conflict, match="holds 40 virtual processors; 16 cores with 2 each") as err:
        actions.hosts.change(ADMINISTRATOR, host, own_cores_per_core=2)
    assert err.value.field == "own_cores_per_core"


def test_a_host_in_use_stays_and_says_what_is_on_it(fabric, alice, host):
    for n in range(5):
        placement.place(unplaced(fabric, f"web-{n}"), among=[host])
    with pytest.raises(Conflict, match=r"virtual machines web-0, web-1, web-2 and 2 more"):
        actions.hosts.remove(ADMINISTRATOR, host)
    VirtualMachine.objects.update(host=None)
    _, job = order(fabric, alice, "db-01")
    type(job).objects.filter(pk=job.pk).update(host=host)
    with pytest.raises(Conflict, match=r"jobs Create virtual machine \(db-01\)"):
        actions.hosts.remove(ADMINISTRATOR, host)


def test_a_host_with_guests_we_do_not_know_stays_too(fabric, alice):
    machine = deploy(fabric, alice, "web-01")
    host = machine.host
    placement.release(machine)
    with pytest.raises(Conflict, match=f"{host} is still in use: Host {host} still has 1 guests"):
        actions.hosts.remove(ADMINISTRATOR, host)
    assert Host.objects.filter(pk=host.pk).exists()


def test_an_empty_host_leaves_the_books_and_the_rack(fabric, host):
    actions.hosts.remove(ADMINISTRATOR, host)
    assert not Host.objects.filter(pk=host.pk).exists()
    again = add(fabric, name=host.name, storage_gb=10)
    assert driver(again).facts().storage_gb == 10


def test_a_refresh_writes_what_the_host_says_of_itself(fabric, host):
    tell(
        host,
        memory_mb=131_072,
        volumes=(VolumeFacts("data", 3000), VolumeFacts("ssd", 500)),
    )
    told = actions.hosts.refresh(ADMINISTRATOR, host)
    told.refresh_from_db()
    assert (told.memory_mb, told.storage_gb, told.version) == (131_072, 3500, "Simulated 2.0")
    assert (told.health, told.health_message) == (Health.OK, "")
    assert told.checked_at is not None
    assert set(told.volumes.values_list("name", "capacity_gb")) == {("data", 3000), ("ssd", 500)}


def test_a_host_that_became_too_small_needs_attention_in_words(fabric, host):
    machine = unplaced(fabric, cores=20, memory_mb=8192, disks=(50,))
    placement.place(machine, among=[host])
    tell(host, cores=1, memory_mb=4096, volumes=(VolumeFacts("other", 100),))
    told = actions.hosts.refresh(ADMINISTRATOR, host)
    told.refresh_from_db()
    assert told.health == Health.WARNING
    for words in (
        "The volume data is not there any more.",
        "1 cores now, with 8 virtual processors each; its machines hold 20.",
        "4096 MB of memory now; its machines hold 8192 MB and 0 MB are reserved.",
    ):
        assert words in told.health_message
    assert_sums_agree()
    assert not told.volumes.get(name="data").is_available
    placement.release(machine)
    assert "not there" in actions.hosts.refresh(ADMINISTRATOR, host).health_message


def test_a_host_that_does_not_answer_is_noted_and_a_warning_outlasts_an_answer(fabric, host):
    plan_fault(settings.SIMULATED_RACK, host.name, "facts", "unreachable")
    told = actions.hosts.refresh(ADMINISTRATOR, host)
    assert (told.health, bool(told.health_message)) == (Health.UNREACHABLE, True)
    actions.hosts.note_health(host, True)
    host.refresh_from_db()
    assert (host.health, host.health_message) == (Health.OK, "")
    Host.objects.update(health=Health.WARNING, health_message="Too small.")
    actions.hosts.note_health(host, True)
    host.refresh_from_db()
    assert (host.health, host.health_message) == (Health.WARNING, "Too small.")


def test_volumes_change_and_the_host_adds_up(fabric, host):
    volume = actions.hosts.add_volume(ADMINISTRATOR, host, name="ssd", capacity_gb=500)
    host.refresh_from_db()
    assert host.storage_gb == 2500
    actions.hosts.change_volume(ADMINISTRATOR, volume, capacity_gb=700)
    assert VolumeFacts("ssd", 700) in driver(host).facts().volumes
    actions.hosts.remove_volume(ADMINISTRATOR, volume)
    host.refresh_from_db()
    assert (host.storage_gb, len(driver(host).facts().volumes)) == (2000, 1)


def test_a_volume_in_use_is_not_made_too_small_nor_removed_nor_relabelled(fabric, host):
    fast, slow = (
        actions.storage.add(ADMINISTRATOR, fabric.server, name=name) for name in ("Fast", "Slow")
    )
    volume = host.volumes.get()
    actions.hosts.change_volume(ADMINISTRATOR, volume, classification=fast)
    placement.place(unplaced(fabric, "web-01", disks=((50, fast),)), among=[host])
    with pytest.raises(Conflict, match="data of .* holds 50 GB of disks: it cannot be 40 GB"):
        actions.hosts.change_volume(ADMINISTRATOR, volume, capacity_gb=40)
    with pytest.raises(Conflict, match="is used by the disks web-01_disk_1"):
        actions.hosts.remove_volume(ADMINISTRATOR, volume)
    with pytest.raises(Conflict, match="holds the disk web-01_disk_1, which is to lie on Fast"):
        actions.hosts.change_volume(ADMINISTRATOR, volume, classification=slow)
    with pytest.raises(Conflict, match="Fast is used by the volumes data"):
        actions.storage.remove(ADMINISTRATOR, fast)
    actions.storage.remove(ADMINISTRATOR, slow)


def test_a_volume_taken_out_of_use_takes_no_more_disks(fabric, host):
    actions.hosts.change_volume(ADMINISTRATOR, host.volumes.get(), is_available=False)
    assert placement.place(unplaced(fabric)) == fabric.hosts[1]


def test_a_classification_has_one_name(fabric):
    fast = actions.storage.add(ADMINISTRATOR, fabric.server, name="Fast", description="SSD")
    with pytest.raises(Conflict, match="'Fast'"):
        actions.storage.add(ADMINISTRATOR, fabric.server, name="Fast")
    assert actions.storage.change(ADMINISTRATOR, fast, name="Quick").name == "Quick"


def test_tenants_change_no_host(fabric, alice, host):
    with pytest.raises(Denied):
        actions.hosts.change(alice, host, tags=["mine"])
    with pytest.raises(Denied):
        actions.hosts.refresh(alice, host)
    with pytest.raises(Denied):
        actions.hosts.add_volume(alice, host, name="mine", capacity_gb=1)


@pytest.mark.parametrize(
    "nonsense",
    [
        {"cores": -1},
        {"cores": 10**12},
        {"memory_mb": 10**12},
        {"version": "2\0"},
        {"volumes": (VolumeFacts("a", 5), VolumeFacts("a", 6))},
        {"volumes": (VolumeFacts("a" * 65, 5),)},
        {"volumes": (VolumeFacts("a\0", 5),)},
        {"volumes": (VolumeFacts("a", -5),)},
        {"volumes": (VolumeFacts("a", 2**31 - 1), VolumeFacts("b", 1))},
    ],
)
def test_a_host_that_tells_nonsense_costs_no_other_its_news(fabric, host, nonsense):
    well = fabric.hosts[1]
    facts = driver(host).facts()
    better = replace(driver(well).facts(), cores=64)
    health.note_facts({host.pk: replace(facts, **nonsense), well.pk: better})
    well.refresh_from_db()
    host.refresh_from_db()
    assert (well.cores, well.health) == (64, "ok")
    assert (host.cores, host.health) == (facts.cores, "warning")
    assert "makes no sense" in host.health_message
    health.note_facts({host.pk: facts})
    host.refresh_from_db()
    assert (host.health, host.health_message) == ("ok", "")


def test_what_the_rack_refuses_is_said_at_a_field_and_not_kept(fabric, host, monkeypatch):
    def refuse(rack, facts):
        raise Rejected("The rack is full.")

    monkeypatch.setattr(drivers, "add_host", refuse)
    with pytest.raises(Conflict, match="The rack is full") as refusal:
        add(fabric, storage_gb=50)
    assert refusal.value.field == "name"
    assert not Host.objects.filter(name="new.example.net").exists()
    with pytest.raises(Conflict, match="The rack is full") as refusal:
        actions.hosts.add_volume(ADMINISTRATOR, host, name="more", capacity_gb=5)
    assert refusal.value.field == "capacity_gb"
    assert not host.volumes.filter(name="more").exists()
