"""Places of a pool, counted from its first address: which may be leased, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from fabric.vmm.models import AddressPool

Address = IPv4Address | IPv6Address
Range = tuple[int, int]

# Nearly always one of the next places is free, and the whole pool need not be gone through.
NEAR = 64
_GROWTH = 16


def version(pool: AddressPool) -> int:
    """Return 4 or 6."""
    return ip_address(pool.first).version


def rank(pool: AddressPool) -> tuple[int, int]:
    """Return what pools are sorted by: IPv4 first, then the lowest."""
    return version(pool), int(ip_address(pool.first))


def place_of(pool: AddressPool, address: Address) -> int | None:
    """Return the place of an address; None when the pool has not got it."""
    first = ip_address(pool.first)
    if address.version != first.version:
        return None
    place = int(address) - int(first)
    return place if 0 <= place < pool.size else None


def excluded(pool: AddressPool) -> Iterator[tuple[str, Range]]:
    """Yield what is never leased, with why: reserved ranges, the gateway, DNS servers."""
    low = int(ip_address(pool.first))
    family = version(pool)
    kept = [("reserved", first, last) for first, last in pool.reserved]
    kept += [("the gateway", pool.gateway, pool.gateway)] if pool.gateway else []
    kept += [("a DNS server", server, server) for server in pool.dns]
    for why, first, last in kept:
        start, stop = ip_address(first), ip_address(last)
        if start.version == family and int(stop) - low >= 0 and int(start) - low < pool.size:
            yield why, (max(0, int(start) - low), min(pool.size - 1, int(stop) - low))


def usable(pool: AddressPool) -> list[Range]:
    """Return the ranges of places that may be leased, in order."""
    found, begin = [], 0
    for start, stop in sorted(places for _, places in excluded(pool)):
        if begin < start:
            found.append((begin, start - 1))
        begin = max(begin, stop + 1)
    if begin < pool.size:
        found.append((begin, pool.size - 1))
    return found


def from_cursor(ranges: Iterable[Range], cursor: int) -> list[Range]:
    """Return the same places, beginning at the cursor and ending before it."""
    before, after = [], []
    for start, stop in ranges:
        if start < cursor:
            before.append((start, min(stop, cursor - 1)))
        if stop >= cursor:
            after.append((max(start, cursor), stop))
    return after + before


def windows(ranges: Sequence[Range]) -> Iterator[list[Range]]:
    """Cut the places into pieces: a small one first, since the rest is seldom looked at."""
    left, most = list(ranges), NEAR
    while left:
        window, room = [], most
        while left and room:
            start, stop = left.pop(0)
            end = min(stop, start + room - 1)
            window.append((start, end))
            room -= end - start + 1
            if end < stop:
                left.insert(0, (end + 1, stop))
        yield window
        most *= _GROWTH
