"""Changes of machines and what hangs on them: made once, found after a lost reply, seen again."""

from __future__ import annotations

from dataclasses import asdict, replace
from uuid import UUID, uuid4

import pytest
from django.conf import settings

from fabric import addresses
from fabric.hypervisors.simulated import plan_fault
from fabric.providers import changes
from fabric.providers.abilities import (
    CHECKPOINTS,
    CLONE,
    EMPTY_DISKS,
    FIXED_ADDRESS,
    FROM_CHECKPOINT,
    REBUILD,
    USER_DATA,
)
from fabric.providers.base import Devices, OrderedAdapter
from fabric.providers.changes import Change
from fabric.providers.errors import Forbidden, Missing, Rejected, Unreachable
from fabric.vmm.models import VirtualMachine
from tests.contract.provider.benches import ALICE, Bench
from tests.contract.provider.conftest import params
from tests.contract.provider.test_provider import is_refused


@pytest.fixture
def tenant(bench: Bench) -> UUID:
    return bench.tenant()


@pytest.fixture
def machine(bench: Bench, tenant: UUID) -> UUID:
    _, id = bench.deploy(tenant)
    return id


def data_disk(bench: Bench, machine: UUID, name: str = "data-1") -> changes.AddDisk:
    """A disk that every kind of server can add."""
    if EMPTY_DISKS in bench.lacks:
        return changes.AddDisk(machine, name, library_disk_id=bench.library_disk_id)
    return changes.AddDisk(machine, name, size_gb=8)


def adapter_ids(devices: Devices) -> frozenset[UUID]:
    return frozenset(each.id for each in devices.adapters)


def checkpoint(bench: Bench, machine: UUID, tenant: UUID, name: str) -> UUID:
    """Make a checkpoint; return its id."""
    known = frozenset(each.id for each in bench.devices(machine).checkpoints)
    made = bench.change(changes.MakeCheckpoint(machine, name, known), tenant)
    assert made is not None
    return made


def wanted(bench: Bench, kind: str, machine: UUID, tenant: UUID) -> Change:
    """A change of each kind that can be asked for now."""
    devices = bench.devices(machine)
    match kind:
        case "configure":
            return changes.Configure(machine, description="Second line of tills")
        case "add disk":
            return data_disk(bench, machine)
        case "grow disk":
            boot = devices.disks[0]
            return changes.GrowDisk(machine, boot.id, boot.size_gb + 5)
        case "remove disk":
            made = bench.change(data_disk(bench, machine), tenant)
            assert made is not None
            return changes.RemoveDisk(machine, made)
        case "add adapter":
            return changes.AddAdapter(machine, bench.second_network_id, adapter_ids(devices))
        case "change adapter":
            (front,) = devices.adapters
            return changes.ChangeAdapter(machine, front.id, network_id=bench.second_network_id)
        case "remove adapter":
            return changes.RemoveAdapter(machine, devices.adapters[0].id)
        case "insert media":
            return changes.InsertMedia(machine, bench.media_id)
        case "eject media":
            bench.change(changes.InsertMedia(machine, bench.media_id), tenant)
            return changes.EjectMedia(machine)
        case "make checkpoint":
            return changes.MakeCheckpoint(machine, "before", frozenset())
        case "store":
            bench.operate(machine, "Stop", tenant)
            return changes.Store(machine)
        case "deploy stored":
            bench.operate(machine, "Stop", tenant)
            bench.change(changes.Store(machine), tenant)
            return changes.DeployStored(machine)
    id = checkpoint(bench, machine, tenant, "before")
    kinds: dict[str, Change] = {
        "restore checkpoint": changes.RestoreCheckpoint(machine, id),
        "remove checkpoint": changes.RemoveCheckpoint(machine, id),
        "rename checkpoint": changes.RenameCheckpoint(machine, id, "renamed", "and why"),
    }
    return kinds[kind]


KINDS = (
    *("configure", "add disk", "grow disk", "remove disk", "add adapter", "change adapter"),
    *("remove adapter", "insert media", "eject media", "make checkpoint", "restore checkpoint"),
    *("remove checkpoint", "rename checkpoint", "store", "deploy stored"),
)


