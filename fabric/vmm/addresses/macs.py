"""MACs for adapters: from the pool that serves the host, else random ones. None is given twice."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db import connection

from fabric.vmm.addresses.places import Range, from_cursor, windows
from fabric.vmm.errors import NoFreeAddress
from fabric.vmm.models import Host, HostGroup, MACPool, NetworkAdapter, Server

# Locally administered, so that no maker of real adapters has them.
RANDOM_PREFIX = 0x02_4B << 32
_DRAWS = 4

_FREE = """
SELECT place, mac FROM (
    SELECT turn, place,
        regexp_replace(upper(lpad(to_hex(place), 12, '0')), '(..)(?!$)', '\\1:', 'g') AS mac
    FROM (SELECT turn, generate_series(start, stop) AS place
          FROM unnest(%(starts)s::bigint[], %(stops)s::bigint[])
               WITH ORDINALITY AS ranges (start, stop, turn)) AS places) AS macs
WHERE NOT EXISTS (SELECT 1 FROM vmm_networkadapter AS held WHERE held.mac = macs.mac)
ORDER BY turn, place LIMIT 1
"""


def text(number: int) -> str:
    """Return a MAC as it is written: 02:4B:00:00:00:01."""
    return number.to_bytes(6, "big").hex(":").upper()


def new_mac(pools: Sequence[MACPool]) -> str:
    """Return a MAC that no adapter has; write it to one in the same transaction.

    It comes from the first of the pools that has one, without pools it is random. Raises
    NoFreeAddress when they are used up.
    """
    for pool in pools:
        mac = _from_pool(pool)
        if mac is not None:
            return mac
    if pools:
        raise NoFreeAddress(
            f"The MAC pools are used up: {', '.join(pool.name for pool in pools)}.",
            advice="Extend a pool, or remove unused machines.",
        )
    return _random()


def serving(server: Server | UUID, host: Host | None) -> list[MACPool]:
    """Return the pools that serve the host, the nearest first: of its group, of groups above it,
    then those of all groups."""
    found = list(MACPool.objects.filter(server=server).order_by("name"))
    if not found:
        return []
    served: dict[UUID, list[UUID]] = {}
    for pool, group in MACPool.host_groups.through.objects.filter(macpool__in=found).values_list(
        "macpool", "hostgroup"
    ):
        served.setdefault(pool, []).append(group)
    above = list(_above(host)) if served and host is not None else []
    near = [
        (min(above.index(group) for group in groups), pool)
        for pool in found
        if (groups := [g for g in served.get(pool.pk, ()) if g in above])
    ]
    nearest = [pool for _, pool in sorted(near, key=lambda pair: (pair[0], pair[1].name))]
    return nearest + [pool for pool in found if pool.pk not in served]


def _above(host: Host) -> Iterator[UUID]:
    parents = dict(HostGroup.objects.filter(server=host.server_id).values_list("pk", "parent"))
    group: UUID | None = host.group_id
    while group is not None:
        yield group
        group = parents.get(group)


def _from_pool(pool: MACPool) -> str | None:
    held = MACPool.objects.select_for_update(no_key=True).get(pk=pool.pk)
    for window in windows(from_cursor([(held.first, held.last)], held.cursor)):
        found = _first_free(window)
        if found is not None:
            number, mac = found
            following = number + 1 if number < held.last else held.first
            MACPool.objects.filter(pk=held.pk).update(cursor=following)
            return mac
    return None


def _first_free(ranges: list[Range]) -> tuple[int, str] | None:
    values = {"starts": [start for start, _ in ranges], "stops": [stop for _, stop in ranges]}
    with connection.cursor() as cursor:
        cursor.execute(_FREE, values)
        row = cursor.fetchone()
    return None if row is None else (row[0], row[1])


def _random() -> str:
    while True:
        drawn = [text(RANDOM_PREFIX | secrets.randbits(32)) for _ in range(_DRAWS)]
        taken = set(NetworkAdapter.objects.filter(mac__in=drawn).values_list("mac", flat=True))
        for mac in drawn:
            if mac not in taken:
                return mac
