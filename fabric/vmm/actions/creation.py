"""Create a machine: check who may, what of, and how much; write its rows; begin the deployment."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from fabric.durable.recipe import Recipe
from fabric.vmm import computernames, quota, roles, sealed
from fabric.vmm.actions import adapters as network_adapters
from fabric.vmm.actions import fields, jobs, setups, sources
from fabric.vmm.actions.adapters import NewAdapter
from fabric.vmm.actions.setups import Setup
from fabric.vmm.actions.sources import Source, Wanted
from fabric.vmm.errors import Conflict, NotFound
from fabric.vmm.jobs import DEPLOY, DEPLOY_BARE, DEPLOY_STOPPED
from fabric.vmm.models import (
    AffinitySet,
    Cloud,
    DiskDrive,
    Job,
    RunAsAccount,
    Server,
    StartAction,
    StopAction,
    UserRole,
    VirtualMachine,
)
from fabric.vmm.roles import Caller


@dataclass(frozen=True)
class _Order:
    """What was asked for and is not on the machine's row as it stands."""

    cloud_id: uuid.UUID
    made_of: Wanted
    adapters: Sequence[NewAdapter]
    affinity_id: uuid.UUID | None
    start: bool
    guest: setups.Asked


def create(
    caller: Caller,
    *,
    server: Server,
    cloud_id: uuid.UUID,
    name: str,
    template_id: uuid.UUID | None = None,
    disk_id: uuid.UUID | None = None,
    hardware_profile_id: uuid.UUID | None = None,
    cores: int | None = None,
    memory_mb: int | None = None,
    is_dynamic_memory: bool | None = None,
    is_highly_available: bool | None = None,
    classification_id: uuid.UUID | None = None,
    affinity_id: uuid.UUID | None = None,
    adapters: Sequence[NewAdapter] = (),
    computer_name: str = "",
    description: str = "",
    tag: str = "",
    cost_center: str = "",
    local_admin_user: str = "",
    local_admin_password: str = "",
    local_admin_account: RunAsAccount | None = None,
    product_key: str = "",
    time_zone: str = "",
    workgroup: str = "",
    domain: str = "",
    domain_user: str = "",
    domain_password: str = "",
    domain_unit: str = "",
    ssh_keys: str = "",
    user_data: str = "",
    start: bool = True,
    start_action: str = StartAction.NEVER,
    stop_action: str = StopAction.SAVE,
    request_key: str | None = None,
    owner_role: UserRole | None = None,
    owner_name: str = "",
) -> tuple[VirtualMachine, Job]:
    """Make a machine from a template, or from a library disk with a size, and begin its deployment.

    The same request_key again returns the first machine and its job, and makes nothing. Those who
    run the fabric may give the machine to `owner_role`, and a member of it, within that role's
    limits. The local administrator may be a run-as account instead of a user and a password.
    """
    roles.require_any(caller, *roles.DEPLOY, clouds=[cloud_id])
    if local_admin_account is not None:
        local_admin_user, local_admin_password = _credentials(caller, server, local_admin_account)
    guest = setups.Asked(
        local_admin_user,
        local_admin_password,
        product_key,
        time_zone,
        workgroup,
        domain,
        domain_user,
        domain_password,
        domain_unit,
        ssh_keys,
        user_data,
    )
    if guest.lets_in:
        roles.require_all(caller, "AllowLocalAdmin", clouds=[cloud_id])
    role = caller.tenant_role or owner_role
    owner = fields.text(owner_name, "The name of the owner", longest=320, field="owner_name")
    known = made_before(role, request_key)
    if known is not None:
        return known
    machine = VirtualMachine(
        server=server,
        role=role,
        owner_name=owner if owner and caller.is_fabric else caller.principal,
        name=fields.name(name, "virtual machine"),
        computer_name=computer_name.strip(),
        description=fields.prose(description),
        tag=fields.tag(tag),
        cost_center=fields.text(cost_center, "The cost center", longest=64, field="cost_center"),
        start_action=fields.choice(start_action, StartAction, "start action", field="start_action"),
        stop_action=fields.choice(stop_action, StopAction, "stop action", field="stop_action"),
        request_key=request_key or None,
    )
    wanted = Wanted(
        template_id,
        disk_id,
        hardware_profile_id,
        cores,
        memory_mb,
        is_dynamic_memory,
        is_highly_available,
        classification_id,
    )
    order = _Order(cloud_id, wanted, adapters, affinity_id, start, guest)
    try:
        with transaction.atomic():
            return _create(caller, machine, order)
    except IntegrityError:
        known = made_before(role, request_key)
        if known is None:
            raise Conflict("The machine could not be made beside another change.")
        return known