# Every kind of change on every kind of server would tell no more.
@pytest.mark.parametrize("bench", params("fake", "spf", "spf-strict"), indirect=True)
@pytest.mark.parametrize("kind", KINDS)
def test_a_lost_reply_is_found_and_nothing_is_done_twice(bench, tenant, machine, kind):
    change = wanted(bench, kind, machine, tenant)
    bench.lose_reply("change")
    with pytest.raises(Unreachable):
        bench.ask(change, tenant)
    bench.ask(change, tenant, first_try=False)
    bench.settle()
    after, status = bench.devices(machine), bench.status(machine)
    third = bench.ask(change, tenant, first_try=False)
    bench.settle()
    assert shape(bench.devices(machine)) == shape(after)
    assert bench.status(machine) == status
    if kind != "restore checkpoint":
        assert third is None or third.job_id is None


def shape(devices: Devices) -> tuple:
    """What there is, whatever the addresses are by now."""
    return (
        [(disk.id, disk.size_gb) for disk in devices.disks],
        [(each.id, each.network_id) for each in devices.adapters],
        [(each.id, each.name) for each in devices.checkpoints],
        devices.media_id,
    )


@pytest.mark.parametrize("bench", params("fake", "spf"), indirect=True)
@pytest.mark.parametrize("kind", KINDS)
def test_a_try_that_never_arrived_is_made_the_second_time(bench, tenant, machine, kind):
    change = wanted(bench, kind, machine, tenant)
    before = shape(bench.devices(machine)), bench.status(machine), told(bench, machine)
    accepted = bench.ask(change, tenant, first_try=False)
    bench.settle()
    assert accepted is not None
    after = shape(bench.devices(machine)), bench.status(machine), told(bench, machine)
    # A machine that was brought back is off, where it had been running.
    assert after != before or kind == "restore checkpoint"


def told(bench: Bench, machine: UUID) -> tuple[str, str]:
    (found,) = bench.provider.machines(bench.stamp_id, [machine])
    return found.name, found.description


def test_devices_are_told_for_many_machines_at_once(bench):
    tenant = bench.tenant()
    ids = [bench.deploy(tenant, name=f"web-{n}", cores=1)[1] for n in range(2)]
    strangers = [uuid4() for _ in range(45)]
    found = {
        each.machine_id: each for each in bench.provider.devices(bench.stamp_id, [*strangers, *ids])
    }
    assert found.keys() == set(ids)
    for devices in found.values():
        (disk,) = devices.disks
        (adapter,) = devices.adapters
        assert (disk.is_boot, disk.size_gb > 0, disk.machine_id) == (True, True, devices.machine_id)
        assert (adapter.network_id, adapter.network_name) == (bench.network_id, "front")
        assert adapter.mac
        assert devices.checkpoints == ()
        assert devices.media_id is None
    assert bench.provider.devices(uuid4(), ids) == ()
    assert bench.provider.devices(bench.stamp_id, []) == ()


def test_name_and_size_are_configured(bench, tenant, machine):
    bench.operate(machine, "Stop", tenant)
    bench.change(changes.Configure(machine, name="till-7", cores=3, memory_mb=4096), tenant)
    (found,) = bench.provider.machines(bench.stamp_id, [machine])
    assert (found.name, found.cores, found.memory_mb) == ("till-7", 3, 4096)
    assert found.description == "first web server"


def test_disks_are_added_enlarged_and_removed(bench, tenant, machine):
    made = bench.change(data_disk(bench, machine), tenant)
    disks = {disk.id: disk for disk in bench.devices(machine).disks}
    assert (disks[made].name, disks[made].is_boot) == ("data-1", False)
    bench.change(changes.GrowDisk(machine, made, 30), tenant)
    assert {d.id: d.size_gb for d in bench.devices(machine).disks}[made] == 30
    bench.change(changes.RemoveDisk(machine, made), tenant)
    assert [disk.is_boot for disk in bench.devices(machine).disks] == [True]
    assert bench.ask(changes.RemoveDisk(machine, made), tenant) is None


