"""Clouds."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from fabric.vmm import roles
from fabric.vmm.actions import fields
from fabric.vmm.errors import Invalid
from fabric.vmm.models import Cloud, HostGroup, LogicalNetwork, Server
from fabric.vmm.roles import Caller


@transaction.atomic
def add(
    caller: Caller,
    server: Server,
    *,
    name: str,
    host_groups: Iterable[HostGroup],
    logical_networks: Iterable[LogicalNetwork] = (),
    description: str = "",
    machines: int | None = None,
    cores: int | None = None,
    memory_mb: int | None = None,
    storage_gb: int | None = None,
) -> Cloud:
    """Make a cloud of host groups and logical networks; a limit that is None is no limit."""
    groups, networks = list(host_groups), list(logical_networks)
    roles.require_fabric(caller, [group.pk for group in groups])
    cleaned = fields.name(name, "cloud")
    if not groups:
        raise Invalid(f"The cloud {cleaned} needs at least one host group.")
    fields.require_server(server, groups, "host group")
    fields.require_server(server, networks, "logical network")
    fields.require_free(server.clouds.filter(name=cleaned), "cloud", cleaned)
    cloud = Cloud.objects.create(
        server=server,
        name=cleaned,
        description=description,
        machines=fields.limit(machines, f"The machines of cloud {cleaned}"),
        cores=fields.limit(cores, f"The processors of cloud {cleaned}"),
        memory_mb=fields.limit(memory_mb, f"The memory of cloud {cleaned} in MB"),
        storage_gb=fields.limit(storage_gb, f"The storage of cloud {cleaned} in GB"),
    )
    cloud.host_groups.set(groups)
    cloud.logical_networks.set(networks)
    return cloud
