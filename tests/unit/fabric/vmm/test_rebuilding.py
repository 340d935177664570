"""Machines rebuilt: the same machine to everybody else, with fresh disks and its guest set up."""

from __future__ import annotations

import pytest
from django.conf import settings

from fabric.durable import engine
from fabric.hypervisors.base import GuestSetup
from fabric.hypervisors.simulated import plan_fault
from fabric.vmm import actions
from fabric.vmm.actions.machines import NewAdapter
from fabric.vmm.actions.setups import Asked
from fabric.vmm.errors import (
    Conflict,
    Denied,
    Invalid,
    NoSuitableHost,
    NotFound,
    QuotaExceeded,
    WrongState,
)
from fabric.vmm.jobs import RECIPES
from fabric.vmm.models import DiskDrive, Job, VirtualMachine, VMTemplate
from fabric.vmm.roles import Grant
from tests.factories.vmm import (
    ADMINISTRATOR,
    PASSWORD,
    Killed,
    acting_for,
    deploy,
    driver,
    finish,
    kill_at,
    make_iso,
    make_role,
    make_share,
)
from tests.unit.fabric.vmm import books

NEW_PASSWORD = "An0ther-phrase-of-alice"


@pytest.fixture
def machine(fabric, alice) -> VirtualMachine:
    fixed = [NewAdapter(network_id=fabric.network.pk, address="10.20.1.77")]
    return deploy(fabric, alice, adapters=fixed, local_admin_password=PASSWORD)


def template(fabric, *callers, size_gb: int = 60, **values) -> VMTemplate:
    """Return another template, of a disk of this size, that these may use."""
    disk = actions.library.add_disk(
        ADMINISTRATOR,
        fabric.server,
        name=f"debian-{size_gb}.vhdx",
        size_gb=size_gb,
        os_name="Debian 13",
        os_type="Linux",
    )
    made = actions.templates.add(
        ADMINISTRATOR,
        fabric.server,
        name=f"Debian {size_gb}",
        disk=disk,
        os_type="Linux",
        **{"cores": 1, "memory_mb": 1024, **values},
    )
    for caller in callers:
        grant = Grant("VMTemplate", made.pk)
        actions.userroles.change(ADMINISTRATOR, caller.role, add_resources=[grant])
    return made


def again(machine: VirtualMachine) -> VirtualMachine:
    return VirtualMachine.objects.get(pk=machine.pk)


def rebuild(caller, machine, of, **wanted) -> Job:
    guest = wanted.pop("guest", Asked(local_admin_password=NEW_PASSWORD))
    return actions.machines.rebuild(caller, machine, template_id=of.pk, guest=guest, **wanted)


def seen(machine: VirtualMachine) -> dict:
    """Return what must stay the same."""
    adapters = [(a.pk, a.mac, a.addresses) for a in machine.adapters.order_by("slot")]
    return {
        "name": machine.name,
        "computer": machine.computer_name,
        "size": (machine.cores, machine.memory_mb),
        "adapters": adapters,
    }


def test_it_is_the_same_machine_with_fresh_disks(fabric, alice, machine):
    finish(actions.disks.add(alice, machine, size_gb=10, name="data"))
    share = make_share(fabric)
    finish(actions.media.insert(alice, machine, iso=make_iso(fabric, share)))
    before, old = seen(again(machine)), set(machine.disks.values_list("pk", flat=True))
    debian = template(fabric, alice)
    job = rebuild(alice, machine, debian)
    assert again(machine).status == "UnderUpdate"
    # Who asks twice asks for one.
    assert rebuild(alice, machine, debian) == job
    finish(job)
    assert (job.state, job.fault, job.sealed) == ("succeeded", None, "")
    now = again(machine)
    assert seen(now) == before
    assert (now.status, now.template, now.os_name) == ("Running", debian, "Debian 13")
    (disk,) = now.disks.all()
    assert (disk.pk in old, disk.image, disk.size_gb) == (False, "debian-60.vhdx", 60)
    assert now.storage_gb == 60
    host = driver(now.host)
    assert host.accepts_login(now.pk, "root", NEW_PASSWORD)
    guest = host.guest(now.pk)
    assert guest.media
    assert guest.addresses == ("10.20.1.77",)
    books.assert_true()