def test_a_disk_of_the_library_is_copied(bench, tenant, machine):
    add = changes.AddDisk(machine, "tools", library_disk_id=bench.library_disk_id)
    made = bench.change(add, tenant)
    assert {d.id: d.size_gb for d in bench.devices(machine).disks}[made] == 5


def test_what_makes_no_sense_of_disks_is_refused(bench, tenant, machine):
    boot = bench.devices(machine).disks[0]
    for change in (
        changes.GrowDisk(machine, boot.id, boot.size_gb),
        changes.RemoveDisk(machine, boot.id),
        changes.AddDisk(machine, "x", library_disk_id=uuid4()),
    ):
        with pytest.raises(Rejected):
            bench.ask(change, tenant)


def test_the_quota_holds_for_disks(bench, machine, tenant):
    boot = bench.devices(machine).disks[0]
    with pytest.raises(Rejected):
        bench.ask(changes.GrowDisk(machine, boot.id, 501), tenant)


def test_adapters_are_plugged_moved_and_unplugged(bench, tenant, machine):
    known = adapter_ids(bench.devices(machine))
    made = bench.change(changes.AddAdapter(machine, bench.second_network_id, known), tenant)
    adapters = {each.id: each for each in bench.devices(machine).adapters}
    assert adapters[made].network_name == "back"
    assert len({each.mac for each in adapters.values()}) == 2
    bench.change(changes.ChangeAdapter(machine, made, network_id=bench.network_id), tenant)
    assert {each.network_id for each in bench.devices(machine).adapters} == {bench.network_id}
    bench.change(changes.RemoveAdapter(machine, made), tenant)
    assert adapter_ids(bench.devices(machine)) == known


def test_a_fixed_address_is_given(bench, tenant, machine):
    bench.needs(FIXED_ADDRESS)
    known = adapter_ids(bench.devices(machine))
    add = changes.AddAdapter(machine, bench.second_network_id, known, address="10.30.0.77")
    made = bench.change(add, tenant)
    adapters = {each.id: each for each in bench.devices(machine).adapters}
    assert (adapters[made].is_static, adapters[made].addresses) == (True, ("10.30.0.77",))


def test_a_fixed_address_is_ordered(bench, tenant):
    bench.needs(FIXED_ADDRESS)
    _, id = bench.deploy(tenant, adapters=(OrderedAdapter("front", "10.20.0.99"),))
    assert bench.devices(id).adapters[0].addresses == ("10.20.0.99",)


def test_an_address_outside_the_networks_subnets_is_refused(bench, tenant, machine):
    bench.needs(FIXED_ADDRESS)
    (adapter,) = adapter_ids(bench.devices(machine))
    outside = changes.AddAdapter(
        machine, bench.second_network_id, frozenset({adapter}), address="10.20.0.77"
    )
    moved = changes.ChangeAdapter(machine, adapter, bench.second_network_id, "10.20.0.77")
    kept = changes.ChangeAdapter(machine, adapter, address="10.30.0.77")
    for number, change in enumerate((outside, moved, kept)):
        with pytest.raises(Rejected, match=r"10\.[23]0\.0\.77"):
            bench.ask(change, tenant, key=str(number))
    order = bench.order(name="web-02", adapters=(OrderedAdapter("front", "10.30.0.77"),))
    with pytest.raises(Rejected, match=r"10\.30\.0\.77"):
        bench.provider.ensure_machine(order, tenant=tenant, person=ALICE, first_try=True)


