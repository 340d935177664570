"""MAC pools: ranges that the MACs of adapters on certain hosts come from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypedDict, Unpack

from django.db import transaction

from fabric.vmm import addresses, roles
from fabric.vmm.actions import fields, rows
from fabric.vmm.errors import Conflict, Invalid
from fabric.vmm.models import HostGroup, MACPool, Server
from fabric.vmm.roles import Caller

MOST = 16_777_216
_MAC = re.compile(r"[0-9A-F]{2}([:-]?[0-9A-F]{2}){5}")
_MULTICAST = 1 << 40


class Details(TypedDict, total=False):
    """What else a pool has; without host groups it serves all hosts."""

    host_groups: Iterable[HostGroup]
    description: str


class Changes(Details, total=False):
    name: str
    first: str
    last: str


@transaction.atomic
def add(
    caller: Caller, server: Server, *, name: str, first: str, last: str, **details: Unpack[Details]
) -> MACPool:
    """Add a range of MACs, from 02:00:00:00:00:01 to 02:00:00:FF:FF:FF for example."""
    values: dict[str, Any] = {**details, "name": name, "first": first, "last": last}
    groups = list(values.pop("host_groups", ()))
    roles.require_fabric(caller, [group.pk for group in groups] or None)
    return _write(MACPool(server=server), values, groups)


@transaction.atomic
def change(caller: Caller, row: MACPool, **changes: Unpack[Changes]) -> MACPool:
    """Change a pool; adapters keep the MACs they have."""
    values: dict[str, Any] = dict(changes)
    there = list(row.host_groups.all())
    groups = values.pop("host_groups", fields.UNCHANGED)
    groups = there if groups is fields.UNCHANGED else list(groups)
    for each in (there, groups):
        roles.require_fabric(caller, [group.pk for group in each] or None)
    return _write(rows.held(row), values, groups)


@transaction.atomic
def remove(caller: Caller, row: MACPool) -> None:
    """Remove a pool; adapters keep the MACs they have."""
    roles.require_fabric(caller, list(row.host_groups.values_list("pk", flat=True)) or None)
    rows.remove(row, "MAC pool")


def _write(pool: MACPool, values: dict[str, Any], groups: list[HostGroup]) -> MACPool:
    # Its row is the lock under which the ranges of a server are compared.
    Server.objects.select_for_update(no_key=True).get(pk=pool.server_id)
    rows.assign(pool, values, _POOL)
    _require_range(pool)
    if pool.cursor is None or not pool.first <= pool.cursor <= pool.last:
        pool.cursor = pool.first
    fields.require_server(pool.server, groups, "host group", field="host_groups")
    rows.save(pool)
    pool.host_groups.set(groups)
    return pool


def _require_range(pool: MACPool) -> None:
    first, last = addresses.text(pool.first), addresses.text(pool.last)
    if pool.first > pool.last:
        raise Invalid(
            f"The first MAC {first} of pool {pool} comes after the last one, {last}.",
            field="first",
        )
    if pool.last - pool.first >= MOST:
        raise Invalid(
            f"A MAC pool holds at most {MOST:,} MACs, and {first} to {last} of pool {pool} are "
            "more.",
            field="last",
        )
    twins = MACPool.objects.filter(
        server=pool.server_id, first__lte=pool.last, last__gte=pool.first
    )
    twin = twins.exclude(pk=pool.pk).order_by("name").first()
    if twin is not None:
        raise Conflict(
            f"The range of MAC pool {pool}, {first} to {last}, overlaps the one of {twin}, "
            f"{addresses.text(twin.first)} to {addresses.text(twin.last)}.",
            field="first",
        )


def _mac(row: Any, keyword: str, value: str) -> int:
    written = value.strip().upper()
    if not _MAC.fullmatch(written):
        raise Invalid(f"{value!r} of MAC pool {row} is no MAC address.", field=keyword)
    number = int(re.sub("[:-]", "", written), 16)
    if number & _MULTICAST:
        raise Invalid(f"{value} of MAC pool {row} is a multicast address.", field=keyword)
    return number


_POOL = {
    "name": rows.name("MAC pool"),
    "first": _mac,
    "last": _mac,
    "description": rows.prose,
}
