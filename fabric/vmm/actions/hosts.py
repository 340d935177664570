"""Host groups and hosts."""

from __future__ import annotations

from django.db import transaction

from fabric.hypervisors.base import DEFAULT_VOLUME, VolumeFacts
from fabric.vmm import roles
from fabric.vmm.actions import fields
from fabric.vmm.drivers import add_simulated
from fabric.vmm.models import Host, HostGroup, Server
from fabric.vmm.roles import Caller


def add_group(caller: Caller, server: Server, *, name: str, description: str = "") -> HostGroup:
    """Make a host group."""
    roles.require_fabric(caller)
    cleaned = fields.name(name, "host group")
    fields.require_free(server.host_groups.filter(name=cleaned), "host group", cleaned)
    return HostGroup.objects.create(server=server, name=cleaned, description=description)


@transaction.atomic
def add(
    caller: Caller,
    server: Server,
    *,
    group: HostGroup,
    name: str,
    cores: int,
    memory_mb: int,
    storage_gb: int,
) -> Host:
    """Add a simulated host to a group, and put it into the rack."""
    roles.require_fabric(caller, [group.pk])
    cleaned = fields.name(name, "host", longest=255).lower()
    fields.require_server(server, [group], "host group")
    fields.require_free(Host.objects.filter(name=cleaned), "host", cleaned)
    host = Host.objects.create(
        server=server,
        group=group,
        name=cleaned,
        cores=fields.whole(cores, f"The number of cores of host {cleaned}"),
        memory_mb=fields.whole(memory_mb, f"The memory of host {cleaned} in MB"),
        storage_gb=fields.whole(storage_gb, f"The storage of host {cleaned} in GB"),
    )
    host.volumes.create(name=DEFAULT_VOLUME, capacity_gb=host.storage_gb)
    volumes = (VolumeFacts(DEFAULT_VOLUME, host.storage_gb),)
    add_simulated(host.name, host.cores, host.memory_mb, volumes)
    return host


def set_maintenance(caller: Caller, host: Host, *, is_in_maintenance: bool) -> Host:
    """Take a host out of placement, or back into it; machines on it stay."""
    roles.require_fabric(caller, [host.group_id])
    host.is_in_maintenance = is_in_maintenance
    host.save(update_fields=["is_in_maintenance"])
    return host