def test_its_guest_is_set_up_anew(fabric, alice, machine):
    finish(rebuild(alice, machine, fabric.template, guest=Asked(user_data="#!/bin/sh\ntrue")))
    now = again(machine)
    host = driver(now.host)
    assert host.is_set_up(now.pk, GuestSetup(now.computer_name, user_data="#!/bin/sh\ntrue"))
    # The old password went with the old disk.
    assert not host.accepts_login(now.pk, "root", PASSWORD)


@pytest.mark.parametrize("stage", ["Stop", "Suspend", "SaveState"])
def test_it_may_stand_anywhere_and_be_left_off(fabric, alice, machine, stage):
    finish(actions.machines.operate(alice, machine, stage))
    job = finish(rebuild(alice, machine, fabric.template, start=False))
    assert (job.recipe, job.state, again(machine).status) == (
        "rebuild_stopped",
        "succeeded",
        "PowerOff",
    )
    books.assert_true()


def test_it_takes_another_name_only_where_it_is_asked_for(fabric, alice, machine):
    actions.templates.change(ADMINISTRATOR, fabric.template, computer_name_pattern="web-##")
    finish(rebuild(alice, machine, fabric.template))
    assert again(machine).computer_name == "web-01"
    finish(rebuild(alice, machine, fabric.template, computer_name="other"))
    assert again(machine).computer_name == "other"
    with pytest.raises(Invalid, match="no computer name"):
        rebuild(alice, machine, fabric.template, computer_name="no name")


def test_checkpoints_are_in_the_way(fabric, alice, machine):
    finish(actions.checkpoints.create(alice, machine, name="before")[1])
    with pytest.raises(Conflict, match=r"has checkpoints \(before\), which would be lost"):
        rebuild(alice, machine, fabric.template)
    assert again(machine).status == "Running"


def test_a_larger_template_needs_the_quota_and_holds_it(fabric):
    alice = acting_for(make_role(fabric, storage_gb=80))
    machine = deploy(fabric, alice)
    with pytest.raises(QuotaExceeded, match="storage: 20 GB used, 80 GB more"):
        rebuild(alice, machine, template(fabric, alice, size_gb=100))
    assert again(machine).storage_gb == 20
    job = rebuild(alice, machine, template(fabric, alice, size_gb=60))
    # Nobody else of the role takes it meanwhile.
    with pytest.raises(QuotaExceeded, match="60 GB used"):
        deploy(fabric, alice, "web-02", template_id=template(fabric, alice, size_gb=30).pk)
    finish(job)
    # A smaller one gives some back.
    finish(rebuild(alice, machine, fabric.template))
    assert again(machine).storage_gb == 20
    books.assert_true()


def test_nothing_is_touched_when_no_host_has_the_room(fabric, alice, machine):
    # Each host has another machine as well.
    for name in ("web-02", "web-03", "web-04"):
        deploy(fabric, alice, name)
    huge = template(fabric, alice, size_gb=1_990)
    before = set(machine.disks.values_list("pk", flat=True))
    with pytest.raises(NoSuitableHost, match="No host has room for web-01 with 1990 GB"):
        rebuild(alice, machine, huge)
    assert set(machine.disks.values_list("pk", flat=True)) == before
    assert (again(machine).status, again(machine).storage_gb) == ("Running", 20)
    books.assert_true()


def test_it_goes_to_another_host_where_its_own_has_no_room(fabric, alice, machine):
    host = machine.host
    actions.hosts.change(ADMINISTRATOR, host, is_available=False)
    finish(rebuild(alice, machine, fabric.template))
    now = again(machine)
    assert (now.status, now.host == host) == ("Running", False)
    books.assert_true()


def test_who_may_not_rebuild_is_told(fabric, alice, charlie, machine):
    with pytest.raises(NotFound):
        rebuild(charlie, machine, fabric.template)
    with pytest.raises(NotFound, match="template"):
        rebuild(alice, machine, template(fabric))
    poor = acting_for(make_role(fabric, permissions=["Create"]))
    theirs = deploy(fabric, poor, "poor")
    with pytest.raises(Denied, match="AllowLocalAdmin"):
        rebuild(poor, theirs, fabric.template)
    actions.userroles.change(ADMINISTRATOR, poor.role, permissions=["Start", "Remove"])
    poor.role.refresh_from_db()
    with pytest.raises(Denied, match="Create"):
        rebuild(poor, theirs, fabric.template)


def test_a_stored_machine_is_not_rebuilt(fabric, alice, machine):
    make_share(fabric)
    finish(actions.machines.operate(alice, machine, "Stop"))
    finish(actions.machines.store(alice, machine))
    with pytest.raises(WrongState, match="repaired first"):
        rebuild(alice, machine, fabric.template)


