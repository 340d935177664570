"""Machines in the library: stored, deployed from there, cloned through it."""

from __future__ import annotations

import pytest
from django.conf import settings

from fabric.hypervisors.simulated import plan_fault
from fabric.vmm import actions
from fabric.vmm.errors import Conflict, Denied, NotFound, QuotaExceeded, WrongState
from fabric.vmm.models import AddressLease, Host, VirtualMachine
from tests.factories.vmm import (
    acting_for,
    deploy,
    driver,
    finish,
    left_on_rack,
    make_iso,
    make_role,
    make_share,
)
from tests.unit.fabric.vmm import books


@pytest.fixture
def share(fabric):
    return make_share(fabric)


@pytest.fixture
def machine(fabric, alice, share) -> VirtualMachine:
    return deploy(fabric, alice, start=False)


def again(machine: VirtualMachine) -> VirtualMachine:
    return VirtualMachine.objects.get(pk=machine.pk)


def devices(machine: VirtualMachine) -> list[tuple[str | None, list[str]]]:
    return [(a.mac, a.addresses) for a in machine.adapters.order_by("slot")]


def test_a_stored_machine_keeps_its_addresses_and_no_room(fabric, alice, machine, share):
    had = devices(machine)
    job = actions.machines.operate(alice, machine, "Store")
    assert again(machine).status == "Storing"
    assert actions.machines.store(alice, machine).pk == job.pk
    assert finish(job).state == "succeeded"
    stored = again(machine)
    assert (stored.status, stored.stored_on, stored.host) == ("Stored", share, None)
    assert stored.hypervisor_id is None
    assert left_on_rack(fabric) == ([], [])
    assert devices(stored) == had
    assert sum(host.used_memory_mb + host.used_storage_gb for host in Host.objects.all()) == 0
    books.assert_true()


@pytest.mark.parametrize(("start", "ends"), [(True, "Running"), (False, "PowerOff")])
def test_a_stored_machine_is_deployed_again_as_it_was(fabric, alice, machine, share, start, ends):
    had = devices(machine)
    iso = make_iso(fabric, share)
    finish(actions.media.insert(alice, machine, iso=iso))
    finish(actions.machines.store(alice, machine))
    job = finish(actions.machines.deploy_stored(alice, machine, start=start))
    assert (job.state, job.fault) == ("succeeded", None)
    back = again(machine)
    assert (back.status, back.stored_on) == (ends, None)
    assert devices(back) == had
    assert driver(back.host).guest(back.pk).media == iso.path
    assert books.library() == set()
    books.assert_true()


def test_a_host_that_only_says_the_disc_is_back_is_asked_again(fabric, alice, machine, share):
    iso = make_iso(fabric, share)
    finish(actions.media.insert(alice, machine, iso=iso))
    finish(actions.machines.store(alice, machine))
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, "ensure_media", "lie")
    assert finish(actions.machines.deploy_stored(alice, machine)).state == "succeeded"
    assert driver(again(machine).host).guest(machine.pk).media == iso.path


def test_a_stored_machine_is_removed_from_the_library(fabric, alice, machine):
    finish(actions.machines.store(alice, machine))
    finish(actions.machines.remove(alice, again(machine)))
    assert books.library() == set()
    assert not VirtualMachine.objects.exists()
    assert not AddressLease.objects.filter(rests_until=None).exists()


def test_what_cannot_be_stored_is_told_why(fabric, alice, charlie, machine):
    _, job = actions.checkpoints.create(alice, machine, name="before")
    finish(job)
    with pytest.raises(Conflict, match=r"checkpoints \(before\)"):
        actions.machines.store(alice, machine)
    with pytest.raises(NotFound):
        actions.machines.store(charlie, machine)
    running = deploy(fabric, alice, "runs")
    with pytest.raises(WrongState, match="Running: it cannot be stored"):
        actions.machines.store(alice, running)
    with pytest.raises(WrongState, match="not stored"):
        actions.machines.deploy_stored(alice, running)
    poor = acting_for(make_role(fabric, permissions=["Create", "Stop"]))
    with pytest.raises(Denied, match="Store"):
        actions.machines.store(poor, deploy(fabric, poor, "poor", start=False))


def test_a_cloud_without_a_share_stores_nothing(fabric, alice):
    machine = deploy(fabric, alice, start=False)
    with pytest.raises(Conflict, match="The cloud Gold has no library share"):
        actions.machines.store(alice, machine)


def test_an_old_copy_is_never_taken_for_a_new_one(fabric, alice, machine):
    """A store that failed leaves copies, which are out of date as soon as the machine runs."""
    plan_fault(settings.SIMULATED_RACK, machine.host.name, "ensure_removed", "fail")
    first = finish(actions.machines.store(alice, machine))
    assert (first.state, again(machine).status) == ("failed", "PowerOff")
    old = books.library()
    for operation in ("Start", "Stop"):
        finish(actions.machines.operate(alice, machine, operation))
    finish(actions.machines.store(alice, machine))
    assert again(machine).status == "Stored"
    assert len(books.library()) == len(old) == 1
    assert not books.library() & old


