"""Changing a machine, giving it away, repairing a change, and reading it again."""

from __future__ import annotations

import pytest
from django.conf import settings

from fabric.hypervisors.base import Power
from fabric.hypervisors.simulated import SimulatedHost, clear_faults, plan_fault
from fabric.vmm import actions
from fabric.vmm.errors import Conflict, Denied, Invalid, QuotaExceeded, WrongState
from fabric.vmm.models import Job, VirtualMachine
from tests.factories.vmm import ADMINISTRATOR, deploy, driver, finish, make_role
from tests.unit.fabric.vmm import books


@pytest.fixture
def machine(fabric, alice) -> VirtualMachine:
    return deploy(fabric, alice)


def again(machine: VirtualMachine) -> VirtualMachine:
    return VirtualMachine.objects.get(pk=machine.pk)


def fail(machine: VirtualMachine, verb: str, kind: str = "fail", times: int = 1) -> None:
    plan_fault(settings.SIMULATED_RACK, machine.host.name, verb, kind, times)


def test_a_running_machine_grows_where_its_host_can_do_that(alice, machine):
    finish(actions.machines.update(alice, machine, cores=2, memory_mb=2048, name="shop"))
    assert (again(machine).status, again(machine).name) == ("Running", "shop")
    assert (again(machine).cores, again(machine).memory_mb) == (2, 2048)
    books.assert_true()


def test_a_host_that_cannot_resize_live_says_so_first(alice, machine, monkeypatch):
    monkeypatch.setattr(SimulatedHost, "capabilities", frozenset())
    with pytest.raises(WrongState, match="only while it is off"):
        actions.machines.update(alice, machine, cores=2)


def test_a_smaller_size_frees_room_only_once_the_host_has_let_go(alice, machine):
    finish(actions.machines.update(alice, machine, memory_mb=4096))
    job = actions.machines.update(alice, machine, memory_mb=1024)
    assert again(machine).memory_mb == 4096
    finish(job)
    assert again(machine).memory_mb == 1024
    books.assert_true()


def test_words_change_without_asking_the_host(alice, machine):
    fail(machine, "*", "vanish")
    job = actions.machines.update(
        alice, machine, cost_center="R&D", start_action="AlwaysAutoTurnOnVM", tag="blue"
    )
    assert finish(job).state == "succeeded"
    now = again(machine)
    assert (now.cost_center, now.start_action, now.tag) == ("R&D", "AlwaysAutoTurnOnVM", "blue")
    assert now.status == "Running"
    with pytest.raises(Invalid, match="'Sometimes' is not one of NeverAuto"):
        actions.machines.update(alice, machine, start_action="Sometimes")


@pytest.mark.parametrize("how", ["retry", "undo", "dismiss"])
@pytest.mark.parametrize("kind", ["lose_reply", "unreachable"])
def test_a_change_that_nobody_knows_about_is_repaired(alice, machine, kind, how):
    fail(machine, "ensure_resized", kind, 6)
    finish(actions.machines.update(alice, machine, cores=2, memory_mb=2048))
    assert again(machine).status == "HostNotResponding"
    assert again(machine).memory_mb == 2048
    books.assert_safe()
    clear_faults(settings.SIMULATED_RACK)
    finish(actions.machines.operate(alice, machine, "Repair", **{how: True}))
    grew = how == "retry" or (how == "dismiss" and kind == "lose_reply")
    assert (again(machine).cores, again(machine).status) == (2 if grew else 1, "Running")
    books.assert_true()


def test_a_refused_name_leaves_the_new_size(alice, machine):
    fail(machine, "ensure_renamed")
    job = finish(actions.machines.update(alice, machine, cores=2, name="shop"))
    assert job.state == "failed"
    assert (again(machine).cores, again(machine).name) == (2, "web-01")
    with pytest.raises(WrongState, match="undone"):
        actions.machines.operate(alice, machine, "Repair", retry=True)
    books.assert_true()


def test_a_refresh_believes_the_host(alice, machine):
    """Somebody turned it off, made it larger and renamed it, behind our back."""
    on_host, disk = driver(machine.host), machine.disks.get()
    on_host.ensure_power(machine.pk, Power.OFF, hard=True)
    on_host.ensure_resized(machine.pk, 4, 8192)
    on_host.ensure_renamed(machine.pk, "intruder")
    on_host.ensure_disk_size(disk.pk, 50)
    finish(actions.machines.operate(alice, machine, "Refresh"))
    now = again(machine)
    assert (now.status, now.name, now.cores, now.memory_mb) == ("PowerOff", "intruder", 4, 8192)
    assert now.storage_gb == 50
    books.assert_true()