def _create(caller: Caller, machine: VirtualMachine, order: _Order) -> tuple[VirtualMachine, Job]:
    cloud = _cloud(caller, machine.server, order.cloud_id)
    source = sources.find(caller, cloud, order.made_of)
    _shape(machine, cloud, source)
    machine.affinity = _affinity(caller, machine.server, order.affinity_id)
    if len(order.adapters) > source.adapters:
        source.require_open(caller, "adapters", f"more than its {source.adapters} adapters")
    source.require_fits(machine, cloud, max(source.adapters, len(order.adapters)))
    source.require_classifications(cloud)
    networks = network_adapters.find_networks(caller, cloud, order.adapters)
    wanted = quota.Size(1, machine.cores, machine.memory_mb, machine.storage_gb, machine.points)
    quota.require_room(machine.role, cloud, wanted, member=machine.owner_name)
    setup = setups.decide(machine, source, order.guest)
    machine.computer_name = _computer_name(caller, machine, cloud, source)
    machine.most_recent_job_id = uuid.uuid4()
    machine.save(force_insert=True)
    DiskDrive.objects.bulk_create(source.drives(machine))
    network_adapters.add(caller, machine, source.adapters, order.adapters, networks)
    return machine, _begin(caller, machine, setup, start=order.start)


def _begin(caller: Caller, machine: VirtualMachine, setup: Setup, *, start: bool) -> Job:
    """Start the deployment; secrets go into it sealed, and nowhere else."""
    return jobs.begin(
        caller,
        machine,
        _recipe(start, bool(setup)),
        id=machine.most_recent_job_id,
        inputs={
            "name": machine.name,
            "computer_name": machine.computer_name,
            "settings": dict(setup.settings),
            "secrets": sorted(setup.secrets),
            "start": start,
            "cores": machine.cores,
            "memory_mb": machine.memory_mb,
        },
        secrets=dict(setup.secrets),
    )


def _credentials(caller: Caller, server: Server, account: RunAsAccount) -> tuple[str, str]:
    rows = RunAsAccount.objects.visible_to(caller).filter(server=server, is_enabled=True)
    found: RunAsAccount | None = rows.filter(pk=account.pk).first()
    if found is None:
        raise NotFound(f"There is no run-as account {account} to use.", field="local_admin_account")
    return found.username, sealed.unseal(found)["password"]


def made_before(
    role: UserRole | None, request_key: str | None
) -> tuple[VirtualMachine, Job] | None:
    """Return the machine of a role that was made with this key, and the job that makes it."""
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


def _cloud(caller: Caller, server: Server, cloud_id: uuid.UUID) -> Cloud:
    """The cloud, which says at once whether it has capability profiles: most have none."""
    profiles = Cloud.capability_profiles.through.objects.filter(cloud=OuterRef("pk"))
    rows = Cloud.objects.visible_to(caller).filter(server=server, pk=cloud_id)
    cloud: Cloud | None = rows.annotate(has_profiles=Exists(profiles)).first()
    if cloud is None:
        raise NotFound(f"There is no cloud {cloud_id}.")
    return cloud


def _affinity(caller: Caller, server: Server, affinity_id: uuid.UUID | None) -> AffinitySet | None:
    if affinity_id is None:
        return None
    rows = AffinitySet.objects.visible_to(caller).filter(server=server)
    found: AffinitySet | None = rows.filter(pk=affinity_id).first()
    if found is None:
        raise NotFound(f"There is no affinity set {affinity_id}.")
    return found


def _shape(machine: VirtualMachine, cloud: Cloud, source: Source) -> None:
    first = source.disks[0].source
    assert first is not None
    template = source.template
    machine.cloud, machine.template = cloud, template
    machine.cores, machine.memory_mb = source.cores, source.memory_mb
    machine.storage_gb = sum(disk.size_gb for disk in source.disks)
    machine.points = source.points
    machine.generation = source.generation
    machine.is_dynamic_memory = source.is_dynamic_memory
    machine.is_highly_available = source.is_highly_available
    system: Any = template if template is not None else first
    machine.os_name, machine.os_type = system.os_name, system.os_type


def _computer_name(caller: Caller, machine: VirtualMachine, cloud: Cloud, source: Source) -> str:
    """The name asked for, else the pattern's next one, else one made of the machine's name.

    A template that decides the name refuses another; the machine's own name is no choice, since
    clients send it unasked.
    """
    asked = machine.computer_name
    if asked and not caller.is_fabric and "name" not in source.open_to_all:
        if asked.casefold() != machine.name.casefold():
            source.require_open(caller, "name", "a computer name")
        asked = ""
    if asked:
        return computernames.require_name(asked, machine.os_type)
    if source.pattern:
        return computernames.counted(cloud, source.pattern)
    return computernames.made_of(machine)


def _recipe(start: bool, is_set_up: bool) -> Recipe:
    if start:
        return DEPLOY
    return DEPLOY_STOPPED if is_set_up else DEPLOY_BARE
