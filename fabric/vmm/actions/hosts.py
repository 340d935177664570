"""Hosts: add, change, remove, take out of placement. Volumes, facts and health are beside this."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypedDict, Unpack

from django.db import transaction
from django.db.models import Q

from fabric.durable.states import LIVE
from fabric.hypervisors.base import DEFAULT_VOLUME
from fabric.hypervisors.errors import DriverFault
from fabric.vmm import drivers, roles
from fabric.vmm.actions import fields, rows
from fabric.vmm.actions.volumes import (
    add_volume,
    change_volume,
    held_host,
    make_volume,
    put_on_rack,
    remove_volume,
    storage_of,
)
from fabric.vmm.errors import Conflict, Invalid
from fabric.vmm.health import MOST_CORES, note_health, note_refresh
from fabric.vmm.models import (
    Cloud,
    Host,
    HostGroup,
    Job,
    Server,
    StorageClassification,
    VirtualMachine,
)
from fabric.vmm.placement import inheritance
from fabric.vmm.roles import Caller

__all__ = [
    "add",
    "add_volume",
    "change",
    "change_volume",
    "note_health",
    "refresh",
    "remove",
    "remove_volume",
    "set_maintenance",
]

LONGEST_TAG = 64
NewVolume = tuple[str, int, StorageClassification | None]


class Details(TypedDict, total=False):
    """What else a host has; what begins with own_ is None where the group's holds."""

    tags: Iterable[str]
    cluster: str
    own_reserved_memory_mb: int | None
    own_reserved_storage_gb: int | None
    own_cores_per_core: int | None
    own_slots: int | None
    is_available: bool
    description: str


class Changes(Details, total=False):
    group: HostGroup


@transaction.atomic
def add(
    caller: Caller,
    server: Server,
    *,
    group: HostGroup,
    name: str,
    cores: int,
    memory_mb: int,
    storage_gb: int | None = None,
    volumes: Sequence[NewVolume] = (),
    **details: Unpack[Details],
) -> Host:
    """Add a simulated host to a group, and put it into the rack.

    Its storage is in `volumes` (name, GB, classification or None), or in one of `storage_gb`.
    """
    roles.require_fabric(caller, [group.pk])
    cleaned = fields.name(name, "host", longest=255).lower()
    fields.require_server(server, [group], "host group", field="group")
    Server.objects.select_for_update(no_key=True).get(pk=server.pk)
    fields.require_free(Host.objects.filter(name=cleaned), "host", cleaned)
    told = _volumes(cleaned, storage_gb, volumes)
    host = Host(
        server=server,
        group=group,
        name=cleaned,
        cores=fields.whole(
            cores, f"The number of cores of host {cleaned}", most=MOST_CORES, field="cores"
        ),
        memory_mb=fields.whole(memory_mb, f"The memory of host {cleaned} in MB", field="memory_mb"),
        storage_gb=storage_of(cleaned, [size for _, size, _ in told]),
    )
    rows.assign(host, details, _HOST)
    inheritance.settle(host)
    rows.save(host)
    for title, size, classification in told:
        make_volume(host, title, size, classification)
    put_on_rack(host, field="name")
    return host


@transaction.atomic
def change(caller: Caller, host: Host, **values: Unpack[Changes]) -> Host:
    """Change a host; its size is for itself to say (`refresh`).

    Conflict says what its machines hold, when that is more than what it would offer.
    """
    roles.require_fabric(caller, [host.group_id])
    group = values.get("group")
    if group is not None:
        roles.require_fabric(caller, [group.pk])
    Server.objects.select_for_update(no_key=True).get(pk=host.server_id)
    held = held_host(host)
    rows.assign(held, values, {"group": _group, **_HOST})
    inheritance.settle(held, field=next(iter(values)) if len(values) == 1 else "")
    held.save(update_fields=[*values, *inheritance.DEFAULTS])
    return held