def test_a_size_our_books_have_no_room_for_is_told_and_nothing_else_lost(fabric, alice, machine):
    # All the host's memory is spoken for in our books, though the guest is larger than they say.
    host = machine.host
    host.reserved_memory_mb = host.memory_mb - 1024
    host.save()
    driver(host).ensure_resized(machine.pk, 1, 2048)
    job = finish(actions.machines.operate(alice, machine, "Refresh"))
    assert "our books have no room" in job.message
    assert (again(machine).status, again(machine).memory_mb) == ("Running", 1024)


def test_a_machine_is_given_to_another_role(fabric, alice, charlie, machine):
    job = actions.machines.give(
        ADMINISTRATOR, machine, role=charlie.role, owner_name="charlie@example.net"
    )
    finish(job)
    assert (again(machine).role, again(machine).owner_name) == (charlie.role, charlie.principal)
    assert "alice@example.net" in job.message
    assert VirtualMachine.objects.visible_to(charlie).filter(pk=machine.pk).exists()
    assert not VirtualMachine.objects.visible_to(alice).exists()
    finish(actions.machines.give(ADMINISTRATOR, machine, role=None, owner_name="olga"))
    assert again(machine).role is None


def test_who_gets_a_machine_must_have_room_and_its_networks(fabric, alice, machine):
    small = make_role(fabric, "bob@example.net", permissions=["Create"], memory_mb=512)
    with pytest.raises(QuotaExceeded, match="512 MB of memory"):
        actions.machines.give(ADMINISTRATOR, machine, role=small, owner_name="bob@example.net")
    assert again(machine).role == alice.role
    bare = make_role(fabric, "dora@example.net")
    bare.resources.filter(kind="VMNetwork").delete()
    with pytest.raises(Conflict, match="VM network front, which the user role dora"):
        actions.machines.give(ADMINISTRATOR, machine, role=bare, owner_name="dora@example.net")
    with pytest.raises(Invalid, match="no member"):
        actions.machines.give(ADMINISTRATOR, machine, role=small, owner_name="eve@example.net")
    with pytest.raises(Denied):
        actions.machines.give(alice, machine, role=small, owner_name="bob@example.net")


def test_a_machine_within_a_role_stays_a_members(alice, machine):
    with pytest.raises(Invalid, match="member") as refused:
        actions.machines.give(alice, machine, role=alice.role, owner_name=" ")
    assert refused.value.field == "owner_name"


def test_the_cloud_counts_a_given_machine_once(fabric, charlie, machine):
    cloud = fabric.cloud
    cloud.machines = 1
    cloud.save()
    owner = "charlie@example.net"
    finish(actions.machines.give(ADMINISTRATOR, machine, role=charlie.role, owner_name=owner))
    assert again(machine).role == charlie.role


def test_a_failed_creation_is_undone_by_removing_it(fabric, alice):
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, "ensure_power", "fail")
    half = deploy(fabric, alice, "half")
    assert half.status == "CreationFailed"
    finish(actions.machines.operate(alice, half, "Repair", undo=True))
    assert not VirtualMachine.objects.filter(pk=half.pk).exists()
    books.assert_true()


def test_what_cannot_be_undone_says_so(alice, machine):
    fail(machine, "ensure_power")
    finish(actions.machines.operate(alice, machine, "Stop"))
    with pytest.raises(WrongState, match="“Turn off virtual machine” cannot be undone"):
        actions.machines.operate(alice, machine, "Repair", undo=True)


def test_an_update_is_stopped_only_when_it_may_be(alice, machine):
    job = actions.machines.update(alice, machine, cores=2)
    with pytest.raises(WrongState, match="cannot be stopped"):
        actions.jobs.cancel(alice, job)
    finish(job)


def test_jobs_tell_host_and_template(fabric, alice, machine):
    created = Job.objects.get(recipe="deploy")
    assert (created.host, created.template) == (machine.host, fabric.template)
    assert created.memo["placement"]["stars"] > 0
    stopped = finish(actions.machines.operate(alice, machine, "Stop"))
    assert (stopped.host, stopped.template) == (machine.host, None)


def test_a_role_changes_its_own_owner_and_no_other(fabric, alice, machine):
    alice.role.members.append("bob@example.net")
    alice.role.save()
    owner = "bob@example.net"
    finish(actions.machines.give(alice, machine, role=alice.role, owner_name=owner))
    assert again(machine).owner_name == owner
    closed = make_role(fabric, "dora@example.net", permissions=["Create"])
    with pytest.raises(Denied):
        actions.machines.give(alice, machine, role=closed, owner_name="")
