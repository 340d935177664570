"""A VMM server with hosts on a rack, a cloud, a template, a network, and a tenant's role."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils import timezone

from fabric.durable import engine
from fabric.hypervisors.base import DiskSpec, GuestState
from fabric.hypervisors.simulated import SimulatedHost, open_host
from fabric.vmm import actions
from fabric.vmm.actions.machines import NewAdapter
from fabric.vmm.jobs import RECIPES
from fabric.vmm.models import (
    Cloud,
    Host,
    HostGroup,
    Job,
    LibraryFile,
    LibraryShare,
    Server,
    UserRole,
    VirtualMachine,
    VMNetwork,
    VMTemplate,
)
from fabric.vmm.roles import PERMISSIONS, Caller, Grant, ScopeLimits
from tests.factories.kept import kept

PASSWORD = "S3cret-phrase-of-alice"
ADMINISTRATOR = Caller(is_administrator=True, principal="olga")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Fabric:
    """One VMM server, ready to deploy to."""

    server: Server
    group: HostGroup
    cloud: Cloud
    template: VMTemplate
    network: VMNetwork
    hosts: tuple[Host, ...]


def make_fabric(
    *,
    hosts: int = 1,
    cores: int = 16,
    memory_mb: int = 65_536,
    storage_gb: int = 2_000,
    cidr: str = "10.20.0.0/22",
    limits: dict[str, int] | None = None,
) -> Fabric:
    """Return a server with hosts of this size each and a cloud with these limits."""
    limits = limits or {}
    key = (hosts, cores, memory_mb, storage_gb, cidr, *sorted(limits.items()))
    return kept(key, lambda: _make(hosts, cores, memory_mb, storage_gb, cidr, limits))


def _make(
    hosts: int, cores: int, memory_mb: int, storage_gb: int, cidr: str, limits: dict[str, int]
) -> Fabric:
    number = next(_numbers)
    server = actions.servers.ensure(f"vmm{number:02}.example.net")
    group = actions.groups.add(ADMINISTRATOR, server, name="All hosts")
    made = tuple(
        actions.hosts.add(
            ADMINISTRATOR,
            server,
            group=group,
            name=f"host{i:02}.vmm{number}.example.net",
            cores=cores,
            memory_mb=memory_mb,
            storage_gb=storage_gb,
        )
        for i in range(1, hosts + 1)
    )
    logical = actions.networks.add_logical(ADMINISTRATOR, server, name="Datacenter")
    network = actions.networks.add_network(
        ADMINISTRATOR, server, logical_network=logical, name="front"
    )
    gateway = cidr.rsplit(".", 1)[0] + ".1"
    actions.pools.add(
        ADMINISTRATOR, server, network=network, name="front pool", cidr=cidr, gateway=gateway
    )
    disk = actions.library.add_disk(
        ADMINISTRATOR,
        server,
        name="ubuntu.vhdx",
        size_gb=20,
        os_name="Ubuntu 24.04",
        os_type="Linux",
    )
    template = actions.templates.add(
        ADMINISTRATOR,
        server,
        name="Ubuntu 24.04",
        disk=disk,
        os_type="Linux",
        cores=1,
        memory_mb=1024,
    )
    cloud = actions.clouds.add(
        ADMINISTRATOR,
        server,
        name="Gold",
        host_groups=[group],
        logical_networks=[logical],
        **limits,
    )
    return Fabric(server, group, cloud, template, network, made)


def make_role(
    fabric: Fabric,
    name: str = "alice@example.net",
    *,
    permissions: Any = PERMISSIONS,
    **limits: int | None,
) -> UserRole:
    """Return a tenant's role that may use all of the fabric, within these limits."""
    id = uuid.uuid4()
    role = actions.userroles.add(ADMINISTRATOR, id=id, name=f"{name}_{id}")
    return actions.userroles.change(
        ADMINISTRATOR,
        role,
        add_members=[name],
        permissions=list(permissions),
        add_scopes=[ScopeLimits(fabric.cloud.pk, **limits)],
        add_resources=[
            Grant("VMTemplate", fabric.template.pk),
            Grant("VMNetwork", fabric.network.pk),
        ],
    )


def make_share(fabric: Fabric) -> LibraryShare:
    """Return a library share of the fabric's cloud, on which the cloud stores things as well."""
    shelf = actions.library.add_server(ADMINISTRATOR, fabric.server, name="library.example.net")
    share = actions.library.add_share(
        ADMINISTRATOR,
        fabric.server,
        library_server=shelf,
        name="Library",
        path="\\\\library.example.net\\Library",
    )
    fabric.cloud.library_shares.add(share)
    Cloud.objects.filter(pk=fabric.cloud.pk).update(store=share)
    return share


def make_iso(fabric: Fabric, share: LibraryShare, name: str = "tools.iso") -> LibraryFile:
    """Return an ISO image on a share."""
    return actions.library.add_file(
        ADMINISTRATOR, fabric.server, share=share, kind="iso", name=name, path=f"ISO\\{name}"
    )


def acting_for(role: UserRole, principal: str = "alice@example.net") -> Caller:
    """Return a caller bound to a role."""
    return Caller(role=role, principal=principal)


def order(
    fabric: Fabric, caller: Caller, name: str = "web-01", **wanted: Any
) -> tuple[VirtualMachine, Job]:
    """Ask for a machine on the fabric's network; the vault must be open if it has a password."""
    values = {
        "server": fabric.server,
        "cloud_id": fabric.cloud.pk,
        "template_id": fabric.template.pk,
        "adapters": [NewAdapter(network_id=fabric.network.pk)],
    }
    return actions.machines.create(caller, name=name, **values | wanted)


def deploy(fabric: Fabric, caller: Caller, name: str = "web-01", **wanted: Any) -> VirtualMachine:
    """Return a machine that is deployed."""
    machine, job = order(fabric, caller, name, **wanted)
    finish(job)
    machine.refresh_from_db()
    return machine


def finish(job: Job, *, turns: int = 40) -> Job:
    """Advance a job to its end as a worker would, without waiting for its time to come."""
    for _ in range(turns):
        Job.objects.filter(pk=job.pk).update(due_at=timezone.now())
        engine.advance(Job, RECIPES, job.pk)
        job.refresh_from_db()
        if job.is_final:
            return job
    raise AssertionError(f"{job} has not ended: {job.state}, {job.step}, {job.message}")


class Killed(BaseException):
    """What a test sees where a real worker would be dead."""


kill_at: set[tuple[str, str]] = set()


def probe(job: Job, step: str, where: str) -> None:
    """Die once at each place in `kill_at`: (step, before | between | after)."""
    if (step, where) in kill_at:
        kill_at.discard((step, where))
        raise Killed


def driver(host: Host) -> SimulatedHost:
    """Return the simulated host itself, to look at."""
    return open_host(settings.SIMULATED_RACK, host.name, scale=0)


def left_on_rack(fabric: Fabric) -> tuple[list[GuestState], list[DiskSpec]]:
    """Return every guest and disk on the fabric's hosts."""
    drivers = [driver(host) for host in fabric.hosts]
    return (
        [guest for each in drivers for guest in each.guests()],
        [disk for each in drivers for disk in each.disks()],
    )