@transaction.atomic
def remove(caller: Caller, host: Host) -> None:
    """Remove a host that nothing is on: neither machines nor jobs, nor guests we do not know."""
    roles.require_fabric(caller, [host.group_id])
    held = held_host(host)
    jobs = Job.objects.filter(host=held, state__in=LIVE).order_by("created_at")
    rows.remove(
        held,
        "host",
        ("virtual machines", held.machines.order_by("name")),
        ("virtual machines moving there:", held.arrivals.order_by("name")),
        ("jobs", jobs),
    )
    if held.hypervisor == "simulated":
        try:
            drivers.remove_simulated(held.name)
        except DriverFault as fault:
            raise Conflict(
                f"The host {held} is still in use: {fault.message}",
                advice="Adopt or remove what is on it first.",
            )


@transaction.atomic
def set_maintenance(caller: Caller, host: Host, *, is_in_maintenance: bool) -> Host:
    """Take a host out of placement, or back into it; machines on it stay."""
    roles.require_fabric(caller, [host.group_id])
    held = held_host(host)
    held.is_in_maintenance = is_in_maintenance
    held.save(update_fields=["is_in_maintenance"])
    return held


def refresh(caller: Caller, host: Host) -> Host:
    """Ask the host what it is, and write down its size, volumes, version and health.

    One that does not answer is noted as such; one that became smaller than what it holds needs
    attention, and its row says in words what of.
    """
    roles.require_fabric(caller, [host.group_id])
    try:
        facts = drivers.open_driver(host.hypervisor, host.name).facts()
    except DriverFault as fault:
        note_health(host, False, fault.message)
        host.refresh_from_db()
        return host
    with transaction.atomic():
        held = held_host(host)
        note_refresh(held, facts)
    return held


def _volumes(host: str, storage_gb: int | None, volumes: Sequence[NewVolume]) -> list[NewVolume]:
    told = list(volumes)
    if storage_gb is not None or not told:
        size = fields.whole(storage_gb, f"The storage of host {host} in GB", field="storage_gb")
        if not told:
            return [(DEFAULT_VOLUME, size, None)]
        if size != sum(each for _, each, _ in told):
            raise Invalid(
                f"The volumes of host {host} hold {sum(each for _, each, _ in told)} GB, "
                f"not {size} GB.",
                field="storage_gb",
            )
    return told


def _group(row: Host, keyword: str, value: HostGroup) -> HostGroup:
    """Clean another group: the clouds of the host's machines must be made of it as well."""
    fields.require_server(row.server, [value], "host group", field=keyword)
    parts = Cloud.host_groups.through.objects.filter(hostgroup__in=inheritance.upwards(value))
    stranded = (
        VirtualMachine.objects.filter(Q(host=row) | Q(moving_to=row))
        .exclude(cloud__in=parts.values("cloud"))
        .select_related("cloud")
        .order_by("name")
        .first()
    )
    if stranded is not None:
        raise Conflict(
            f"{row} holds {stranded} of the cloud {stranded.cloud}, which is not made of "
            f"the host group {value}.",
            field=keyword,
        )
    return value


def _tags(row: Host, keyword: str, value: Iterable[str]) -> list[str]:
    cleaned = [
        fields.text(tag, f"A tag of host {row}", longest=LONGEST_TAG, field=keyword)
        for tag in value
    ]
    return list(dict.fromkeys(tag for tag in cleaned if tag))


def _at_least_one(row: Host, keyword: str, value: int | None) -> int | None:
    what = {"own_cores_per_core": "virtual processors a core", "own_slots": "jobs at once"}[keyword]
    if value is None:
        return None
    return fields.whole(value, f"The number of {what} of host {row}", most=1024, field=keyword)


_HOST: dict[str, rows.Cleaner] = {
    "tags": _tags,
    "cluster": rows.words("The cluster", longest=64),
    "own_reserved_memory_mb": rows.limit("The reserved memory in MB"),
    "own_reserved_storage_gb": rows.limit("The reserved storage in GB"),
    "own_cores_per_core": _at_least_one,
    "own_slots": _at_least_one,
    "is_available": rows.plain,
    "description": rows.prose,
}
