"""What people do at the hosts behind our back: found, listed, and decided one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from fabric.hypervisors.base import Power
from fabric.hypervisors.simulated import add_host, meddling, plan_fault
from fabric.vmm import drift, performance
from fabric.vmm.actions import drift as decisions
from fabric.vmm.actions import groups, hosts
from fabric.vmm.errors import Conflict, Denied, Invalid, NotFound, QuotaExceeded, WrongState
from fabric.vmm.models import DiskDrive, Drift, Host, Job, UserRole, VirtualHardDisk, VirtualMachine
from fabric.vmm.roles import Caller
from tests.factories.vmm import (
    ADMINISTRATOR,
    deploy,
    driver,
    finish,
    left_on_rack,
    make_role,
    make_share,
    order,
)


@pytest.fixture
def machine(fabric, alice):
    made = deploy(fabric, alice)
    # The sweep leaves alone what a job worked on a moment ago.
    Job.objects.update(ended_at=timezone.now() - timedelta(minutes=1))
    return made


def rack():
    return settings.SIMULATED_RACK


def found(*kinds: str) -> list[Drift]:
    """Sweep, and return what is open; it must be of just these kinds."""
    drift.sweep()
    listed = list(Drift.objects.filter(state="open").order_by("kind"))
    assert [each.kind for each in listed] == sorted(kinds)
    return listed


def refreshed(machine: VirtualMachine) -> VirtualMachine:
    return VirtualMachine.objects.get(pk=machine.pk)


def test_an_untouched_fabric_has_no_drift(machine):
    assert drift.sweep() == 0


def test_a_shutdown_from_inside_is_simply_written(machine):
    meddling.set_power(rack(), machine.host.name, machine.pk, Power.OFF)
    assert drift.sweep() == 0
    assert refreshed(machine).status == "PowerOff"


def test_a_difference_is_listed_once_and_settles_when_it_goes_away(machine):
    meddling.rename_guest(rack(), machine.host.name, machine.pk, "web-one")
    (first,) = found("renamed")
    (again,) = found("renamed")
    assert first.pk == again.pk
    meddling.rename_guest(rack(), machine.host.name, machine.pk, machine.name)
    found()
    first.refresh_from_db()
    assert (first.state, first.settled_how) == ("settled", "gone")


def test_an_ignored_difference_comes_back_when_it_changes(machine):
    meddling.rename_guest(rack(), machine.host.name, machine.pk, "web-one")
    decisions.ignore(ADMINISTRATOR, found("renamed")[0])
    found()
    meddling.rename_guest(rack(), machine.host.name, machine.pk, "web-two")
    assert found("renamed")[0].theirs == {"name": "web-two"}


def test_an_ignored_difference_is_opened_again(machine):
    meddling.rename_guest(rack(), machine.host.name, machine.pk, "web-one")
    (difference,) = found("renamed")
    with pytest.raises(WrongState):
        decisions.reopen(ADMINISTRATOR, difference)
    decisions.ignore(ADMINISTRATOR, difference)
    decisions.reopen(ADMINISTRATOR, difference)
    difference.refresh_from_db()
    assert (difference.state, difference.settled_by, difference.settled_how) == ("open", "", "")


def test_a_server_says_when_it_was_compared(machine):
    before = timezone.now()
    drift.sweep()
    machine.server.refresh_from_db()
    assert machine.server.compared_at >= before


def test_a_host_that_does_not_answer_costs_only_its_own_part(fabric, alice, machine):
    other = next(host for host in fabric.hosts if host.pk != machine.host_id)
    plan_fault(rack(), machine.host.name, "guests", "fail", detail="broken")
    meddling.add_disk(rack(), other.name, size_gb=5)
    meddling.rename_guest(rack(), machine.host.name, machine.pk, "web-one")
    found("orphan_disk")
    found("orphan_disk", "renamed")


def test_what_a_job_works_on_is_left_alone(fabric, alice, machine):
    meddling.rename_guest(rack(), machine.host.name, machine.pk, "web-one")
    order(fabric, alice, "web-02")
    Job.objects.filter(subject=machine.pk).update(state="running")
    found()


def test_a_host_that_changed_says_so(fabric, machine):
    host = machine.host
    facts = driver(host).facts()
    volumes = tuple(replace(each, capacity_gb=3_000) for each in facts.volumes)
    add_host(rack(), replace(facts, memory_mb=512, storage_gb=3_000, volumes=volumes))
    assert drift.sweep() == 0
    host.refresh_from_db()
    assert (host.storage_gb, host.health) == (3_000, "warning")
    assert "512 MB of memory now; its machines hold 1024 MB" in host.health_message
    add_host(rack(), facts)
    drift.sweep()
    host.refresh_from_db()
    assert (host.memory_mb, host.health, host.health_message) == (facts.memory_mb, "ok", "")


def test_a_host_that_does_not_answer_says_so_until_it_does(fabric, machine):
    host = machine.host
    plan_fault(rack(), host.name, "counters", "unreachable")
    for health in ("unreachable", "ok"):
        performance.sample(timezone.now())
        host.refresh_from_db()
        assert host.health == health


# Unknown machines


def test_a_machine_found_on_a_host_is_adopted_as_it_is(fabric, machine):
    host = machine.host
    guest = meddling.add_guest(rack(), host.name, "old-mail", cores=2, memory_mb=4096, disk_gb=30)
    role = make_role(fabric, "bob@example.net")
    (stranger,) = found("unknown_machine")
    decisions.adopt(ADMINISTRATOR, stranger, cloud=fabric.cloud, role=role, owner_name="bob")
    adopted = VirtualMachine.objects.get(pk=guest)
    assert (adopted.name, adopted.cores, adopted.memory_mb) == ("old-mail", 2, 4096)
    assert (adopted.host, adopted.role, adopted.status) == (host, role, "PowerOff")
    before, after = host, Host.objects.get(pk=host.pk)
    assert after.used_memory_mb - machine.memory_mb == 4096
    assert after.used_storage_gb - machine.storage_gb == 30
    assert before.pk == after.pk
    found()


def test_adopting_keeps_to_the_limits_of_the_role(fabric, machine):
    meddling.add_guest(rack(), machine.host.name, cores=4)
    role = make_role(fabric, "bob@example.net", cpu_count=2)
    (stranger,) = found("unknown_machine")
    with pytest.raises(QuotaExceeded, match="2 of virtual processors"):
        decisions.adopt(ADMINISTRATOR, stranger, cloud=fabric.cloud, role=role)
    assert found("unknown_machine")[0].state == "open"


def test_a_machine_on_a_host_of_a_group_below_is_adopted(fabric, machine):
    below = groups.add(ADMINISTRATOR, fabric.server, name="Rack 1", parent=fabric.group)
    hosts.change(ADMINISTRATOR, machine.host, group=below)
    guest = meddling.add_guest(rack(), machine.host.name)
    decisions.adopt(ADMINISTRATOR, found("unknown_machine")[0], cloud=fabric.cloud)
    assert VirtualMachine.objects.get(pk=guest).cloud == fabric.cloud


def test_what_came_onto_the_books_is_not_removed_as_a_stranger(fabric, machine):
    guest = meddling.add_guest(rack(), machine.host.name)
    (stranger,) = found("unknown_machine")
    plan_fault(rack(), machine.host.name, "ensure_removed", "fail")
    assert finish(decisions.repair(ADMINISTRATOR, stranger)).state == "failed"
    decisions.adopt(ADMINISTRATOR, stranger, cloud=fabric.cloud)
    Drift.objects.filter(pk=stranger.pk).update(state="open")
    with pytest.raises(Conflict, match="on our books"):
        decisions.repair(ADMINISTRATOR, stranger)
    assert driver(machine.host).guest(guest) is not None


def test_a_disk_that_a_machine_was_given_is_not_removed_as_an_orphan(fabric, machine):
    disk = meddling.add_disk(rack(), machine.host.name, size_gb=5).id
    (orphan,) = found("orphan_disk")
    job = decisions.repair(ADMINISTRATOR, orphan)
    DiskDrive.objects.create(
        pk=disk, machine=machine, name="late", size_gb=5, lun=9, volume=machine.host.volumes.get()
    )
    assert (finish(job).state, "books" in job.message) == ("failed", True)
    assert disk in {each.id for each in driver(machine.host).disks()}


def test_adopting_needs_a_cloud(machine):
    meddling.add_guest(rack(), machine.host.name)
    with pytest.raises(Invalid, match="Choose the cloud") as refusal:
        decisions.adopt(ADMINISTRATOR, found("unknown_machine")[0])
    assert refusal.value.field == "cloud"


def test_an_unknown_machine_is_removed_only_when_asked(fabric, machine):
    guest = meddling.add_guest(rack(), machine.host.name)
    (stranger,) = found("unknown_machine")
    assert driver(machine.host).guest(guest) is not None
    finish(decisions.repair(ADMINISTRATOR, stranger))
    assert driver(machine.host).guest(guest) is None
    stranger.refresh_from_db()
    assert (stranger.state, stranger.settled_how, stranger.settled_by) == (
        "settled",
        "repaired",
        "olga",
    )


# Machines of ours


def test_a_machine_deleted_at_its_host_is_forgotten_with_all_it_held(fabric, machine):
    meddling.remove_guest(rack(), machine.host.name, machine.pk)
    (lost,) = found("missing_machine")
    assert refreshed(machine).status == "Missing"
    with pytest.raises(WrongState, match="cannot be repaired"):
        decisions.repair(ADMINISTRATOR, lost)
    assert finish(decisions.adopt(ADMINISTRATOR, lost)).state == "succeeded"
    assert not VirtualMachine.objects.exists()
    assert Host.objects.get(pk=machine.host_id).used_memory_mb == 0
    found()


def test_a_machine_that_is_back_is_not_forgotten(machine):
    meddling.remove_guest(rack(), machine.host.name, machine.pk)
    (lost,) = found("missing_machine")
    meddling.add_guest(rack(), machine.host.name, machine.name, id=machine.pk)
    job = finish(decisions.adopt(ADMINISTRATOR, lost))
    lost.refresh_from_db()
    assert (job.state, lost.state) == ("failed", "open")
    assert "has the machine again" in lost.message
    assert refreshed(machine).status == "Missing"
    assert driver(machine.host).guest(machine.pk) is not None


def test_copies_in_the_library_are_not_forgotten_with_a_machine(machine):
    meddling.remove_guest(rack(), machine.host.name, machine.pk)
    (lost,) = found("missing_machine")
    machine.disks.update(stored_image="store:copy")
    with pytest.raises(WrongState, match="copies of the disks"):
        decisions.adopt(ADMINISTRATOR, lost)


def test_a_machine_that_comes_back_is_itself_again(fabric, machine):
    Drift.objects.all().delete()
    VirtualMachine.objects.filter(pk=machine.pk).update(status="Missing")
    drift.sweep()
    assert refreshed(machine).status == "Running"


@pytest.fixture
def moved(fabric, machine):
    """Return the difference, and the host that the machine was carried to."""
    other = next(host for host in fabric.hosts if host.pk != machine.host_id)
    meddling.move_guest(rack(), machine.host.name, machine.pk, other.name)
    return found("moved")[0], other


def test_a_new_host_is_accepted(machine, moved):
    difference, other = moved
    assert decisions.adopt(ADMINISTRATOR, difference) is None
    assert refreshed(machine).host_id == other.pk
    used = dict(Host.objects.values_list("pk", "used_memory_mb"))
    assert used == {machine.host_id: 0, other.pk: machine.memory_mb}
    found()


def test_a_machine_is_moved_back(machine, moved):
    difference, _ = moved
    job = finish(decisions.repair(ADMINISTRATOR, difference))
    assert job.state == "succeeded", job.message
    assert driver(machine.host).guest(machine.pk) is not None
    assert refreshed(machine).status == "Running"
    Job.objects.update(ended_at=timezone.now() - timedelta(minutes=1))
    found()


def test_another_size_is_accepted_within_quota_or_given_back(fabric, machine):
    meddling.resize_guest(rack(), machine.host.name, machine.pk, cores=3, memory_mb=2048)
    (bigger,) = found("resized")
    decisions.adopt(ADMINISTRATOR, bigger)
    assert (refreshed(machine).cores, refreshed(machine).memory_mb) == (3, 2048)
    assert Host.objects.get(pk=machine.host_id).used_memory_mb == 2048
    meddling.resize_guest(rack(), machine.host.name, machine.pk, cores=9, memory_mb=2048)
    job = finish(decisions.repair(ADMINISTRATOR, found("resized")[0]))
    assert job.state == "succeeded", job.message
    assert driver(machine.host).guest(machine.pk).cores == 3


def test_another_name_is_given_back(machine):
    meddling.rename_guest(rack(), machine.host.name, machine.pk, "web-one")
    finish(decisions.repair(ADMINISTRATOR, found("renamed")[0]))
    assert driver(machine.host).guest(machine.pk).name == machine.name


# Disks


def test_an_orphan_disk_is_kept_in_the_library_or_removed(fabric, machine):
    host = machine.host
    disk = meddling.add_disk(rack(), host.name, size_gb=7)
    (orphan,) = found("orphan_disk")
    with pytest.raises(Invalid, match="library share"):
        decisions.adopt(ADMINISTRATOR, orphan)
    finish(decisions.adopt(ADMINISTRATOR, orphan, share=make_share(fabric)))
    kept = VirtualHardDisk.objects.get(source_image=f"store:{disk.id}")
    assert kept.size_gb == 7
    assert disk.id not in {each.id for each in driver(host).disks()}
    other = meddling.add_disk(rack(), host.name, size_gb=3)
    finish(decisions.repair(ADMINISTRATOR, found("orphan_disk")[0]))
    assert other.id not in {each.id for each in left_on_rack(fabric)[1]}


@pytest.mark.parametrize("kind", ["fail", "unreachable", "lose_reply", "lie"])
def test_a_repair_that_fails_keeps_the_difference_and_can_go_on(fabric, machine, kind):
    host = machine.host
    disk = meddling.add_disk(rack(), host.name, size_gb=3)
    (orphan,) = found("orphan_disk")
    plan_fault(rack(), host.name, "ensure_disk_removed", kind, detail="broken")
    job = finish(decisions.repair(ADMINISTRATOR, orphan))
    orphan.refresh_from_db()
    if job.state == "failed":
        assert (orphan.state, orphan.message) == ("open", job.message)
        job = finish(decisions.repair(ADMINISTRATOR, orphan))
        orphan.refresh_from_db()
    assert job.state == "succeeded"
    assert orphan.state == "settled"
    assert disk.id not in {each.id for each in driver(host).disks()}


@pytest.mark.parametrize(
    ("kind", "verb"),
    [("moved", "ensure_moved"), ("resized", "ensure_resized"), ("renamed", "ensure_renamed")],
)
def test_a_host_that_only_says_it_is_mended_is_asked_again(fabric, machine, kind, verb):
    host, other = machine.host, next(h for h in fabric.hosts if h.pk != machine.host_id)
    if kind == "moved":
        meddling.move_guest(rack(), host.name, machine.pk, other.name)
    elif kind == "resized":
        meddling.resize_guest(rack(), host.name, machine.pk, cores=3, memory_mb=2048)
    else:
        meddling.rename_guest(rack(), host.name, machine.pk, "web-one")
    for each in fabric.hosts:
        plan_fault(rack(), each.name, verb, "lie")
    assert finish(decisions.repair(ADMINISTRATOR, found(kind)[0])).state == "succeeded"
    guest = driver(host).guest(machine.pk)
    assert (guest.name, guest.cores, guest.memory_mb) == (
        machine.name,
        machine.cores,
        machine.memory_mb,
    )


# Who may


def test_only_those_who_run_the_fabric_decide(machine, alice):
    meddling.rename_guest(rack(), machine.host.name, machine.pk, "web-one")
    (difference,) = found("renamed")
    reader = UserRole.objects.create(name="Auditors", profile="ReadOnlyAdmin")
    for act in (decisions.ignore, decisions.adopt, decisions.repair):
        for stranger in (alice, Caller()):
            with pytest.raises(NotFound):
                act(stranger, difference)
        with pytest.raises(Denied):
            act(Caller(role=reader, principal="audit@example.net"), difference)
    assert found("renamed")[0].state == "open"


def test_what_is_settled_is_not_decided_twice(machine):
    meddling.rename_guest(rack(), machine.host.name, machine.pk, "web-one")
    (difference,) = found("renamed")
    decisions.adopt(ADMINISTRATOR, difference)
    assert refreshed(machine).name == "web-one"
    with pytest.raises(WrongState, match="settled already"):
        decisions.repair(ADMINISTRATOR, difference)
