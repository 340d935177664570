"""How much there is, is used, is free, and has been promised: of a server, a host group, a cloud.

Everything of one server is read together, in six queries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Q, Sum

from fabric.vmm.models import Cloud, Health, Host, HostGroup, RoleScope, Server, VirtualMachine
from fabric.vmm.roles import Caller

# What is measured: its name, and the field of RoleScope that promises it.
DIMENSIONS = {"cores": "cpu_count", "memory_mb": "memory_mb", "storage_gb": "storage_gb"}
_ALL_SEEING = Caller(is_administrator=True)


@dataclass(frozen=True)
class Line:
    """One dimension. `total` is without what hosts keep for themselves.

    `free` is what placement may still give: nothing of hosts in maintenance or not responding.
    `promised` adds up the limits of user roles; `unlimited` is how many have none.
    """

    dimension: str
    total: int
    used: int
    free: int
    promised: int
    unlimited: int

    @property
    def is_overpromised(self) -> bool:
        """Tell whether all could not have what they were promised at once."""
        return self.unlimited > 0 or self.promised > self.total


@dataclass(frozen=True)
class Capacity:
    """What hosts there are and how many of them may be chosen, and a line for each dimension."""

    hosts: int
    usable_hosts: int
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Overview:
    """All of one server; groups and clouds by id. A group's includes those below."""

    whole: Capacity
    groups: Mapping[UUID, Capacity]
    clouds: Mapping[UUID, Capacity]


def overview(server: Server, caller: Caller = _ALL_SEEING) -> Overview:
    """Return the capacity of a server, its host groups and its clouds. Six queries.

    Only of the groups and clouds that the caller sees, as though there were no others.
    """
    books = _Books(server, caller)
    return Overview(
        books.of_groups(books.parents),
        {pk: books.of_groups(books.below({pk})) for pk in books.parents},
        {cloud.pk: books.of_cloud(cloud) for cloud in books.clouds},
    )


def of_server(server: Server) -> Capacity:
    """Return the capacity of all hosts of a server."""
    books = _Books(server)
    return books.of_groups(books.parents)


def of_group(group: HostGroup) -> Capacity:
    """Return the capacity of the hosts in a group and in those below it."""
    books = _Books(group.server)
    return books.of_groups(books.below({group.pk}))


def of_cloud(cloud: Cloud) -> Capacity:
    """Return what a cloud's hosts and its own limits leave it."""
    return _Books(cloud.server).of_cloud(cloud)


class _Books:
    """What was read of a server: all that the caller sees of it."""

    def __init__(self, server: Server, caller: Caller = _ALL_SEEING) -> None:
        groups = HostGroup.objects.visible_to(caller).filter(server=server)
        self.parents = dict(groups.values_list("pk", "parent"))
        clouds = Cloud.objects.visible_to(caller).filter(server=server)
        self.clouds = list(clouds.order_by("name"))
        self.hosts = {
            row["group"]: row for row in _host_sums(server) if row["group"] in self.parents
        }
        self.machines = {row["cloud"]: row for row in _machine_sums(server, self.parents)}
        self.scopes = {row["cloud"]: row for row in _scope_sums(server)}
        self.parts: dict[UUID, set[UUID]] = defaultdict(set)
        parts = Cloud.host_groups.through.objects.filter(cloud__server=server)
        for cloud, group in parts.values_list("cloud", "hostgroup"):
            self.parts[cloud].add(group)

    def below(self, tops: Collection[UUID]) -> set[UUID]:
        found = set()
        for group in self.parents:
            above: UUID | None = group
            while above is not None and above not in tops:
                above = self.parents.get(above)
            if above is not None:
                found.add(group)
        return found

    def of_groups(self, groups: Collection[UUID]) -> Capacity:
        """Promised is by the clouds that are made of any of the groups."""
        clouds = [c.pk for c in self.clouds if not self.below(self.parts[c.pk]).isdisjoint(groups)]
        lines = tuple(
            Line(
                name,
                self._hosts(groups, f"total_{name}"),
                self._hosts(groups, f"held_{name}"),
                self._hosts(groups, f"free_{name}"),
                *self._promised(clouds, name),
            )
            for name in DIMENSIONS
        )
        return self._capacity(groups, lines)

    def of_cloud(self, cloud: Cloud) -> Capacity:
        """A cloud's total is its limit, where it has one that its hosts could fill."""
        groups = self.below(self.parts[cloud.pk])
        lines = []
        for name in DIMENSIONS:
            total, free = (self._hosts(groups, f"{what}_{name}") for what in ("total", "free"))
            used = self.machines.get(cloud.pk, {}).get(f"its_{name}") or 0
            limit: int | None = getattr(cloud, name)
            if limit is not None:
                total, free = min(total, limit), min(free, max(0, limit - used))
            lines.append(Line(name, total, used, free, *self._promised([cloud.pk], name)))
        return self._capacity(groups, tuple(lines))

    def _capacity(self, groups: Collection[UUID], lines: tuple[Line, ...]) -> Capacity:
        return Capacity(self._hosts(groups, "hosts"), self._hosts(groups, "usable_hosts"), lines)

    def _hosts(self, groups: Collection[UUID], name: str) -> int:
        return sum(self.hosts[group][name] or 0 for group in groups if group in self.hosts)

    def _promised(self, clouds: Collection[UUID], name: str) -> tuple[int, int]:
        rows = [self.scopes[cloud] for cloud in clouds if cloud in self.scopes]
        return (
            sum(row[f"promised_{name}"] or 0 for row in rows),
            sum(row["scopes"] - row[f"limited_{name}"] for row in rows),
        )


def _host_sums(server: Server) -> Any:
    usable = Q(is_available=True, is_in_maintenance=False) & ~Q(health=Health.UNREACHABLE)
    totals = {
        "cores": F("cores") * F("cores_per_core"),
        "memory_mb": F("memory_mb") - F("reserved_memory_mb"),
        "storage_gb": F("storage_gb") - F("reserved_storage_gb"),
    }
    sums: dict[str, Any] = {"hosts": Count("pk"), "usable_hosts": Count("pk", filter=usable)}
    for name, total in totals.items():
        sums[f"total_{name}"] = Sum(total)
        sums[f"held_{name}"] = Sum(f"used_{name}")
        sums[f"free_{name}"] = Sum(total - F(f"used_{name}"), filter=usable)
    return Host.objects.filter(server=server).values("group").annotate(**sums)


def _machine_sums(server: Server, groups: Collection[UUID]) -> Any:
    """Machines on hosts of the groups, and those on no host."""
    here = Q(host=None) | Q(host__group__in=groups)
    rows = VirtualMachine.objects.filter(here, server=server).values("cloud")
    return rows.annotate(**{f"its_{name}": Sum(name) for name in DIMENSIONS})


def _scope_sums(server: Server) -> Any:
    sums: dict[str, Any] = {"scopes": Count("pk")}
    for name, limit in DIMENSIONS.items():
        sums[f"promised_{name}"] = Sum(limit)
        sums[f"limited_{name}"] = Count(limit)
    # What a role inside a tenant's was promised is of what the tenant's was.
    rows = RoleScope.objects.filter(cloud__server=server, role__parent=None)
    return rows.values("cloud").annotate(**sums)
