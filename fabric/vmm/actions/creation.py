"""Create a machine: check who may, what of, and how much; write its rows; begin the deployment."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from fabric.durable.recipe import Recipe
from fabric.vmm import quota, roles
from fabric.vmm.actions import adapters as network_adapters
from fabric.vmm.actions import fields, jobs
from fabric.vmm.actions.adapters import NewAdapter
from fabric.vmm.errors import Conflict, Invalid, NotFound
from fabric.vmm.jobs import DEPLOY, DEPLOY_BARE, DEPLOY_STOPPED
from fabric.vmm.models import (
    Cloud,
    DiskDrive,
    Job,
    OSType,
    Server,
    UserRole,
    VirtualMachine,
    VMTemplate,
)
from fabric.vmm.roles import Caller

CMDLET = "New-SCVirtualMachine"
LONGEST_WINDOWS_NAME = 15
_COMPUTER_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")


def create(
    caller: Caller,
    *,
    server: Server,
    cloud_id: uuid.UUID,
    name: str,
    template_id: uuid.UUID,
    cores: int | None = None,
    memory_mb: int | None = None,
    adapters: Sequence[NewAdapter] = (),
    computer_name: str = "",
    description: str = "",
    tag: str = "",
    local_admin_user: str = "",
    local_admin_password: str = "",
    start: bool = True,
    request_key: str | None = None,
    owner_role: UserRole | None = None,
) -> tuple[VirtualMachine, Job]:
    """Make a machine from a template and begin its deployment.

    The same request_key again returns the first machine and its job, and makes nothing. An
    administrator may give the machine to `owner_role`, within that role's limits.
    """
    roles.require_any(caller, *roles.DEPLOY)
    if local_admin_password:
        roles.require_all(caller, "AllowLocalAdmin")
    role = caller.role if caller.role is not None else owner_role
    known = _made_before(role, request_key)
    if known is not None:
        return known
    machine = VirtualMachine(
        server=server,
        role=role,
        owner_name=caller.principal,
        name=fields.name(name, "virtual machine"),
        computer_name=computer_name,
        description=description,
        tag=tag[:255],
        request_key=request_key or None,
    )
    order = _Order(cloud_id, template_id, cores, memory_mb, adapters, start)
    try:
        with transaction.atomic():
            return _create(caller, machine, order, local_admin_user, local_admin_password)
    except IntegrityError:
        known = _made_before(role, request_key)
        if known is None:
            raise Conflict("The machine could not be made beside another change.")
        return known


@dataclass(frozen=True)
class _Order:
    """What was asked for and is not on the machine's row as it stands."""

    cloud_id: uuid.UUID
    template_id: uuid.UUID
    cores: int | None
    memory_mb: int | None
    adapters: Sequence[NewAdapter]
    start: bool


def _create(
    caller: Caller, machine: VirtualMachine, order: _Order, user: str, password: str
) -> tuple[VirtualMachine, Job]:
    cloud = (
        Cloud.objects.visible_to(caller).filter(server=machine.server, pk=order.cloud_id).first()
    )
    if cloud is None:
        raise NotFound(f"There is no cloud {order.cloud_id}.")
    template = _template(caller, machine.server, cloud, order.template_id)
    _shape(machine, cloud, template, order)
    networks = network_adapters.find_networks(caller, cloud, order.adapters)
    wanted = quota.Size(1, machine.cores, machine.memory_mb, machine.storage_gb)
    quota.require_room(machine.role, cloud, wanted, member=machine.owner_name)
    machine.most_recent_job_id = uuid.uuid4()
    machine.save(force_insert=True)
    disk = DiskDrive.objects.create(
        machine=machine,
        source=template.disk,
        name=f"{machine.name}_disk_1",
        image=template.disk.source_image,
        size_gb=template.disk.size_gb,
    )
    network_adapters.add(machine, template, order.adapters, networks)
    return machine, _begin(caller, machine, disk, order, user, password)


def _begin(
    caller: Caller,
    machine: VirtualMachine,
    disk: DiskDrive,
    order: _Order,
    user: str,
    password: str,
) -> Job:
    """Start the deployment; the password goes into it sealed, and nowhere else."""
    assert disk.source is not None
    image = {"id": str(disk.pk), "image": disk.source.source_image, "size_gb": disk.size_gb}
    return jobs.begin(
        caller,
        machine,
        _recipe(order.start, bool(password)),
        cmdlet=CMDLET,
        id=machine.most_recent_job_id,
        inputs={
            "name": machine.name,
            "computer_name": machine.computer_name,
            "user": (user or _default_user(machine)) if password else "",
            "start": order.start,
            "cores": machine.cores,
            "memory_mb": machine.memory_mb,
            "disks": [image],
        },
        secrets={"password": password} if password else None,
    )


def _made_before(
    role: UserRole | None, request_key: str | None
) -> tuple[VirtualMachine, Job] | None:
    if not request_key:
        return None
    machine = VirtualMachine.objects.filter(request_key=request_key).first()
    if machine is None:
        return None
    if machine.role_id != (role.pk if role is not None else None):
        raise Conflict("This request key belongs to another machine.")
    job = Job.objects.filter(subject=machine.pk).order_by("created_at").first()
    assert job is not None
    return machine, job


def _template(caller: Caller, server: Server, cloud: Cloud, template_id: uuid.UUID) -> VMTemplate:
    template: VMTemplate | None = (
        VMTemplate.objects.visible_to(caller)
        .select_related("disk")
        .filter(server=server, pk=template_id)
        .first()
    )
    if template is None:
        raise NotFound(f"There is no template {template_id}.")
    if template.cloud_id not in (None, cloud.pk):
        raise Invalid(f"The template {template.name} is not for the cloud {cloud.name}.")
    return template


def _shape(machine: VirtualMachine, cloud: Cloud, template: VMTemplate, order: _Order) -> None:
    machine.cloud, machine.template = cloud, template
    machine.cores = template.cores if order.cores is None else fields.cores(order.cores)
    machine.memory_mb = (
        template.memory_mb if order.memory_mb is None else fields.memory_mb(order.memory_mb)
    )
    machine.storage_gb = template.disk.size_gb
    machine.points = template.quota_point
    machine.os_name, machine.os_type = template.os_name, template.os_type
    machine.generation = template.generation
    machine.computer_name = _computer_name(machine)


def _computer_name(machine: VirtualMachine) -> str:
    """Return the name asked for, checked, or one made of the machine's name."""
    longest = LONGEST_WINDOWS_NAME if machine.os_type == OSType.WINDOWS else 63
    asked = machine.computer_name.strip()
    if not asked:
        made = re.sub(r"[^A-Za-z0-9]+", "-", machine.name)[:longest].strip("-")
        return made or f"vm-{machine.pk.hex[:8]}"
    if len(asked) > longest or not _COMPUTER_NAME.fullmatch(asked):
        raise Invalid(
            f"{asked!r} is no computer name: at most {longest} letters, digits and hyphens."
        )
    return asked


def _recipe(start: bool, is_set_up: bool) -> Recipe:
    if start:
        return DEPLOY
    return DEPLOY_STOPPED if is_set_up else DEPLOY_BARE


def _default_user(machine: VirtualMachine) -> str:
    return "Administrator" if machine.os_type == OSType.WINDOWS else "root"
