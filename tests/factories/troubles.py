"""Trouble at each step of a job on a machine, and whether our books tell the truth afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db.models import Sum
from django.test import override_settings

from fabric.durable import engine
from fabric.hypervisors.simulated import clear_faults, plan_fault
from fabric.vmm import actions
from fabric.vmm.jobs import RECIPES
from fabric.vmm.models import DiskDrive, Host, Job, StorageVolume, VirtualMachine
from fabric.vmm.roles import Caller
from tests.factories.vmm import Killed, driver, finish, kill_at

STATUS = {"running": "Running", "off": "PowerOff", "paused": "Paused", "saved": "Saved"}


def books(machine: VirtualMachine) -> dict[str, Any]:
    """Return what our rows say of a machine."""
    row = VirtualMachine.objects.get(pk=machine.pk)
    adapters = row.adapters.filter(network__isnull=False).select_related("network")
    return {
        "status": row.status,
        "size": (row.cores, row.memory_mb),
        "disks": {
            drive.pk: (drive.size_gb, drive.volume and drive.volume.name)
            for drive in row.disks.select_related("volume")
        },
        "adapters": {
            adapter.pk: (
                adapter.mac,
                adapter.network.name,
                tuple(adapter.addresses),
            )
            for adapter in adapters
        },
        "media": next((dvd.iso.path for dvd in row.dvds.filter(iso__isnull=False)), ""),
        "checkpoints": {
            checkpoint.pk: (checkpoint.parent_id, checkpoint.is_current)
            for checkpoint in row.checkpoints.all()
        },
    }


def world(machine: VirtualMachine) -> dict[str, Any]:
    """Return what the host of a machine says of it."""
    host = driver(VirtualMachine.objects.get(pk=machine.pk).host)
    guest = host.guest(machine.pk)
    assert guest is not None
    return {
        "status": STATUS[guest.power],
        "size": (guest.cores, guest.memory_mb),
        "disks": {disk.id: (disk.size_gb, disk.volume) for disk in guest.disks},
        "adapters": {each.id: (each.mac, each.network, each.addresses) for each in guest.adapters},
        "media": guest.media,
        "checkpoints": {
            each.id: (each.parent, each.is_current) for each in host.checkpoints(machine.pk)
        },
    }


def assert_true(machine: VirtualMachine) -> None:
    """Rows are what the host has, nothing is left over on it, and room is counted exactly."""
    assert books(machine) == world(machine)
    for host in Host.objects.all():
        disks = {disk.id: disk.size_gb for disk in driver(host).disks()}
        drives = DiskDrive.objects.filter(volume__host=host)
        assert {drive.pk: drive.size_gb for drive in drives} == disks
        assert host.used_storage_gb == sum(disks.values())
        sums = host.machines.aggregate(cores=Sum("cores"), memory_mb=Sum("memory_mb"))
        assert (host.used_cores, host.used_memory_mb) == (
            sums["cores"] or 0,
            sums["memory_mb"] or 0,
        )
    for volume in StorageVolume.objects.all():
        assert volume.used_gb == (volume.drives.aggregate(all=Sum("size_gb"))["all"] or 0)
        assert not volume.arrivals.exists()
    row = VirtualMachine.objects.get(pk=machine.pk)
    assert row.storage_gb == row.disks.aggregate(all=Sum("size_gb"))["all"]


def fail(machine: VirtualMachine, verb: str, kind: str = "fail", times: int = 1) -> None:
    """Have the machine's host do this the next times it is asked."""
    plan_fault(settings.SIMULATED_RACK, machine.host.name, verb, kind, times)


def kill(job: Job, step: str, where: str) -> None:
    """Have the worker die there, and its claim run out."""
    kill_at.add((step, where))
    with override_settings(JOB_PROBE="tests.factories.vmm.probe"), pytest.raises(Killed):
        finish(job)
    Job.objects.filter(pk=job.pk).update(claimed_until=None)


def vanish(job: Job, step: str, machine: VirtualMachine) -> None:
    """Have the host vanish before a step is taken, for good as far as the job can wait."""
    kill(job, step, "before")
    fail(machine, "*", "vanish")
    assert finish(job).state == "failed"
    machine.refresh_from_db()
    assert machine.status == "HostNotResponding"
    clear_faults(settings.SIMULATED_RACK)


def _take(job: Job, turns: int) -> None:
    """Take some turns of a job, which may not be enough."""
    for _ in range(turns):
        Job.objects.filter(pk=job.pk).update(due_at="2000-01-01T00:00Z")
        engine.advance(Job, RECIPES, job.pk)


def suffer(
    caller: Caller, machine: VirtualMachine, ask: Callable[[], Job], step: str, verb: str, kind: str
) -> None:
    """Do an operation through one trouble, to where it succeeded or was undone; check the books.

    A job that failed for good is resumed, or, where its change was undone, asked for again.
    """
    before = books(machine)
    if kind == "vanish":
        job = ask()
        vanish(job, step, machine)
        job = finish(actions.jobs.restart(caller, job))
    elif kind == "hang":
        fail(machine, verb, kind)
        job = ask()
        _take(job, turns=3)
        clear_faults(settings.SIMULATED_RACK)
        finish(job)
    else:
        fail(machine, verb, kind)
        job = finish(ask())
        clear_faults(settings.SIMULATED_RACK)
    assert job.state == ("failed" if kind == "fail" else "succeeded")
    assert_true(machine)
    machine.refresh_from_db()
    assert machine.failed_job_id == (job.pk if kind == "fail" else None)
    if kind == "fail" and verb.startswith("ensure_"):
        assert books(machine) == before
        assert finish(ask()).state == "succeeded"
        assert_true(machine)
