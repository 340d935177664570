"""Host groups: a tree whose settings hold below, and what it refuses, naming both sides."""

from __future__ import annotations

import pytest

from fabric.vmm import actions
from fabric.vmm.errors import Conflict, Denied, Invalid
from fabric.vmm.models import Host, HostGroup, MACPool
from fabric.vmm.placement import inheritance
from fabric.vmm.roles import Caller
from tests.factories.vmm import ADMINISTRATOR


@pytest.fixture
def host(fabric) -> Host:
    return fabric.hosts[0]


def add(fabric, name: str, **values) -> HostGroup:
    return actions.groups.add(ADMINISTRATOR, fabric.server, name=name, **values)


def change(group: HostGroup, **values) -> HostGroup:
    return actions.groups.change(ADMINISTRATOR, group, **values)


def holding(host: Host) -> tuple[int, int, int, int]:
    host.refresh_from_db()
    return host.reserved_memory_mb, host.reserved_storage_gb, host.cores_per_core, host.slots


def test_what_is_set_above_holds_below_unless_something_nearer_says_otherwise(fabric, host):
    assert holding(host) == (0, 0, 8, 8)
    top = add(fabric, "Europe", reserved_memory_mb=2048, slots=4)
    change(fabric.group, parent=top)
    assert holding(host) == (2048, 0, 8, 4)
    change(fabric.group, cores_per_core=2, slots=3)
    assert holding(host) == (2048, 0, 2, 3)
    actions.hosts.change(ADMINISTRATOR, host, own_slots=5, own_reserved_memory_mb=0)
    assert holding(host) == (0, 0, 2, 5)
    change(fabric.group, slots=None)
    assert (holding(host)[3], holding(fabric.hosts[1])[3]) == (5, 4)
    actions.hosts.change(ADMINISTRATOR, host, own_slots=None, own_reserved_memory_mb=None)
    assert holding(host) == (2048, 0, 2, 4)
    assert inheritance.inherited(fabric.group)["slots"] == 4


def test_a_new_host_begins_with_what_its_group_says(fabric):
    change(fabric.group, reserved_storage_gb=100, cores_per_core=4)
    made = actions.hosts.add(
        ADMINISTRATOR,
        fabric.server,
        group=fabric.group,
        name="new.example.net",
        cores=8,
        memory_mb=8192,
        storage_gb=500,
    )
    assert holding(made) == (0, 100, 4, 8)


@pytest.mark.parametrize(
    ("values", "held", "says"),
    [
        (
            {"cores_per_core": 2},
            {"used_cores": 40},
            r"{host} holds 40 virtual processors; 16 cores with 2 each would carry 32\.",
        ),
        (
            {"reserved_memory_mb": 65_000},
            {"used_memory_mb": 1024},
            r"{host} holds 1024 MB of memory; 65000 of 65536 reserved would leave 536 MB\.",
        ),
        (
            {"reserved_storage_gb": 1990},
            {"used_storage_gb": 20},
            r"{host} holds 20 GB of disks; 1990 of 2000 reserved would leave 10 GB\.",
        ),
        (
            {"slots": 1},
            {"busy_slots": 2},
            r"{host} has 2 jobs under way; it would run 1 at once\.",
        ),
    ],
)
def test_a_host_that_would_be_overfull_is_named(fabric, host, values, held, says):
    Host.objects.filter(pk=host.pk).update(**held)
    before = holding(host)
    with pytest.raises(Conflict, match=says.format(host=host)) as caught:
        change(fabric.group, **values)
    assert caught.value.field == next(iter(values))
    assert holding(host) == before


def test_a_ring_is_refused_and_both_groups_are_named(fabric):
    top = add(fabric, "Europe")
    middle = add(fabric, "Frankfurt", parent=top)
    low = add(fabric, "Rack 1", parent=middle)
    with pytest.raises(Conflict, match="Europe cannot be below Rack 1: Rack 1 is below Europe"):
        change(top, parent=low)
    with pytest.raises(Conflict, match="Europe cannot be below itself"):
        change(top, parent=top)
    assert change(low, parent=top).parent == top


def test_names_are_unique_also_when_changed(fabric):
    other = add(fabric, "Rack 1")
    with pytest.raises(Conflict, match="'All hosts'"):
        change(other, name="All hosts")
    assert change(other, name="Rack 2", description="By the door").name == "Rack 2"


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ([{"tag": "db", "relation": "may", "host_tag": "ssd"}], "'may' is no relation"),
        ([{"tag": "db", "relation": "must"}], "needs a tag of hosts"),
        ([{"tag": " ", "relation": "must", "host_tag": "ssd"}], "needs a tag of machines"),
        (
            [
                {"tag": "db", "relation": "must", "host_tag": "ssd"},
                {"tag": "DB", "relation": "must_not", "host_tag": "SSD"},
            ],
            "contradict each other: machines tagged DB must, and must not, be on hosts tagged SSD",
        ),
    ],
)
def test_a_placement_rule_must_make_sense(fabric, rules, says):
    with pytest.raises(Invalid, match=says):
        change(fabric.group, placement_rules=rules)


def test_rules_are_kept_as_they_were_meant(fabric):
    rule = {"tag": " db ", "relation": "should", "host_tag": "ssd"}
    kept = change(fabric.group, placement_rules=[rule, rule]).placement_rules
    assert kept == [{"tag": "db", "relation": "should", "host_tag": "ssd"}]


def test_a_group_in_use_stays_and_says_what_uses_it(fabric, host):
    with pytest.raises(Conflict, match=f"host group All hosts is used by the hosts {host}"):
        actions.groups.remove(ADMINISTRATOR, fabric.group)
    top = add(fabric, "Europe")
    low = add(fabric, "Rack 1", parent=top)
    with pytest.raises(Conflict, match="Europe is used by the host groups Rack 1"):
        actions.groups.remove(ADMINISTRATOR, top)
    pool = MACPool.objects.create(server=fabric.server, name="macs", first=1, last=2, cursor=1)
    pool.host_groups.add(low)
    with pytest.raises(Conflict, match="Rack 1 is used by the MAC pools macs"):
        actions.groups.remove(ADMINISTRATOR, low)
    pool.delete()
    actions.groups.remove(ADMINISTRATOR, low)
    actions.groups.remove(ADMINISTRATOR, top)


def test_a_group_of_another_server_is_no_parent(fabric):
    other = HostGroup.objects.create(
        server=actions.servers.ensure("other.example.net"), name="Theirs"
    )
    with pytest.raises(Invalid, match="Theirs belongs to another VMM server"):
        change(fabric.group, parent=other)


def test_tenants_and_nobodies_change_nothing(fabric, alice):
    for caller in (alice, Caller()):
        with pytest.raises(Denied):
            actions.groups.change(caller, fabric.group, slots=1)
        with pytest.raises(Denied):
            actions.groups.add(caller, fabric.server, name="Mine")


@pytest.mark.parametrize("tag", ["a\0", "a\ud800"])
def test_a_tag_of_a_rule_is_text_that_can_be_kept(fabric, tag):
    rule = {"tag": tag, "relation": "must", "host_tag": "ssd"}
    with pytest.raises(Invalid, match="not allowed") as refusal:
        change(fabric.group, placement_rules=[rule])
    assert refusal.value.field == "placement_rules"
