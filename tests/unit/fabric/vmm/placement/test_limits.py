"""What keeps a machine off a host, and which volume a disk goes to. No database."""

from __future__ import annotations

import dataclasses
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabric.vmm.placement.limits import Disk, Need, Offer, Rule, Volume, lay, obstacles

FAST, SLOW = str(uuid4()), str(uuid4())
HOST, GROUP = uuid4(), uuid4()


def volume(name: str, free_gb: int, classification: str | None = None) -> Volume:
    return Volume(str(uuid4()), name, free_gb, classification)


def disk(size_gb: int, classification: str | None = None, label: str = "") -> Disk:
    return Disk(str(uuid4()), size_gb, classification, label)


def offer(**values: Any) -> Offer:
    """Return a roomy host."""
    usual: dict[str, Any] = {
        "id": HOST,
        "name": "host01",
        "group": GROUP,
        "cores": 64,
        "free_cores": 32,
        "memory_mb": 65_536,
        "free_memory_mb": 32_768,
        "storage_gb": 1000,
        "free_storage_gb": 500,
        "volumes": (volume("data", 500),),
        "slots": 8,
    }
    return Offer(**usual | values)


NEED = Need(cores=2, memory_mb=4096, disks=(disk(20),))


def texts(need: Need, on: Offer) -> list[str]:
    return [text for _, text in obstacles(need, on)]


def test_a_roomy_host_takes_the_machine():
    assert obstacles(NEED, offer()) == []


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"is_in_maintenance": True}, "in maintenance"),
        ({"is_available": False}, "not available for placement"),
        ({"health": "unreachable"}, "not responding"),
        ({"free_memory_mb": 1024}, "memory: 1024 MB free, 4096 MB wanted"),
        ({"free_cores": 1}, "processors: 1 free, 2 wanted"),
        ({"free_storage_gb": 19}, "storage: 19 GB free, 20 GB wanted"),
        ({"volumes": (volume("data", 19), volume("more", 5))}, "no volume with 20 GB free"),
    ],
)
def test_a_host_says_what_keeps_a_machine_off(values, says):
    assert texts(NEED, offer(**values)) == [says]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"current": HOST}, "the machine is here already"),
        ({"networks": (("Storage net", frozenset({uuid4()})),)}, "without the network Storage net"),
        ({"platform": "Hyper-V"}, "not of the platform Hyper-V"),
        (
            {"is_highly_available": True},
            "in no cluster, and the machine is to be highly available",
        ),
        (
            {"affinity": "web", "is_strict": True, "apart": frozenset({HOST})},
            "another machine of the affinity set web is there",
        ),
        (
            {"affinity": "db", "is_strict": True, "together": frozenset({uuid4()})},
            "the other machines of the affinity set db are elsewhere",
        ),
        ({"disks": (disk(20, FAST, "Fast"),)}, "no volume of Fast with 20 GB free"),
        ({"classifications": frozenset({FAST})}, "no volume with 20 GB free"),
        ({"disks": (disk(300), disk(200))}, ""),
        ({"disks": (disk(251), disk(249))}, ""),
    ],
)
def test_a_machine_may_ask_for_more_than_room(values, says):
    assert texts(dataclasses.replace(NEED, **values), offer()) == ([says] if says else [])


def test_disks_that_fit_alone_may_not_fit_together():
    need = dataclasses.replace(NEED, disks=(disk(300), disk(300)))
    on = offer(free_storage_gb=900, volumes=(volume("a", 400), volume("b", 200)))
    assert texts(need, on) == ["no volumes with room for all 2 disks at once"]


def test_a_host_without_a_free_slot_is_busy_only_for_who_needs_one():
    full = offer(slots=2, busy_slots=2)
    assert texts(NEED, full) == []
    assert texts(dataclasses.replace(NEED, needs_slot=True), full) == ["busy: 2 of 2 jobs"]


def test_a_loose_set_and_a_wish_keep_nothing_off():
    need = dataclasses.replace(NEED, affinity="web", apart=frozenset({HOST}))
    assert texts(need, offer(rules=(Rule("db", "should", "ssd"),))) == []


@pytest.mark.parametrize(
    ("relation", "host_tags", "is_kept_off"),
    [
        ("must", {"ssd"}, False),
        ("must", {"hdd"}, True),
        ("must_not", {"ssd"}, True),
        ("must_not", set(), False),
    ],
)
def test_placement_rules_go_by_tags(relation, host_tags, is_kept_off):
    found = texts(NEED, offer(rules=(Rule("db", relation, "ssd"),), tags=frozenset(host_tags)))
    words = f"machines tagged db {relation.replace('_', ' ')} be on hosts tagged ssd"
    assert found == ([f"against a placement rule: {words}"] if is_kept_off else [])


def test_disks_go_where_they_ask_and_else_where_most_is_free():
    fast, slow = volume("ssd", 100, FAST), volume("hdd", 400, SLOW)
    asking, any_kind = disk(50, FAST), disk(60)
    assert lay([asking, any_kind], NEED, [fast, slow]) == {
        asking.id: fast.id,
        any_kind.id: slow.id,
    }


def test_a_better_way_to_lay_disks_is_found_when_the_first_one_fails():
    # The 40 would go to the freer volume by itself, and leave no room for the one that must.
    fast, other = volume("ssd", 60, FAST), volume("hdd", 50)
    large, picky = disk(40), disk(30, FAST)
    laid = lay([large, picky], NEED, [fast, other])
    assert laid == {large.id: other.id, picky.id: fast.id}


sizes = st.integers(1, 60)
kinds = st.sampled_from([None, FAST, SLOW])


@given(
    st.lists(st.builds(disk, sizes, kinds), max_size=4),
    st.lists(st.builds(volume, st.just("v"), st.integers(0, 90), kinds), max_size=3),
    st.sets(st.sampled_from([FAST, SLOW])),
)
def test_volumes_are_never_overfilled_and_always_of_the_right_kind(disks, volumes, allowed):
    need = dataclasses.replace(NEED, classifications=frozenset(allowed))
    laid = lay(disks, need, volumes)
    by_id = {each.id: each for each in volumes}
    if laid is None:
        assert not _any_way(disks, volumes, allowed)
        return
    assert set(laid) == {each.id for each in disks}
    for place in by_id.values():
        held = [each.size_gb for each in disks if laid[each.id] == place.id]
        assert sum(held) <= place.free_gb
    for each in disks:
        kind = by_id[laid[each.id]].classification
        assert each.classification in (None, kind)
        assert not allowed or kind in allowed


def _any_way(disks: list[Disk], volumes: list[Volume], allowed: set[str]) -> bool:
    """Try everything."""
    if not disks:
        return True
    first, *rest = disks
    for at, place in enumerate(volumes):
        fits = (
            first.size_gb <= place.free_gb
            and first.classification in (None, place.classification)
            and (not allowed or place.classification in allowed)
        )
        if fits:
            left = list(volumes)
            left[at] = dataclasses.replace(place, free_gb=place.free_gb - first.size_gb)
            if _any_way(rest, left, allowed):
                return True
    return False
