"""The order in which pools are locked, by everyone: address pools by id, then MAC pools by id."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from fabric.vmm.addresses import macs
from fabric.vmm.models import AddressPool, Host, MACPool, Server


def lock(
    networks: Iterable[UUID | None],
    *,
    macs_of: Server | UUID | None = None,
    host: Host | None = None,
) -> list[MACPool]:
    """Lock all pools of these networks and, with `macs_of`, the server's MAC pools for the host;
    return the latter, the nearest first.

    Call it before the first lease or MAC of a transaction that takes more than one of either.
    """
    wanted = {network for network in networks if network is not None}
    if wanted:
        pools = AddressPool.objects.filter(network__in=wanted).order_by("pk")
        list(pools.select_for_update(no_key=True).values_list("pk"))
    serving = macs.serving(macs_of, host) if macs_of is not None else []
    if serving:
        found = MACPool.objects.filter(pk__in=[pool.pk for pool in serving]).order_by("pk")
        list(found.select_for_update(no_key=True).values_list("pk"))
    return serving