def test_a_store_that_failed_is_undone(fabric, alice, machine):
    plan_fault(settings.SIMULATED_RACK, machine.host.name, "ensure_removed", "fail")
    finish(actions.machines.store(alice, machine))
    finish(actions.machines.operate(alice, machine, "Repair", undo=True))
    assert (again(machine).status, again(machine).failed_job_id) == ("PowerOff", None)
    assert books.library() == set()
    books.assert_true()


def test_a_deployment_from_the_library_that_failed_is_undone_or_resumed(fabric, alice, machine):
    finish(actions.machines.store(alice, machine))
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, "ensure_defined", "fail", 2)
    finish(actions.machines.deploy_stored(alice, machine))
    assert again(machine).status == "UpdateFailed"
    assert again(machine).deployment_error["step"] == "ensure_defined"
    finish(actions.machines.operate(alice, machine, "Repair", undo=True))
    assert again(machine).status == "Stored"
    books.assert_true()
    finish(actions.machines.deploy_stored(alice, machine))
    while again(machine).status == "UpdateFailed":
        finish(actions.machines.operate(alice, machine, "Repair", retry=True))
    assert again(machine).status == "PowerOff"
    books.assert_true()


def test_a_store_is_cancelled_while_it_copies(fabric, alice, machine, settings):
    job = actions.machines.store(alice, machine)
    actions.jobs.cancel(alice, job)
    assert finish(job).state == "cancelled"
    assert again(machine).status == "PowerOff"
    books.assert_true()


def test_a_clone_is_a_machine_of_its_own(fabric, alice, machine):
    clone, job = actions.machines.clone(alice, machine, name="web-02", start=True)
    assert again(machine).status == "UnderUpdate"
    with pytest.raises(Conflict, match="Clone virtual machine"):
        actions.machines.operate(alice, machine, "Start")
    finish(job)
    assert (job.state, job.fault) == ("succeeded", None)
    made = again(clone)
    assert (made.status, again(machine).status) == ("Running", "PowerOff")
    assert made.computer_name == machine.computer_name
    mine, theirs = devices(made), devices(machine)
    assert not {mac for mac, _ in mine} & {mac for mac, _ in theirs}
    assert mine[0][1] != theirs[0][1]
    assert books.library() == set()
    books.assert_true()


def test_the_same_request_key_is_the_same_clone(fabric, alice, machine):
    first, job = actions.machines.clone(alice, machine, name="web-02", request_key="k1")
    same, its = actions.machines.clone(alice, machine, name="web-02", request_key="k1")
    assert (first.pk, job.pk) == (same.pk, its.pk)
    assert VirtualMachine.objects.count() == 2
    finish(job)
    with pytest.raises(Conflict, match="request key"):
        actions.machines.clone(alice, first, name="web-03", request_key="k1")


def test_a_clone_must_fit_the_quota_and_its_source_be_off(fabric, share):
    alice = acting_for(make_role(fabric, vm_count=1))
    machine = deploy(fabric, alice)
    with pytest.raises(WrongState, match="cannot be cloned"):
        actions.machines.clone(alice, machine, name="web-02")
    finish(actions.machines.operate(alice, machine, "Stop"))
    with pytest.raises(QuotaExceeded, match="1 of virtual machines"):
        actions.machines.clone(alice, machine, name="web-02")
    assert again(machine).status == "PowerOff"


def test_a_clone_that_failed_lets_go_of_its_source_and_holds_it_again(fabric, alice, machine):
    plan_fault(settings.SIMULATED_RACK, machine.host.name, "ensure_image", "fail")
    clone, job = actions.machines.clone(alice, machine, name="web-02")
    finish(job)
    assert (again(clone).status, again(machine).status) == ("CreationFailed", "PowerOff")
    finish(actions.machines.operate(alice, machine, "Start"))
    finish(actions.machines.operate(alice, clone, "Repair", retry=True))
    assert "must be off" in again(clone).deployment_error["message"]
    finish(actions.machines.operate(alice, machine, "Stop"))
    finish(actions.machines.operate(alice, clone, "Repair", retry=True))
    assert (again(clone).status, again(machine).status) == ("PowerOff", "PowerOff")
    books.assert_true()


def test_a_failed_clone_is_undone_with_its_copies(fabric, alice, machine):
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, "ensure_defined", "fail")
    clone, job = actions.machines.clone(alice, machine, name="web-02")
    finish(job)
    assert books.library()
    finish(actions.machines.operate(alice, clone, "Repair", undo=True))
    assert books.library() == set()
    assert VirtualMachine.objects.get() == machine
    books.assert_true()