def test_a_host_that_refuses_leaves_all_as_it_was(fabric, alice, machine):
    debian = template(fabric, alice)
    plan_fault(settings.SIMULATED_RACK, machine.host.name, "ensure_removed", "fail")
    job = finish(rebuild(alice, machine, debian))
    now = again(machine)
    assert (job.state, now.status, now.storage_gb) == ("failed", "Running", 20)
    books.assert_true()
    finish(actions.machines.operate(alice, machine, "Repair", retry=True))
    assert (again(machine).status, again(machine).storage_gb) == ("Running", 60)
    books.assert_true()


@pytest.mark.parametrize(
    "verb",
    ["ensure_disk", "ensure_defined", "ensure_adapter", "ensure_power", "ensure_guest_setup"],
)
def test_what_failed_later_is_resumed_where_it_failed(fabric, alice, machine, verb):
    before = seen(machine)
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, verb, "fail")
    job = finish(rebuild(alice, machine, fabric.template))
    now = again(machine)
    assert (now.status, now.failed_job_id) == ("UpdateFailed", job.pk)
    assert now.deployment_error["step"] == job.step
    while again(machine).status == "UpdateFailed":
        finish(actions.machines.operate(alice, machine, "Repair", retry=True))
    now = again(machine)
    assert (now.status, seen(now), now.deployment_error) == ("Running", before, None)
    assert driver(now.host).accepts_login(now.pk, "root", NEW_PASSWORD)
    books.assert_true()


def test_one_to_be_left_off_that_does_not_stop_is_stopped_later(fabric, alice, machine, settings):
    settings.JOB_PROBE = "tests.factories.vmm.probe"
    kill_at.add(("ensure_stopped", "before"))
    job = rebuild(alice, machine, fabric.template, start=False)
    with pytest.raises(Killed):
        engine.advance(Job, RECIPES, job.pk)
    Job.objects.update(claimed_until=None)
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, "ensure_power", "fail")
    assert finish(job).fault["code"] == "rejected"
    assert again(machine).deployment_error["step"] == "ensure_stopped"
    finish(actions.machines.operate(alice, machine, "Repair", retry=True))
    assert (again(machine).status, again(machine).deployment_error) == ("PowerOff", None)
    books.assert_true()


def test_what_failed_may_be_rebuilt_of_another_template_or_removed(fabric, alice, machine):
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, "ensure_defined", "fail")
    first = finish(rebuild(alice, machine, fabric.template))
    assert first.sealed
    finish(rebuild(alice, machine, template(fabric, alice)))
    first.refresh_from_db()
    assert first.sealed == ""
    assert (again(machine).status, again(machine).os_name) == ("Running", "Debian 13")
    books.assert_true()
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, "ensure_defined", "fail")
    finish(rebuild(alice, machine, fabric.template))
    finish(actions.machines.remove(alice, again(machine)))
    assert not VirtualMachine.objects.exists()
    assert not DiskDrive.objects.exists()
    books.assert_true()


def test_secrets_go_with_the_last_chance_to_resume(fabric, alice, machine):
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, "ensure_guest_setup", "fail")
    job = finish(rebuild(alice, machine, fabric.template))
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, "guest", "fail")
    refresh = finish(actions.machines.operate(alice, machine, "Refresh"))
    job.refresh_from_db()
    assert (refresh.state, again(machine).failed_job_id) == ("failed", job.pk)
    assert job.sealed
    finish(actions.machines.operate(alice, machine, "Refresh"))
    job.refresh_from_db()
    assert (again(machine).status, job.sealed) == ("Running", "")


def test_a_new_name_is_the_name_it_is_resumed_with(fabric, alice, machine):
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, "ensure_disk", "fail")
    finish(rebuild(alice, machine, fabric.template))
    finish(actions.machines.update(alice, again(machine), name="renamed"))
    while again(machine).status == "UpdateFailed":
        finish(actions.machines.operate(alice, machine, "Repair", retry=True))
    assert driver(again(machine).host).guest(machine.pk).name == "renamed"
    books.assert_true()


def test_one_in_line_is_cancelled_and_nothing_else_is(fabric, alice, machine):
    job = rebuild(alice, machine, template(fabric, alice))
    actions.jobs.cancel(alice, job)
    assert finish(job).state == "cancelled"
    assert (again(machine).status, again(machine).storage_gb) == ("Running", 20)
    books.assert_true()
