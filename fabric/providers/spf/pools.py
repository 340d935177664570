"""Static address pools of networks, of rows of StaticIPAddressPools and VMSubnets."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address

from fabric.providers.base import RemotePool
from fabric.providers.spf.reading import Row, guid, text, texts

Address = IPv4Address | IPv6Address
# Those of one network are None when they are not known.
Pools = Mapping[uuid.UUID, tuple[RemotePool, ...] | None]


def pools_of(rows: Iterable[Row], subnets: Iterable[Row]) -> Pools | None:
    """Return the pools of each network that has some, lowest first.

    By half a list right addresses would be called wrong: those of a network with one that cannot
    be read are not known, and none are where it is not told whose a pool is. Such a one may be a
    logical network's, and several networks take from it.
    """
    owners = {guid(row, "ID"): guid(row, "VMNetworkId") for row in subnets}
    found: dict[uuid.UUID | None, list[RemotePool | None]] = defaultdict(list)
    for row in rows:
        subnet = guid(row, "VMSubnetId")
        found[owners.get(subnet) if subnet else None].append(_pool(row))
    if None in found:
        return None
    return {
        id: None if None in there else tuple(sorted((p for p in there if p), key=_rank))
        for id, there in found.items()
        if id is not None
    }


def _pool(row: Row) -> RemotePool | None:
    """Read a row, None when its range cannot be.

    What it keeps and cannot be read is left out: VMM has the last word on an address more.
    """
    ends = _ends(text(row, "IPAddressRangeStart"), text(row, "IPAddressRangeEnd"))
    if ends is None:
        return None
    start, end = ends
    version = start.version
    return RemotePool(
        first=str(start),
        last=str(end),
        reserved=tuple(
            (str(first), str(last))
            for first, last in _ranges(text(row, "IPAddressReservedSet"))
            if first.version == version
        ),
        gateways=_addresses(texts(row, "DefaultGatewayIPAddresses"), version),
        dns_servers=_addresses(texts(row, "DNSServers"), version),
    )


def _ranges(told: str) -> Iterator[tuple[Address, Address]]:
    """Read ranges such as `10.0.0.1-10.0.0.9;10.0.0.20`."""
    for part in told.replace(",", ";").split(";"):
        first, _dash, last = part.partition("-")
        ends = _ends(first, last or first)
        if ends is not None:
            yield ends


def _ends(first: str, last: str) -> tuple[Address, Address] | None:
    start, end = _address(first), _address(last)
    if start is None or end is None or start.version != end.version or int(start) > int(end):
        return None
    return start, end


def _addresses(told: Iterable[str], version: int) -> tuple[str, ...]:
    found = (_address(each) for each in told)
    return tuple(str(each) for each in found if each and each.version == version)


def _address(told: str) -> Address | None:
    try:
        return ip_address(told.strip())
    except ValueError:
        return None


def _rank(pool: RemotePool) -> tuple[int, int]:
    first = ip_address(pool.first)
    return first.version, int(first)
