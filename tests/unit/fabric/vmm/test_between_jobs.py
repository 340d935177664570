"""What one action must leave alone while another, or its failure, still has a hold on a machine."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from fabric.durable import engine
from fabric.hypervisors.simulated import clear_faults, meddling, plan_fault
from fabric.vmm import actions, drift, quota
from fabric.vmm.actions import drift as decisions
from fabric.vmm.errors import Conflict, Invalid, WrongState
from fabric.vmm.jobs import RECIPES
from fabric.vmm.models import Drift, Host, Job, RoleResource, VirtualHardDisk, VirtualMachine
from fabric.vmm.roles import ScopeLimits
from tests.factories.vmm import (
    ADMINISTRATOR,
    deploy,
    finish,
    make_share,
    order,
)
from tests.unit.fabric.vmm import books


@pytest.fixture
def machine(fabric, alice) -> VirtualMachine:
    make_share(fabric)
    return deploy(fabric, alice, start=False)


def again(machine: VirtualMachine) -> VirtualMachine:
    return VirtualMachine.objects.select_related("host").get(pk=machine.pk)


def fail(host, verb: str, kind: str = "fail", times: int = 1) -> None:
    plan_fault(settings.SIMULATED_RACK, host.name, verb, kind, times)


def test_words_and_owners_of_a_machine_wait_while_it_is_cloned(alice, machine):
    _, cloning = actions.machines.clone(alice, machine, name="copy")
    with pytest.raises(Conflict, match="Clone virtual machine"):
        actions.machines.update(alice, machine, description="mine")
    with pytest.raises(Conflict, match="Clone virtual machine"):
        actions.machines.give(alice, machine, role=alice.role, owner_name="alice@example.net")
    finish(cloning)
    assert again(machine).status == "PowerOff"
    finish(actions.machines.update(alice, machine, description="mine"))
    books.assert_true()


def test_a_failed_job_is_not_resumed_while_its_machine_is_cloned(alice, machine):
    fail(machine.host, "ensure_power")
    finish(actions.machines.operate(alice, machine, "Start"))
    _, job = actions.machines.clone(alice, machine, name="copy")
    with pytest.raises(Conflict, match="Clone virtual machine"):
        actions.machines.operate(alice, machine, "Repair", retry=True)
    finish(job)
    assert again(machine).status == "PowerOff"


def test_the_drift_sweep_leaves_a_failed_move_to_its_repair(fabric, alice):
    machine = deploy(fabric, alice)
    fail(machine.host, "ensure_moved", "unreachable", 6)
    finish(actions.moves.move(ADMINISTRATOR, machine))
    assert (again(machine).status, again(machine).moving_to is None) == ("HostNotResponding", False)
    clear_faults(settings.SIMULATED_RACK)
    Job.objects.update(ended_at=timezone.now() - timedelta(minutes=1))
    drift.sweep()
    assert again(machine).status == "HostNotResponding"
    with pytest.raises(WrongState, match="earlier move"):
        actions.machines.operate(alice, machine, "Stop")
    finish(actions.machines.operate(alice, machine, "Repair", retry=True))
    books.assert_true()


def test_the_drift_sweep_leaves_a_half_deployed_machine_to_its_repair(fabric, alice, machine):
    finish(actions.machines.store(alice, machine))
    for host in fabric.hosts:
        fail(host, "ensure_adapter", times=2)
    finish(actions.machines.deploy_stored(alice, machine))
    assert again(machine).status == "UpdateFailed"
    clear_faults(settings.SIMULATED_RACK)
    Job.objects.update(ended_at=timezone.now() - timedelta(minutes=1))
    drift.sweep()
    assert again(machine).status == "UpdateFailed"


@pytest.mark.parametrize("unread", [False, True])
def test_a_machine_its_host_let_go_of_can_still_be_stored(alice, machine, unread):
    """Its copies in the library are all there is: nothing may take the job that knows of them."""
    fail(machine.host, "disks", times=6)
    job = finish(actions.machines.store(alice, machine))
    assert (job.state, job.step) == ("failed", "ensure_nothing_left")
    clear_faults(settings.SIMULATED_RACK)
    Job.objects.update(ended_at=timezone.now() - timedelta(minutes=1))
    assert again(machine).status == "UpdateFailed"
    with pytest.raises(WrongState):
        actions.machines.operate(alice, machine, "Start")
    drift.sweep()
    if unread:
        fail(machine.host, "guest", "unreachable", 6)
    finish(actions.machines.operate(alice, machine, "Refresh"))
    clear_faults(settings.SIMULATED_RACK)
    finish(actions.machines.operate(alice, machine, "Repair", retry=True))
    assert again(machine).status == "Stored"
    books.assert_true()


def test_a_machine_whose_job_ends_badly_can_be_repaired(alice, machine, monkeypatch):
    """An ending that breaks must not leave it busy for ever."""

    def broken(*args: object) -> None:
        raise ValueError("no such ending")

    monkeypatch.setattr("fabric.vmm.jobs.truth.failed", broken)
    fail(machine.host, "ensure_disk")
    job = finish(actions.disks.add(alice, machine, size_gb=5))
    assert job.state == "failed"
    assert (again(machine).status, again(machine).failed_job_id) == ("UpdateFailed", job.pk)
    finish(actions.machines.operate(alice, machine, "Repair", dismiss=True))
    assert again(machine).status == "PowerOff"


def test_a_clone_that_ends_badly_lets_go_of_its_source(alice, machine, monkeypatch):
    def broken(*args: object) -> None:
        raise ValueError("no such ending")

    monkeypatch.setattr("fabric.vmm.jobs.deploy.failed", broken)
    fail(machine.host, "ensure_image")
    job = finish(actions.machines.clone(alice, machine, name="copy")[1])
    assert job.state == "failed"
    assert again(machine).status == "PowerOff"
    assert VirtualMachine.objects.get(name="copy").status == "CreationFailed"


def test_a_disk_detached_at_last_goes_to_whose_the_machine_is_now(fabric, alice, charlie, machine):
    finish(actions.disks.add(alice, machine, size_gb=5))
    drive = machine.disks.get(lun=1)
    fail(machine.host, "ensure_detached", "unreachable", 6)
    job = finish(actions.disks.detach(alice, drive))
    assert job.state == "failed"
    clear_faults(settings.SIMULATED_RACK)
    finish(
        actions.machines.give(
            ADMINISTRATOR, machine, role=charlie.role, owner_name="charlie@example.net"
        )
    )
    finish(actions.machines.operate(charlie, machine, "Repair", retry=True))
    granted = RoleResource.objects.filter(kind="VirtualHardDisk")
    assert [grant.role for grant in granted] == [charlie.role]
    assert not Job.objects.visible_to(alice).filter(pk=job.pk).exists()


def test_a_move_to_a_busy_host_waits_in_line(fabric, alice):
    machine = deploy(fabric, alice)
    target = next(host for host in fabric.hosts if host.pk != machine.host_id)
    Host.objects.filter(pk=target.pk).update(busy_slots=8)
    job = actions.moves.move(ADMINISTRATOR, machine, host=target)
    for _ in range(8):
        Job.objects.filter(pk=job.pk).update(due_at=timezone.now())
        engine.advance(Job, RECIPES, job.pk)
    job.refresh_from_db()
    assert (job.state, job.queued_at is None) == ("waiting", False)
    Host.objects.filter(pk=target.pk).update(busy_slots=0)
    assert finish(job).state == "succeeded"
    books.assert_true()


def test_the_library_is_reached_through_hosts_of_groups_below(fabric, alice, machine):
    below = actions.groups.add(ADMINISTRATOR, fabric.server, name="Rack 1", parent=fabric.group)
    for host in fabric.hosts:
        actions.hosts.change(ADMINISTRATOR, host, group=below)
    finish(actions.machines.store(alice, machine))
    assert finish(actions.machines.remove(alice, again(machine))).state == "succeeded"
    assert books.library() == set()


@pytest.mark.parametrize("name", ["x" * 400, "alice\0"])
def test_an_owner_nobody_could_be_is_refused(fabric, alice, machine, name):
    with pytest.raises(Invalid, match="owner"):
        actions.machines.give(ADMINISTRATOR, machine, role=None, owner_name=name)


def test_text_that_cannot_be_kept_is_refused(fabric, alice, machine):
    for keyword in ("description", "tag", "cost_center"):
        with pytest.raises(Invalid) as refused:
            actions.machines.update(alice, machine, **{keyword: "a\0b"})
        assert refused.value.field == keyword
        with pytest.raises(Invalid):
            deploy(fabric, alice, "odd", **{keyword: "a\0b"})
    with pytest.raises(Invalid):
        deploy(fabric, alice, "odd", local_admin_user="a\0b", local_admin_password="Secret-1")
    with pytest.raises(Invalid):
        actions.checkpoints.create(alice, machine, name="before", description="a\0b")


def test_a_host_is_no_larger_than_can_be_counted(fabric):
    with pytest.raises(Invalid, match="cores"):
        actions.hosts.add(
            ADMINISTRATOR,
            fabric.server,
            group=fabric.group,
            name="huge",
            cores=2_147_483_647,
            memory_mb=1024,
            storage_gb=10,
        )
    with pytest.raises(Invalid, match="storage"):
        actions.hosts.add(
            ADMINISTRATOR,
            fabric.server,
            group=fabric.group,
            name="huge",
            cores=2,
            memory_mb=1024,
            volumes=[("a", 2_147_483_647, None), ("b", 2_147_483_647, None)],
        )


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_role_changes_while_its_members_order(fabric, alice):
    """Ordering locks the scope and then names the role; a change must not come the other way."""

    def change() -> None:
        try:
            limits = ScopeLimits(fabric.cloud.pk, vm_count=5)
            actions.userroles.change(ADMINISTRATOR, alice.role, add_scopes=[limits])
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            quota.lock_scope(alice.role, fabric.cloud.pk)
            changed = pool.submit(change)
            time.sleep(0.5)
            order(fabric, alice)
        changed.result(timeout=60)
    assert alice.role.scopes.get().vm_count == 5
    assert alice.role.machines.count() == 1


def test_a_library_disk_that_is_being_written_is_not_removed(fabric, alice, machine):
    finish(actions.disks.add(alice, machine, size_gb=5))
    job = actions.disks.detach(alice, machine.disks.get(lun=1))
    kept = VirtualHardDisk.objects.get(pk=job.inputs["library_disk"])
    with pytest.raises(Conflict, match=r"Store virtual disk in the library \(web-01\)"):
        actions.library.remove_disk(ADMINISTRATOR, kept)
    assert finish(job).state == "succeeded"
    actions.library.remove_disk(ADMINISTRATOR, kept)


def test_a_tenant_does_not_take_a_machine_out_of_a_set_of_the_fabric(fabric, alice, machine):
    apart = actions.affinity.add(
        ADMINISTRATOR, fabric.server, name="racks", machines=[machine], is_strict=True
    )
    own = actions.affinity.add(alice, fabric.server, name="mine")
    with pytest.raises(Conflict, match="your provider"):
        actions.affinity.put_in(alice, own, machines=[machine])
    assert again(machine).affinity == apart


def test_a_group_that_a_machine_moves_to_stays_in_its_cloud(fabric, alice):
    machine = deploy(fabric, alice)
    target = next(host for host in fabric.hosts if host.pk != machine.host_id)
    other = actions.groups.add(ADMINISTRATOR, fabric.server, name="Other")
    actions.clouds.change(ADMINISTRATOR, fabric.cloud, host_groups=[fabric.group, other])
    actions.hosts.change(ADMINISTRATOR, target, group=other)
    actions.moves.move(ADMINISTRATOR, machine, host=target)
    with pytest.raises(Conflict, match="used by the machines web-01"):
        actions.clouds.change(ADMINISTRATOR, fabric.cloud, host_groups=[fabric.group])


@pytest.mark.parametrize("mac", ["FF:FF:FF:FF:FF:FF", "01:00:5E:00:00:01", "00:00:00:00:00:00"])
def test_an_adapter_has_an_address_of_its_own(fabric, alice, machine, mac):
    with pytest.raises(Invalid, match="not one adapter") as refused:
        actions.adapters.attach(alice, machine, network=fabric.network, mac=mac)
    assert refused.value.field == "mac"


def test_an_orphan_with_a_long_home_is_kept_as_itself(fabric, machine):
    share = fabric.cloud.library_shares.get()
    host = actions.hosts.add(
        ADMINISTRATOR,
        fabric.server,
        group=fabric.group,
        name=f"{'x' * 60}.{'y' * 60}.example.net",
        cores=2,
        memory_mb=4096,
        storage_gb=100,
    )
    disk = meddling.add_disk(settings.SIMULATED_RACK, host.name, size_gb=5).id
    drift.sweep()
    orphan = Drift.objects.get(kind="orphan_disk", state="open")
    job = finish(decisions.adopt(ADMINISTRATOR, orphan, share=share))
    assert job.state == "succeeded"
    assert VirtualHardDisk.objects.get(source_image=f"store:{disk}").size_gb == 5


def test_a_clone_copies_nothing_of_a_machine_that_was_given_away(alice, charlie, machine):
    fail(machine.host, "ensure_image")
    made, job = actions.machines.clone(alice, machine, name="copy")
    assert finish(job).state == "failed"
    finish(
        actions.machines.give(
            ADMINISTRATOR, again(machine), role=charlie.role, owner_name="charlie@example.net"
        )
    )
    actions.machines.operate(alice, made, "Repair", retry=True)
    assert (finish(job).state, job.fault["code"]) == ("failed", "wrong_state")
    assert machine.name not in job.message
    assert again(machine).status == "PowerOff"


def test_a_disk_removed_while_hosts_are_compared_is_no_orphan(alice, machine, monkeypatch):
    finish(actions.disks.add(alice, machine, size_gb=5))
    fail(machine.host, "ensure_disk_removed", "unreachable")
    job = actions.disks.remove(alice, machine.disks.order_by("lun").last())
    engine.advance(Job, RECIPES, job.pk)
    sweeping = sys.modules["fabric.vmm.drift.sweep"]
    ask = sweeping._views

    def ask_then_finish(hosts):
        found = ask(hosts)
        finish(job)
        return found

    monkeypatch.setattr(sweeping, "_views", ask_then_finish)
    drift.sweep()
    assert list(Drift.objects.values_list("kind", flat=True)) == []
