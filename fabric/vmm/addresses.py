"""Lease addresses from the pools of a network, and make MACs. A pool's row is its lock."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable
from datetime import timedelta

from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper, F, OuterRef, Subquery
from django.db.models.functions import Now

from fabric.vmm.errors import NoFreeAddress
from fabric.vmm.models import AddressLease, AddressPool, NetworkAdapter

# Locally administered, so that no maker of real adapters has them.
MAC_PREFIX = "02:4B"

# Nearly always one of the next places is free, and the whole range need not be gone through.
NEAR = 64

# Never the gateway or a DNS server. Who gave an address back is forgotten when its rest is over.
_LEASE = """
INSERT INTO vmm_addresslease (id, pool_id, adapter_id, address, created_at)
SELECT %(id)s, %(pool)s, %(adapter)s, %(first)s::inet + place, clock_timestamp()
FROM (SELECT generate_series(%(start)s::bigint, %(stop)s::bigint) AS place) AS places
WHERE NOT (%(first)s::inet + place = ANY(%(kept)s::inet[]))
AND NOT EXISTS (SELECT 1 FROM vmm_addresslease AS held
                WHERE held.pool_id = %(pool)s AND held.address = %(first)s::inet + place
                AND (held.adapter_id IS NOT NULL OR held.rests_until > clock_timestamp()))
ORDER BY place LIMIT 1
ON CONFLICT (pool_id, address) DO UPDATE SET id = excluded.id, adapter_id = excluded.adapter_id,
    rests_until = NULL, created_at = excluded.created_at
RETURNING address - %(first)s::inet, host(address)
"""


def lease(adapter: NetworkAdapter) -> str | None:
    """Give a connected adapter an address; None when its network has no pool.

    Call it in a transaction, once an adapter. Raises NoFreeAddress when all pools are used up.
    """
    pools = list(
        AddressPool.objects.select_for_update(no_key=True)
        .filter(network=adapter.network_id)
        .order_by("first")
    )
    for pool in pools:
        address = _lease_from(pool, adapter)
        if address is not None:
            return address
    if pools:
        raise NoFreeAddress(
            f"The network {adapter.network} has no free address.",
            advice="Your provider can extend its address pool; remove unused machines meanwhile.",
        )
    return None


def release(adapters: Iterable[NetworkAdapter]) -> None:
    """Give back all addresses of the adapters: each rests as long as its pool says. Repeatable."""
    leases = AddressLease.objects.filter(adapter__in=adapters)
    leases.filter(pool__quarantine_minutes=0).delete()
    over = ExpressionWrapper(
        Now() + F("quarantine_minutes") * timedelta(minutes=1), output_field=DateTimeField()
    )
    pools = AddressPool.objects.filter(pk=OuterRef("pool")).values(over=over)
    leases.update(adapter=None, rests_until=Subquery(pools))


def new_mac() -> str:
    """Return a random MAC; the unique constraint on adapters says whether it is new."""
    return ":".join([MAC_PREFIX, *(f"{byte:02X}" for byte in secrets.token_bytes(4))])


def _lease_from(pool: AddressPool, adapter: NetworkAdapter) -> str | None:
    last = pool.size - 1
    near = min(pool.cursor + NEAR, last)
    for start, stop in ((pool.cursor, near), (near + 1, last), (0, pool.cursor - 1)):
        with connection.cursor() as cursor:
            cursor.execute(
                _LEASE,
                {
                    "id": uuid.uuid4(),
                    "pool": pool.pk,
                    "adapter": adapter.pk,
                    "first": str(pool.first),
                    "start": start,
                    "stop": stop,
                    "kept": [str(a) for a in (pool.gateway, *pool.dns) if a],
                },
            )
            row = cursor.fetchone()
        if row is not None:
            place, address = row
            AddressPool.objects.filter(pk=pool.pk).update(cursor=(place + 1) % pool.size)
            return str(address)
    return None
