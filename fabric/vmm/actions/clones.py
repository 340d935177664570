"""Clone machines."""

from __future__ import annotations

import uuid

from django.db import IntegrityError, transaction

from fabric.vmm import quota, roles
from fabric.vmm.actions import fields, held, jobs
from fabric.vmm.actions.storing import copies, landing, library_hosts
from fabric.vmm.errors import Conflict
from fabric.vmm.jobs.clone import CLONE, CLONE_OFF, hold
from fabric.vmm.jobs.hosts import note_of
from fabric.vmm.models import DiskDrive, DVDDrive, Job, NetworkAdapter, VirtualMachine
from fabric.vmm.roles import Caller
from fabric.vmm.states import MachineStatus

_SAME = (
    "server_id",
    "cloud_id",
    "role_id",
    "template_id",
    "affinity_id",
    "computer_name",
    "description",
    "tag",
    "cost_center",
    "cores",
    "memory_mb",
    "storage_gb",
    "points",
    "is_dynamic_memory",
    "is_highly_available",
    "os_name",
    "os_type",
    "generation",
    "start_action",
    "stop_action",
)


def clone(
    caller: Caller,
    machine: VirtualMachine,
    *,
    name: str,
    start: bool = False,
    request_key: str | None = None,
) -> tuple[VirtualMachine, Job]:
    """Make another machine like one that is off, with MACs and addresses of its own.

    Its operating system is not set up anew. The same request_key again returns the first clone.
    """
    roles.require_any(caller, *roles.DEPLOY, clouds=[machine.cloud_id])
    known = _made_before(machine, request_key)
    if known is not None:
        return known
    try:
        with transaction.atomic():
            return _clone(caller, machine, fields.name(name, "virtual machine"), start, request_key)
    except IntegrityError:
        known = _made_before(machine, request_key)
        if known is None:
            raise Conflict("The clone could not be made beside another change.")
        return known


def _clone(
    caller: Caller, machine: VirtualMachine, name: str, start: bool, request_key: str | None
) -> tuple[VirtualMachine, Job]:
    source = held.held(caller, machine)
    held.require_idle(source)
    held.require_status(
        source, {MachineStatus.POWER_OFF}, "it cannot be cloned", advice="Stop it first."
    )
    assert source.host is not None
    made = VirtualMachine(
        name=name,
        owner_name=caller.principal or source.owner_name,
        request_key=request_key or None,
        **{field: getattr(source, field) for field in _SAME},
    )
    wanted = quota.Size(1, made.cores, made.memory_mb, made.storage_gb, made.points)
    quota.require_room(source.role, source.cloud, wanted, member=made.owner_name)
    job_id = made.most_recent_job_id = uuid.uuid4()
    made.save(force_insert=True)
    drives = list(source.disks.all())
    images = copies(job_id, drives)
    for drive, image in zip(drives, images, strict=True):
        _add_disk(made, drive, image["image"])
    _add_devices(source, made)
    hold(source, job_id)
    inputs = {
        **landing(made, start=start),
        "source": str(source.pk),
        "source_host": note_of(source.host),
        "copies": images,
        "images": images,
        "library": library_hosts(made),
    }
    return made, jobs.begin(caller, made, CLONE if start else CLONE_OFF, inputs=inputs, id=job_id)


def _add_disk(made: VirtualMachine, drive: DiskDrive, image: str) -> None:
    DiskDrive.objects.create(
        machine=made,
        source_id=drive.source_id,
        classification_id=drive.classification_id,
        name=drive.name.replace(drive.machine.name, made.name)[:100],
        image=drive.image,
        stored_image=image,
        size_gb=drive.size_gb,
        bus_type=drive.bus_type,
        bus=drive.bus,
        lun=drive.lun,
    )


def _add_devices(source: VirtualMachine, made: VirtualMachine) -> None:
    """Give the clone empty DVD drives, and adapters on the same networks."""
    DVDDrive.objects.bulk_create(
        [DVDDrive(machine=made, bus=drive.bus, lun=drive.lun) for drive in source.dvds.all()]
    )
    NetworkAdapter.objects.bulk_create(
        [
            NetworkAdapter(
                machine=made,
                network_id=adapter.network_id,
                slot=adapter.slot,
                mac_type=adapter.mac_type,
                ipv4_type=adapter.ipv4_type,
                ipv6_type=adapter.ipv6_type,
            )
            for adapter in source.adapters.all()
        ]
    )


def _made_before(
    machine: VirtualMachine, request_key: str | None
) -> tuple[VirtualMachine, Job] | None:
    if not request_key:
        return None
    made = VirtualMachine.objects.filter(request_key=request_key).first()
    if made is None:
        return None
    job = Job.objects.filter(subject=made.pk).order_by("created_at").first()
    if job is None or job.inputs.get("source") != str(machine.pk):
        raise Conflict("This request key belongs to another machine.")
    return made, job
