"""Machines, jobs and differences of the built-in VMM server for the showroom, in every state.

Rows alone: nothing of it is on a rack, so that what is under way stays so.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from fabric.durable.states import JobState
from fabric.vmm.jobs import WORKS
from fabric.vmm.models import (
    AddressPool,
    Checkpoint,
    Cloud,
    DiskDrive,
    Drift,
    Host,
    Job,
    NetworkAdapter,
    Performance,
    UserRole,
    VirtualMachine,
    VMNetwork,
    VMTemplate,
)
from fabric.vmm.performance import FRAMES
from fabric.vmm.states import MachineStatus

URLS = "portal.urls.admin"
MACHINES = (
    ("shop-01", MachineStatus.RUNNING),
    ("shop-02", MachineStatus.RUNNING),
    ("shop-db", MachineStatus.POWER_OFF),
    ("intranet", MachineStatus.PAUSED),
    ("mail-gateway", MachineStatus.UNDER_CREATION),
    ("wiki", MachineStatus.CREATION_FAILED),
    ("build-runner", MachineStatus.UNDER_MIGRATION),
    ("ldap", MachineStatus.HOST_NOT_RESPONDING),
    ("old-crm", MachineStatus.STORED),
)
STEPS = (
    "Check limits and choose a host",
    "Reserve addresses",
    "Copy the virtual hard disk",
    "Create the machine on the host",
    "Connect network adapters",
    "Start the machine",
    "Finish",
)
FAULT = {
    "code": "no_room",
    "message": "The disk could not be copied: the volume nvme has 4 GB left, 20 GB are needed.",
    "advice": "Make room on the volume, then resume: what was made is kept.",
}
TABS = ("configure", "disks", "networks", "dvd", "checkpoints", "placement", "jobs")


def furnish_works() -> None:
    """Fill the first server with machines, their work and load, and what differs."""
    cloud = Cloud.objects.order_by("server__name", "name").first()
    assert cloud is not None
    role = UserRole.objects.create(
        name="Alice’s shop", profile="TenantAdmin", members=["alice@example.net"]
    )
    hosts = list(Host.objects.filter(server=cloud.server_id).order_by("name"))
    for number, (name, status) in enumerate(MACHINES):
        machine = make(cloud, name, status, hosts[number % 2], role if number % 3 else None)
        measure(machine)
    failed = work("wiki", "deploy", JobState.FAILED, 2, fault=FAULT)
    VirtualMachine.objects.filter(name="wiki").update(failed_job_id=failed.pk)
    work("mail-gateway", "deploy", JobState.RUNNING, 2)
    work("build-runner", "move", JobState.RUNNING, 3)
    for name in ("shop-01", "shop-02", "shop-db"):
        work(name, "deploy", JobState.SUCCEEDED, len(STEPS))
    trial = work("shop-01", "trial", JobState.SUCCEEDED, len(STEPS))
    removed = {"name": "ensure_removed", "title": "Remove it", "state": "done"}
    Job.objects.filter(pk=trial.pk).update(
        subject=trial.pk,
        memo={"report": report(hosts[0])},
        steps=[*trial.steps, removed],
        message="Deployed in 35.7 s, and removed.",
        target_type="VMTemplate",
        target_name="Ubuntu 24.04",
    )
    keep_checkpoints(VirtualMachine.objects.get(name="shop-db"))
    differ(hosts[0])
    Host.objects.filter(pk=hosts[1].pk).update(
        drain_started_at=timezone.now() - timedelta(minutes=4),
        drain_total=11,
        is_in_maintenance=True,
    )


def make(cloud: Cloud, name: str, status: str, host: Host, role: UserRole | None) -> VirtualMachine:
    """Make a machine with its disks and an adapter."""
    is_placed = status not in (MachineStatus.UNDER_CREATION, MachineStatus.STORED)
    machine = VirtualMachine.objects.create(
        server=cloud.server,
        cloud=cloud,
        role=role,
        host=host if is_placed else None,
        template=VMTemplate.objects.filter(server=cloud.server).first(),
        owner_name="alice@example.net" if role else "olga@example.net",
        name=name,
        computer_name=name,
        description="What customers see first." if name == "shop-01" else "",
        cores=2,
        memory_mb=4096,
        storage_gb=60,
        os_name="Ubuntu 24.04",
        os_type="Linux",
        status=status,
    )
    for lun, size_gb in enumerate((20, 40)):
        DiskDrive.objects.create(
            machine=machine, name=f"{name}_disk_{lun + 1}", size_gb=size_gb, lun=lun
        )
    network = VMNetwork.objects.filter(server=cloud.server).order_by("name").last()
    adapter = NetworkAdapter.objects.create(
        machine=machine,
        network=network,
        mac=":".join(f"{byte:02X}" for byte in (2, 0, *machine.pk.bytes[:4])),
        ipv4_type="Static",
    )
    pool = AddressPool.objects.filter(network=network).first()
    if pool is not None:
        number = VirtualMachine.objects.count()
        adapter.leases.create(pool=pool, address=f"10.20.0.{number + 20}")
    return machine


def work(
    name: str, recipe: str, state: str, reached: int, fault: dict[str, str] | None = None
) -> Job:
    """Make a job of a machine that stands at a step."""
    machine = VirtualMachine.objects.get(name=name)
    began = timezone.now() - timedelta(seconds=9 * reached)
    host = machine.host or Host.objects.filter(server=machine.server).order_by("name").first()
    assert host is not None
    ended = timezone.now() if state in (JobState.SUCCEEDED, JobState.FAILED) else None
    title = {"deploy": "Create virtual machine", "trial": "Test deployment"}
    job = Job.objects.create(
        server=machine.server,
        recipe=recipe,
        title=title.get(recipe, "Move virtual machine"),
        subject=machine.pk,
        state=state,
        step=WORKS[recipe].recipe.steps[0].name,
        percent=100 if state == JobState.SUCCEEDED else 46,
        message="" if fault else ("The machine is running." if ended else "Copying: 12 of 20 GB."),
        fault=fault,
        steps=[step(number, reached, began, host.name, fault) for number in range(len(STEPS))],
        memo={
            "host": host.name,
            "placement": {"stars": 4.2, "reasons": ["84% of memory free afterwards"]},
        },
        role=machine.role,
        host=host,
        template=machine.template if recipe == "deploy" else None,
        owner_name=machine.owner_name,
        cmdlet="New-SCVirtualMachine",
        target_name=name,
        started_at=began,
        ended_at=ended,
    )
    VirtualMachine.objects.filter(pk=machine.pk).update(most_recent_job_id=job.pk)
    return job


def step(
    number: int, reached: int, began: Any, host: str, fault: dict[str, str] | None
) -> dict[str, Any]:
    """Return one step of a job that has reached another."""
    told: dict[str, Any] = {"name": f"step_{number}", "title": STEPS[number], "state": "pending"}
    if number <= reached:
        told["started_at"] = (began + timedelta(seconds=9 * number)).isoformat()
        told |= {"state": "running", "percent": 62, "host": host, "attempt": 1}
    if number < reached:
        told["ended_at"] = (began + timedelta(seconds=9 * number + 9)).isoformat()
        told |= {"state": "done", "percent": 100}
    if number == reached and fault:
        told |= {"state": "failed", "message": fault["message"], "attempt": 3}
    return told


def report(host: Host) -> dict[str, Any]:
    """Return what a test deployment found."""
    return {
        "steps": [
            {"title": title, "state": "done", "seconds": 1.7 * number, "host": host.name}
            for number, title in enumerate(STEPS)
        ],
        "seconds": 35.7,
        "host": host.name,
        "problem": "",
        "advice": "",
        "failed_at": "",
    }


def measure(machine: VirtualMachine) -> None:
    """Give a machine an hour, a day and a month of load."""
    now = timezone.now()
    for frame, (seconds, most, _every) in FRAMES.items():
        count = min(60, most)
        waves = [0.7 + 0.25 * math.sin(n / 4) + 0.05 * math.sin(n * 2.3) for n in range(count)]
        Performance.objects.create(
            machine=machine,
            frame=frame,
            times=[now - timedelta(seconds=seconds * (count - 1 - n)) for n in range(count)],
            cpu_percent=[round(60 * wave) for wave in waves],
            memory_mb=[round(2400 * wave) for wave in waves],
            storage_iops=[round(200 * wave) for wave in waves],
            network_kbps=[round(9000 * wave) for wave in waves],
        )


def keep_checkpoints(machine: VirtualMachine) -> None:
    """Give a machine a tree of checkpoints."""
    parents: dict[str, Checkpoint] = {}
    for name, parent in (
        ("before the upgrade", ""),
        ("upgraded", "before the upgrade"),
        ("with the new schema", "upgraded"),
        ("another try", "before the upgrade"),
    ):
        parents[name] = Checkpoint.objects.create(
            machine=machine,
            parent=parents.get(parent),
            name=name,
            cores=2,
            memory_mb=4096,
            is_complete=True,
            is_current=name == "another try",
            owner_name="alice@example.net",
        )


def differ(host: Host) -> None:
    """Write one difference of each kind."""
    machine = VirtualMachine.objects.filter(host=host).first()
    size, other = {"cores": 2, "memory_mb": 4096}, {"cores": 8, "memory_mb": 16_384}
    kinds: tuple[tuple[str, str, dict[str, Any], dict[str, Any]], ...] = (
        ("unknown_machine", "old-mail", {}, other | {"name": "old-mail", "storage_gb": 80}),
        ("missing_machine", "shop-02", size, {}),
        ("moved", "shop-01", {}, {}),
        ("resized", "shop-01", size, other),
        ("renamed", "shop-01", {"name": "shop-01"}, {"name": "webshop"}),
        ("orphan_disk", "", {}, {"size_gb": 120, "volume": "nvme"}),
        ("missing_disk", "shop-01", {"size_gb": 40}, {}),
    )
    for kind, name, ours, theirs in kinds:
        Drift.objects.create(
            server=host.server,
            host=host,
            machine=machine if name.startswith("shop") else None,
            kind=kind,
            object_id=uuid.uuid4(),
            object_name=name,
            ours=ours,
            theirs=theirs,
            seen_at=timezone.now(),
        )


def work_pages() -> Iterator[tuple[str, str]]:
    """Yield name and address of what is worth a picture beside the first of each."""
    for name in ("mail-gateway", "wiki", "shop-01"):
        machine = VirtualMachine.objects.get(name=name)
        yield f"fabric-machine-{name}", reverse("fabric-machine", URLS, [machine.pk])
    machine = VirtualMachine.objects.get(name="shop-db")
    here = reverse("fabric-machine", URLS, [machine.pk])
    for tab in TABS:
        yield f"fabric-machine-tab-{tab}", f"{here}?tab={tab}"
    yield "fabric-machine-samples", f"{here}?view=table"
    disk = machine.disks.order_by("-lun").first()
    assert disk is not None
    for act in ("disk-add", "adapter-add", "remove", "clone"):
        yield f"fabric-machine-act-{act}", reverse("fabric-machine-act", URLS, [machine.pk, act])
    remove = reverse("fabric-machine-act", URLS, [machine.pk, "disk-remove"])
    yield "fabric-machine-act-disk-remove", f"{remove}?of={disk.pk}"
    for state in (JobState.RUNNING, JobState.FAILED, JobState.SUCCEEDED):
        job = Job.objects.filter(state=state, recipe="deploy").first()
        assert job is not None
        yield f"fabric-job-{state.value}", reverse("fabric-job", URLS, [job.pk])
    trial = Job.objects.get(recipe="trial")
    yield "fabric-job-trial", reverse("fabric-job", URLS, [trial.pk])
    drift = Drift.objects.filter(kind="unknown_machine").first()
    assert drift is not None
    for verb in ("adopt", "repair"):
        yield f"fabric-drift-act-{verb}", reverse("fabric-drift-act", URLS, [drift.pk, verb])
    draining = Host.objects.get(drain_started_at__isnull=False)
    yield "fabric-host-draining", reverse("fabric-host", URLS, [draining.pk])
    for tab in ("machine", "job"):
        yield f"fabric-host-tab-{tab}", f"{reverse('fabric-host', URLS, [draining.pk])}?tab={tab}"
