"""What there is, is used, is free and was promised, in a constant number of queries."""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from fabric.vmm import actions, capacity, placement
from fabric.vmm.capacity import Capacity, Line
from tests.factories.placement import unplaced
from tests.factories.vmm import ADMINISTRATOR, make_fabric, make_role


def memory(found: Capacity) -> tuple[int, ...]:
    """Return total, used, free, promised and unlimited."""
    line: Line = {each.dimension: each for each in found.lines}["memory_mb"]
    return line.total, line.used, line.free, line.promised, line.unlimited


def test_hosts_add_up_without_their_reserve(fabric):
    actions.groups.change(ADMINISTRATOR, fabric.group, reserved_memory_mb=5536)
    placement.place(unplaced(fabric, cores=2, memory_mb=10_000, disks=(30,)))
    found = capacity.of_server(fabric.server)
    assert (found.hosts, found.usable_hosts) == (2, 2)
    lines = {line.dimension: (line.total, line.used, line.free) for line in found.lines}
    assert lines == {
        "cores": (256, 2, 254),
        "memory_mb": (120_000, 10_000, 110_000),
        "storage_gb": (4000, 30, 3970),
    }


def test_what_placement_cannot_choose_is_not_free(fabric):
    actions.hosts.set_maintenance(ADMINISTRATOR, fabric.hosts[0], is_in_maintenance=True)
    found = capacity.of_group(fabric.group)
    assert (found.hosts, found.usable_hosts) == (2, 1)
    assert memory(found)[:3] == (131_072, 0, 65_536)


def test_a_group_counts_those_below(fabric):
    top = actions.groups.add(ADMINISTRATOR, fabric.server, name="Europe")
    empty = actions.groups.add(ADMINISTRATOR, fabric.server, name="Asia")
    actions.groups.change(ADMINISTRATOR, fabric.group, parent=top)
    found = capacity.overview(fabric.server)
    assert found.groups[top.pk] == found.groups[fabric.group.pk] == found.whole
    assert found.groups[empty.pk].hosts == 0


def test_promises_are_the_limits_of_roles_in_the_clouds(fabric):
    make_role(fabric, memory_mb=100_000)
    make_role(fabric, "bob@example.net", memory_mb=50_000)
    make_role(fabric, "charlie@example.net")
    for found in (
        capacity.of_cloud(fabric.cloud),
        capacity.of_group(fabric.group),
        capacity.of_server(fabric.server),
    ):
        assert memory(found)[3:] == (150_000, 1)
        assert all(line.is_overpromised for line in found.lines)


def test_a_clouds_own_limit_counts_where_it_is_smaller(db, vault):
    fabric = make_fabric(limits={"memory_mb": 20_000, "cores": 100_000})
    placement.place(unplaced(fabric, memory_mb=15_000))
    found = capacity.of_cloud(fabric.cloud)
    assert memory(found) == (20_000, 15_000, 5_000, 0, 0)
    assert {line.dimension: line.total for line in found.lines}["cores"] == 128


def test_the_number_of_queries_is_always_the_same(fabric):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            capacity.overview(fabric.server)
        return len(captured)

    few = queries()
    for n in range(3):
        group = actions.groups.add(ADMINISTRATOR, fabric.server, name=f"Rack {n}")
        actions.clouds.add(ADMINISTRATOR, fabric.server, name=f"Cloud {n}", host_groups=[group])
        make_role(fabric, f"tenant{n}@example.net")
    assert queries() == few == 6