def test_an_address_is_refused_when_its_pool_says_so(bench, tenant, machine):
    bench.needs(FIXED_ADDRESS)
    networks = {each.id: each for each in bench.provider.inventory(bench.stamp_id).networks}
    back = networks[bench.second_network_id]
    pools = [asdict(pool) for pool in back.pools]

    def asked(last: int) -> changes.AddAdapter:
        known = adapter_ids(bench.devices(machine))
        return changes.AddAdapter(machine, back.id, known, address=f"10.30.0.{last}")

    for last in (49, 51, 53, 60, 69, 90, 200):
        add = asked(last)
        assert addresses.problem(add.address, back.subnets, pools), add.address
        with pytest.raises(Rejected, match=rf"10\.30\.0\.{last}\b"):
            bench.ask(add, tenant, key=str(last))
    for last in (50, 59, 199):
        add = asked(last)
        assert addresses.problem(add.address, back.subnets, pools) is None
        assert bench.change(add, tenant)


def test_a_network_of_others_is_refused(bench, tenant, machine):
    known = adapter_ids(bench.devices(machine))
    with pytest.raises(Rejected):
        bench.ask(changes.AddAdapter(machine, uuid4(), known), tenant)


def test_media_are_inserted_and_ejected(bench, tenant, machine):
    bench.change(changes.InsertMedia(machine, bench.media_id), tenant)
    assert bench.devices(machine).media_id == bench.media_id
    bench.change(changes.EjectMedia(machine), tenant)
    assert bench.devices(machine).media_id is None
    with pytest.raises(Rejected):
        bench.ask(changes.InsertMedia(machine, uuid4()), tenant)


def test_checkpoints_are_a_tree(bench, tenant, machine):
    bench.needs(CHECKPOINTS)
    first = checkpoint(bench, machine, tenant, "first")
    second = checkpoint(bench, machine, tenant, "second")
    devices = bench.devices(machine)
    assert {c.name: c.parent_id for c in devices.checkpoints} == {"first": None, "second": first}
    assert devices.current_checkpoint_id == second
    bench.change(changes.RestoreCheckpoint(machine, first), tenant)
    assert bench.devices(machine).current_checkpoint_id == first
    bench.change(changes.RenameCheckpoint(machine, second, "later", "a note"), tenant)
    told = {each.id: each for each in bench.devices(machine).checkpoints}
    assert (told[second].name, told[second].description) == ("later", "a note")
    bench.change(changes.RemoveCheckpoint(machine, second), tenant)
    assert [each.id for each in bench.devices(machine).checkpoints] == [first]
    assert bench.ask(changes.RemoveCheckpoint(machine, second), tenant) is None


def test_a_machine_is_stored_and_deployed_again(bench, tenant, machine):
    assert is_refused(bench, lambda: bench.ask(changes.Store(machine), tenant))
    bench.operate(machine, "Stop", tenant)
    bench.change(changes.Store(machine), tenant)
    assert bench.status(machine) == "Stored"
    bench.change(changes.DeployStored(machine), tenant)
    assert bench.status(machine) == "PowerOff"


def test_a_clone_is_another_machine_like_it(bench, tenant, machine):
    bench.needs(CLONE)
    bench.operate(machine, "Stop", tenant)
    order = bench.order(
        name="web-02",
        template_id=None,
        source_machine_id=machine,
        cores=None,
        memory_mb=None,
        adapters=(),
        admin_user="",
        password="",
    )
    made = bench.provider.ensure_machine(order, tenant=tenant, person=ALICE, first_try=True)
    bench.settle()
    again = bench.provider.ensure_machine(order, tenant=tenant, person=ALICE, first_try=False)
    assert again.object_id == made.object_id
    found = {each.id: each for each in bench.provider.machines(bench.stamp_id)}
    assert found.keys() == {machine, made.object_id}
    copy = found[made.object_id]
    assert (copy.name, copy.tag, copy.cores) == ("web-02", order.tag, 2)
    ours, theirs = bench.devices(copy.id), bench.devices(machine)
    assert [disk.size_gb for disk in ours.disks] == [disk.size_gb for disk in theirs.disks]
    assert ours.adapters[0].mac != theirs.adapters[0].mac


