"""VM networks and the prefixes of their subnets, of rows of VMNetworks and VMSubnets."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network

from fabric.providers.base import RemoteNetwork
from fabric.providers.spf.pools import Pools
from fabric.providers.spf.reading import Row, guid, own_id, text

Prefix = IPv4Network | IPv6Network
Subnets = Mapping[uuid.UUID, tuple[str, ...]]


def network(row: Row, subnets: Subnets, pools: Pools | None) -> RemoteNetwork:
    """Read a row of VMNetworks; pools of None are known of no network."""
    id = own_id(row)
    return RemoteNetwork(
        id=id,
        name=text(row, "Name"),
        description=text(row, "Description"),
        logical_network_id=guid(row, "LogicalNetworkId"),
        isolation=text(row, "IsolationType"),
        subnets=subnets.get(id, ()),
        pools=None if pools is None else pools.get(id, ()),
    )


def subnets_of(rows: Iterable[Row]) -> Subnets:
    """Read rows of VMSubnets; return the prefixes of each network, lowest first.

    By half a list right addresses would be called wrong: a network with a prefix that cannot be
    read is left out, and so are all where it is not told whose a prefix is.
    """
    found: dict[uuid.UUID | None, set[Prefix | None]] = defaultdict(set)
    for row in rows:
        found[guid(row, "VMNetworkId")].add(_prefix(text(row, "Subnet")))
    if None in found:
        return {}
    return {
        id: tuple(str(each) for each in sorted((p for p in there if p), key=_rank))
        for id, there in found.items()
        if id is not None and None not in there
    }


def _prefix(told: str) -> Prefix | None:
    if "/" not in told or "%" in told:
        return None
    try:
        return ip_network(told, strict=False)
    except ValueError:
        return None


def _rank(prefix: Prefix) -> tuple[int, int, int]:
    return prefix.version, int(prefix.network_address), prefix.prefixlen
