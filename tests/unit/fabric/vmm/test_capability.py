"""Capability profiles: nothing that no machine can meet, and every machine held to its cloud's."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fabric.vmm import actions, capability
from fabric.vmm.capability import Shape
from fabric.vmm.errors import Conflict, Invalid
from fabric.vmm.models import CapabilityProfile
from tests.factories.vmm import ADMINISTRATOR, order


def profile(name: str = "Small", **limits) -> CapabilityProfile:
    return CapabilityProfile(name=name, **limits)


def add(fabric, name: str = "Small", **limits) -> CapabilityProfile:
    return actions.capability.add(ADMINISTRATOR, fabric.server, name=name, **limits)


@pytest.mark.parametrize(
    ("shape", "limits", "says"),
    [
        (Shape(cores=9), {"most_cores": 8}, "9 processors; .* Small allows 8"),
        (Shape(cores=1), {"least_cores": 2}, "1 processor; .* Small asks for 2 at least"),
        (Shape(memory_mb=4096), {"most_memory_mb": 2048}, "4,096 MB of memory; .* allows 2,048"),
        (Shape(disks=3), {"most_disks": 2}, "3 disks; .* allows 2"),
        (Shape(largest_disk_gb=900), {"most_disk_gb": 500}, "a disk of 900 GB; .* allows 500"),
        (Shape(adapters=0), {"least_adapters": 1}, "0 network adapters; .* asks for 1"),
        (Shape(dvds=1), {"most_dvds": 0}, "1 DVD drive; .* allows 0"),
        (Shape(checkpoints=1), {"may_have_checkpoints": False}, "checkpoints; .* not allow it"),
        (Shape(is_highly_available=True), {"may_be_highly_available": False}, "availability"),
    ],
)
def test_what_does_not_fit_is_told_with_both_numbers(shape, limits, says):
    with pytest.raises(Invalid, match=f"The machine web-01 has .*{says}"):
        capability.require_fits(shape, [profile(**limits)], what="The machine web-01")


def test_what_is_not_said_is_not_looked_at():
    capability.require_fits(Shape(), [profile(most_disks=1, least_adapters=2)], what="It")
    capability.require_fits(Shape(cores=200), [], what="It")


def test_one_profile_must_allow_all_of_a_machine():
    small, tall = profile(most_cores=2), profile("Tall", most_memory_mb=1024)
    capability.require_fits(Shape(cores=4, memory_mb=512), [small, tall], what="It")
    with pytest.raises(Invalid) as refused:
        capability.require_fits(Shape(cores=4, memory_mb=2048), [small, tall], what="It")
    assert str(refused.value) == (
        "It fits no capability profile of its cloud. It has 4 processors, but Small allows 2; "
        "2,048 MB of memory, but Tall allows 1,024."
    )


def test_a_change_is_judged_with_what_the_machine_has(fabric):
    machine, _ = order(fabric, ADMINISTRATOR)
    capability.require(machine, cores=200)
    small = add(fabric, most_cores=2, most_disks=1, most_dvds=0)
    actions.clouds.change(ADMINISTRATOR, fabric.cloud, capability_profiles=[small])
    with CaptureQueriesContext(
        connection,
    ) as queries:
        capability.require(machine, cores=2, adapters=1)
    assert len(queries) == 2
    for change, field in (({"cores": 3}, "cores"), ({"disks": 2}, "disks"), ({"dvds": 1}, "dvds")):
        with pytest.raises(Invalid, match="The machine web-01") as refused:
            capability.require(machine, **change)
        assert refused.value.field == field
    machine.dvds.create()
    with pytest.raises(Invalid, match="DVD"):
        capability.require(machine, cores=1)


@pytest.mark.parametrize(
    ("limits", "field", "says"),
    [
        (
            {"least_cores": 4, "most_cores": 2},
            "most_cores",
            "asks for 4 of processors at least and allows 2 at most",
        ),
        (
            {"least_memory_mb": 4096, "most_memory_mb": 1024},
            "most_memory_mb",
            "4,096 MB of memory at least and allows 1,024 MB",
        ),
        (
            {"least_memory_mb": 100_000},
            "least_memory_mb",
            "100,000 MB of memory at least, and the largest host has 65,536",
        ),
        ({"least_cores": 500}, "least_cores", "500 virtual processors .* largest host has 128"),
        ({"most_disks": 0}, "most_disks", "0 disks, and every machine has 1"),
        ({"platform": "Abacus"}, "platform", "'Abacus' is no platform"),
    ],
)
def test_a_profile_that_nothing_can_meet_is_refused(fabric, limits, field, says):
    with pytest.raises(Invalid, match=says) as refused:
        add(fabric, **limits)
    assert refused.value.field == field


def test_what_is_of_a_profile_must_still_fit_when_it_changes(fabric):
    small = add(fabric, most_cores=8)
    actions.templates.change(ADMINISTRATOR, fabric.template, capability_profile=small, cores=4)
    actions.profiles.add_hardware(
        ADMINISTRATOR, fabric.server, name="Big", cores=8, memory_mb=512, capability_profile=small
    )
    actions.capability.change(ADMINISTRATOR, small, most_cores=None, name="Little")
    with pytest.raises(Conflict) as refused:
        actions.capability.change(ADMINISTRATOR, small, most_cores=2)
    assert str(refused.value) == (
        "The capability profile Little would no longer fit the template Ubuntu 24.04 and "
        "hardware profile Big: 4 processors there, and it allows 2."
    )
    small.refresh_from_db()
    assert small.most_cores is None


def test_a_profile_in_use_stays(fabric):
    small = add(fabric)
    actions.clouds.change(ADMINISTRATOR, fabric.cloud, capability_profiles=[small])
    with pytest.raises(Conflict, match="Small is used by the clouds Gold"):
        actions.capability.remove(ADMINISTRATOR, small)
    actions.clouds.change(ADMINISTRATOR, fabric.cloud, capability_profiles=[])
    actions.capability.remove(ADMINISTRATOR, small)
