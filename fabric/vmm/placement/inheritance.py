"""What holds for a host: its own setting, else that of the nearest group above, else ours.

It is kept on the host's row, and written here alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from fabric.vmm.errors import Conflict
from fabric.vmm.models import Host, HostGroup, Server
from fabric.vmm.models.host import SLOTS, VIRTUAL_CORES_PER_CORE

DEFAULTS: dict[str, int] = {
    "reserved_memory_mb": 0,
    "reserved_storage_gb": 0,
    "cores_per_core": VIRTUAL_CORES_PER_CORE,
    "slots": SLOTS,
}


def apply(server: Server, *, field: str = "") -> None:
    """Write what holds for every host of a server. Conflict names a host that would be overfull.

    Two queries when nothing changes. Call it in a transaction, after groups or hosts were changed;
    hosts that change are locked, by id.
    """
    groups = _groups(server)
    hosts = Host.objects.filter(server=server)
    changed = [host.pk for host in hosts if _wanted(host, groups) != _holding(host)]
    locked = Host.objects.select_for_update(no_key=True).filter(pk__in=changed).order_by("pk")
    for host in locked:
        values = _wanted(host, groups)
        for name, value in values.items():
            setattr(host, name, value)
        require_room(host, field=field)
        host.save(update_fields=list(values))


def settle(host: Host, *, field: str = "") -> None:
    """Put what holds on a host whose row is the caller's to save; Conflict when it is overfull."""
    for name, value in _wanted(host, _groups(host.server)).items():
        setattr(host, name, value)
    require_room(host, field=field)


def inherited(group: HostGroup) -> dict[str, int]:
    """Return what holds for hosts of a group that say nothing themselves."""
    groups = _groups(group.server)
    return {name: _nearest(name, group.pk, groups, DEFAULTS[name]) for name in DEFAULTS}


def upwards(group: HostGroup) -> list[UUID]:
    """Return the group and those above it, the nearest first."""
    parents = dict(HostGroup.objects.filter(server=group.server_id).values_list("pk", "parent"))
    found: list[UUID] = []
    above: UUID | None = group.pk
    while above is not None:
        found.append(above)
        above = parents[above]
    return found


def require_room(host: Host, *, field: str = "") -> None:
    """Raise Conflict when the host, as its values stand, would be smaller than what it holds."""
    times, cores = host.cores_per_core, host.cores
    kept_mb, kept_gb = host.reserved_memory_mb, host.reserved_storage_gb
    problems: Iterable[tuple[int, int, str, str]] = (
        (
            host.used_cores,
            cores * times,
            "virtual processors",
            f"{_count(cores, 'core')} with {times} each would carry {cores * times}",
        ),
        (
            host.used_memory_mb,
            host.memory_mb - kept_mb,
            "MB of memory",
            f"{_reserve(kept_mb, host.memory_mb)} MB",
        ),
        (
            host.used_storage_gb,
            host.storage_gb - kept_gb,
            "GB of disks",
            f"{_reserve(kept_gb, host.storage_gb)} GB",
        ),
    )
    for held, room, what, words in problems:
        if held > room:
            raise Conflict(f"{host} holds {held} {what}; {words}.", field=field)
    if host.busy_slots > host.slots:
        raise Conflict(
            f"{host} has {_count(host.busy_slots, 'job')} under way; "
            f"it would run {host.slots} at once.",
            advice="Try again when they have ended.",
            field=field,
        )


def _reserve(kept: int, of: int) -> str:
    return f"{kept} of {of} reserved would leave {max(0, of - kept)}"


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"


def _groups(server: Server) -> dict[UUID, dict[str, Any]]:
    rows = HostGroup.objects.filter(server=server).values("pk", "parent", *DEFAULTS)
    return {row["pk"]: row for row in rows}


def _wanted(host: Host, groups: dict[UUID, dict[str, Any]]) -> dict[str, int]:
    values = {}
    for name, default in DEFAULTS.items():
        own = getattr(host, f"own_{name}")
        values[name] = own if own is not None else _nearest(name, host.group_id, groups, default)
    return values


def _holding(host: Host) -> dict[str, int]:
    return {name: getattr(host, name) for name in DEFAULTS}


def _nearest(
    name: str, group: UUID | None, groups: dict[UUID, dict[str, Any]], default: int
) -> int:
    while group is not None:
        value: int | None = groups[group][name]
        if value is not None:
            return value
        group = groups[group]["parent"]
    return default