def test_a_machine_is_made_from_a_checkpoint(bench, tenant, machine):
    bench.needs(FROM_CHECKPOINT)
    id = checkpoint(bench, machine, tenant, "golden")
    order = bench.order(
        name="web-02",
        template_id=None,
        source_machine_id=machine,
        source_checkpoint_id=id,
        cores=None,
        memory_mb=None,
        adapters=(),
        admin_user="",
        password="",
    )
    made = bench.provider.ensure_machine(order, tenant=tenant, person=ALICE, first_try=True)
    bench.settle()
    assert made.object_id is not None
    assert bench.status(made.object_id) == "Running"
    assert bench.devices(made.object_id).checkpoints == ()


def test_a_rebuilt_machine_keeps_its_adapters(bench, tenant, machine):
    bench.needs(REBUILD)
    before = bench.devices(machine)
    bench.operate(machine, "Stop", tenant)
    rebuild = changes.Rebuild(
        machine_id=machine,
        template_id=bench.template_id,
        known=frozenset(disk.id for disk in before.disks),
        admin_user="root",
        password="Guest-secret-3",
    )
    bench.change(rebuild, tenant)
    after = bench.devices(machine)
    assert [each.mac for each in after.adapters] == [each.mac for each in before.adapters]
    assert bench.ask(rebuild, tenant, first_try=False) is None
    assert bench.status(machine) in ("Running", "PowerOff")


@pytest.mark.parametrize("bench", params("spf"), indirect=True)
def test_a_rebuild_that_failed_on_its_fresh_disks_is_repaired(bench, tenant, machine):
    """The books know the fresh disks by then: they alone do not tell that it is done."""
    known = frozenset(disk.id for disk in bench.devices(machine).disks)
    bench.operate(machine, "Stop", tenant)
    rebuild = changes.Rebuild(
        machine_id=machine,
        template_id=bench.template_id,
        known=known,
        admin_user="root",
        password="Guest-secret-3",
    )
    host = VirtualMachine.objects.get(pk=machine).host.name
    plan_fault(settings.SIMULATED_RACK, host, "ensure_defined", "fail")
    bench.ask(rebuild, tenant)
    bench.settle()
    assert bench.status(machine) == "UpdateFailed"
    assert known.isdisjoint(disk.id for disk in bench.devices(machine).disks)
    repaired = bench.ask(rebuild, tenant, first_try=False)
    assert repaired is not None
    bench.settle()
    assert bench.status(machine) in ("Running", "PowerOff")


def test_a_change_needs_its_permission(bench):
    order = bench.tenant_order()
    bench.provider.ensure_tenant(order)
    _, machine = bench.deploy(order.id)
    fewer = ("Start", "Stop")
    bench.provider.ensure_tenant(replace(order, permissions=fewer))
    for change in (
        changes.Configure(machine, description="mine"),
        data_disk(bench, machine),
        changes.MakeCheckpoint(machine, "before", frozenset()),
        changes.InsertMedia(machine, bench.media_id),
    ):
        with pytest.raises(Forbidden):
            bench.ask(change, order.id)


def test_a_stranger_changes_nothing(bench, tenant, machine):
    stranger = bench.tenant()
    boot = bench.devices(machine).disks[0]
    for first_try in (True, False):
        for change in (
            changes.Configure(machine, description="theirs"),
            changes.GrowDisk(machine, boot.id, boot.size_gb + 1),
            data_disk(bench, machine),
        ):
            with pytest.raises((Missing, Rejected, Forbidden)):
                bench.ask(change, stranger, first_try=first_try)
    assert shape(bench.devices(machine))[0] == [(boot.id, boot.size_gb)]


def test_what_a_server_cannot_do_is_said_instead_of_left_out(bench, tenant, machine):
    if USER_DATA not in bench.lacks:
        pytest.skip("it can do all of it")
    order = bench.order(name="web-02", user_data="#cloud-config")
    with pytest.raises(Rejected, match="user data"):
        bench.provider.ensure_machine(order, tenant=tenant, person=ALICE, first_try=True)
    with pytest.raises(Rejected, match="empty disks"):
        bench.ask(changes.AddDisk(machine, "data-1", size_gb=5), tenant)
    assert len(bench.provider.machines(bench.stamp_id)) == 1
