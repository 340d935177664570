"""Lease addresses and give them back. A pool's row is the lock of its leases.

An address given back rests; its row stays, is taken over once the rest is over, and is what a pool
whose end was reached is used again from. So the cost does not grow as a pool fills.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta
from ipaddress import ip_address
from itertools import groupby
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Now

from fabric.vmm.addresses import places
from fabric.vmm.addresses.places import Address, Range
from fabric.vmm.errors import Conflict, Invalid, NoFreeAddress
from fabric.vmm.models import (
    AddressLease,
    AddressPool,
    AddressType,
    NetworkAdapter,
    VirtualMachine,
)
from fabric.vmm.roles import Caller

NOBODY = Caller()

_INSERT = """
WITH given AS (
    INSERT INTO vmm_addresslease AS mine (id, pool_id, adapter_id, address, created_at)
    SELECT %(id)s, %(pool)s, %(adapter)s, %(first)s::inet + place, clock_timestamp()
    FROM (SELECT turn, generate_series(start, stop) AS place
          FROM unnest(%(starts)s::bigint[], %(stops)s::bigint[])
               WITH ORDINALITY AS ranges (start, stop, turn)) AS places
    WHERE NOT EXISTS (SELECT 1 FROM vmm_addresslease AS held
                      WHERE held.pool_id = %(pool)s AND held.address = %(first)s::inet + place
                      AND (held.adapter_id IS NOT NULL OR held.rests_until > clock_timestamp()))
    ORDER BY turn, place LIMIT 1
    ON CONFLICT (pool_id, address) DO UPDATE SET id = excluded.id,
        adapter_id = excluded.adapter_id, rests_until = NULL, created_at = excluded.created_at
    RETURNING mine.address
)"""
_TAKE_REST = """
WITH given AS (
    UPDATE vmm_addresslease AS mine
    SET adapter_id = %(adapter)s, rests_until = NULL, created_at = clock_timestamp()
    WHERE mine.id = (
        SELECT rested.id FROM vmm_addresslease AS rested
        WHERE rested.pool_id = %(pool)s AND rested.adapter_id IS NULL
        AND rested.rests_until <= clock_timestamp()
        AND EXISTS (SELECT 1 FROM unnest(%(starts)s::bigint[], %(stops)s::bigint[])
                    AS ranges (start, stop)
                    WHERE rested.address - %(first)s::inet BETWEEN start AND stop)
        ORDER BY rested.rests_until LIMIT 1)
    RETURNING mine.address
)"""
_MOVE_ON = """, moved AS (
    UPDATE vmm_addresspool SET cursor = (given.address - %(first)s::inet + 1) %% size
    FROM given WHERE vmm_addresspool.id = %(pool)s
)"""
_GIVEN = " SELECT host(address) FROM given"


def lease(adapter: NetworkAdapter, wanted: Sequence[str] = (), *, by: Caller = NOBODY) -> list[str]:
    """Give a connected adapter an address of each family its network has pools of, IPv4 first.

    Those it holds it keeps, so that asking again changes nothing. `wanted` are fixed addresses, at
    most one a family; with one its type and its MAC's become static. Call it in a transaction.
    Raises NoFreeAddress when the pools are used up, Conflict naming who holds what is wanted, as
    far as who asks (`by`) sees them.
    """
    fixed = _fixed(wanted)
    held = AddressLease.objects.filter(pool=OuterRef("pk"), adapter=adapter.pk).values("address")
    locked = (
        AddressPool.objects.select_for_update(no_key=True)
        .filter(network=adapter.network_id)
        .annotate(held=Subquery(held[:1]))
        .order_by("pk")
    )
    pools = sorted(locked, key=places.rank)
    found = []
    for version, group in groupby(pools, places.version):
        family, address = list(group), fixed.pop(version, None)
        if address is not None:
            found.append(_take_fixed(family, adapter, address, by))
        else:
            mine = next((pool.held for pool in family if pool.held), None)
            found.append(str(mine or _take_any(family, adapter)))
    for address in fixed.values():
        raise _in_no_pool(address, adapter, pools)
    return found


def leased(adapter: NetworkAdapter) -> list[str]:
    """Return the addresses an adapter holds, IPv4 first."""
    rows = AddressLease.objects.filter(adapter=adapter.pk).order_by("address")
    return [str(address) for address in rows.values_list("address", flat=True)]


def release(adapters: Iterable[NetworkAdapter]) -> None:
    """Give back all addresses of the adapters: each rests as long as its pool says. Repeatable."""
    _give_back(AddressLease.objects.filter(adapter__in=adapters))


def _give_back(leases: QuerySet[Any]) -> None:
    leases.filter(pool__quarantine_minutes=0).delete()
    over = ExpressionWrapper(
        Now() + F("quarantine_minutes") * timedelta(minutes=1), output_field=DateTimeField()
    )
    pools = AddressPool.objects.filter(pk=OuterRef("pool")).values(over=over)
    leases.update(adapter=None, rests_until=Subquery(pools))


def _fixed(wanted: Sequence[str]) -> dict[int, Address]:
    found: dict[int, Address] = {}
    for text in wanted:
        try:
            address = ip_address(text)
        except ValueError:
            address = None
        if address is None or "%" in text:
            raise Invalid(f"{text!r} is no IP address.", field="address")
        if address.version in found:
            raise Invalid(
                f"An adapter has one IPv{address.version} address, not both "
                f"{found[address.version]} and {address}.",
                field="address",
            )
        found[address.version] = address
    return found


def _take_any(pools: Sequence[AddressPool], adapter: NetworkAdapter) -> str:
    for pool in pools:
        usable = places.usable(pool)
        near, *rest = list(places.windows(places.from_cursor(usable, pool.cursor))) or [[]]
        address = (
            _ask(_INSERT + _MOVE_ON, pool, adapter, near)
            or _ask(_TAKE_REST, pool, adapter, usable)
            or next(filter(None, (_ask(_INSERT + _MOVE_ON, pool, adapter, w) for w in rest)), None)
        )
        if address is not None:
            return address
    version = places.version(pools[0])
    raise NoFreeAddress(
        f"The network {adapter.network} has no free IPv{version} address: all of "
        f"{', '.join(pool.name for pool in pools)} are leased, reserved or resting.",
        advice="Your provider can extend its address pool; remove unused machines meanwhile.",
    )


def _take_fixed(
    pools: Sequence[AddressPool], adapter: NetworkAdapter, address: Address, by: Caller
) -> str:
    pool = next((p for p in pools if places.place_of(p, address) is not None), None)
    if pool is None:
        raise _in_no_pool(address, adapter, pools)
    place = places.place_of(pool, address)
    assert place is not None
    for why, (start, stop) in places.excluded(pool):
        if start <= place <= stop:
            raise Conflict(f"{address} is {why} in the pool {pool.name}.", field="address")
    mine = AddressLease.objects.filter(adapter=adapter.pk, pool__in=pools)
    if not mine.filter(pool=pool, address=str(address)).exists():
        if _ask(_INSERT, pool, adapter, [(place, place)]) is None:
            raise _held(pool, address, by)
        _give_back(mine.exclude(pool=pool, address=str(address)))
    kind = "ipv4_type" if address.version == 4 else "ipv6_type"
    adapter.mac_type = AddressType.STATIC
    setattr(adapter, kind, AddressType.STATIC)
    adapter.save(update_fields=["mac_type", kind])
    return str(address)


def _ask(
    sql: str, pool: AddressPool, adapter: NetworkAdapter, ranges: Sequence[Range]
) -> str | None:
    if not ranges:
        return None
    values = {
        "id": uuid.uuid4(),
        "pool": pool.pk,
        "adapter": adapter.pk,
        "first": str(pool.first),
        "starts": [start for start, _ in ranges],
        "stops": [stop for _, stop in ranges],
    }
    with connection.cursor() as cursor:
        cursor.execute(sql + _GIVEN, values)
        row = cursor.fetchone()
    return None if row is None else str(row[0])


def _in_no_pool(
    address: Address, adapter: NetworkAdapter, pools: Sequence[AddressPool]
) -> NoFreeAddress:
    there = ", ".join(f"{pool.name} ({pool.first} to {pool.last})" for pool in pools)
    return NoFreeAddress(
        f"{address} is in no address pool of the network {adapter.network}: "
        f"{f'it has {there}' if there else 'it has none'}.",
        field="address",
    )


def _held(pool: AddressPool, address: Address, by: Caller) -> Conflict:
    rows = AddressLease.objects.select_related("adapter__machine")
    held = rows.get(pool=pool, address=str(address))
    if held.adapter is None:
        return Conflict(
            f"{address} of the pool {pool.name} was given back and rests until "
            f"{held.rests_until:%Y-%m-%d %H:%M} UTC.",
            field="address",
        )
    return Conflict(
        f"{address} of the pool {pool.name} is leased by {holder(held, by)}.", field="address"
    )


def holder(held: AddressLease, by: Caller) -> str:
    """Say who holds an address; of a machine that who asks does not see not even the name."""
    assert held.adapter is not None
    machine = held.adapter.machine
    is_seen = VirtualMachine.objects.visible_to(by).filter(pk=machine.pk).exists()
    return f"the machine {machine.name}" if is_seen else "a machine of another user role"
