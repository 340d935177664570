"""Fixed IPv4 addresses: can a machine on a network have one? Plain values in, a reason or None out.

What is told of a network is judged as VMM judges it, never more strictly. Pools are as in
`Network.pools`; None: they are not known.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address
from typing import Any

from django.utils.translation import gettext as _

Pool = Mapping[str, Any]

MOST_NAMED = 4


def problem(
    address: str, subnets: Sequence[str] = (), pools: Sequence[Pool] | None = None
) -> str | None:
    """Return why no machine on a network with these prefixes and pools can have a fixed address,
    None when one could. Where neither is known, nothing is said of them."""
    try:
        wanted = IPv4Address(address)
    except ValueError:
        return _("This is no IPv4 address.")
    if wanted.is_multicast or wanted.is_unspecified or wanted.is_loopback or wanted.is_reserved:
        return _("No machine can have this address.")
    if pools is None:
        return _subnet_problem(wanted, subnets)
    usable = ipv4_pools(pools)
    if not usable:
        return _("The network has no address pool, so no address on it can be fixed.")
    # VMM asks pools alone; subnets only say it better.
    found = _pool_problem(wanted, usable)
    return found and (_subnet_problem(wanted, subnets) or found)


def _pool_problem(address: IPv4Address, pools: Sequence[Pool]) -> str | None:
    """Return why none of the pools gives an address."""
    around = [each for each in pools if _within(address, each["first"], each["last"])]
    problems = [_kept_problem(address, each) for each in around]
    if around:
        return problems[0] if all(problems) else None
    told = {"address": address, "pools": in_words(ranges_of(pools))}
    if len(pools) == 1:
        return _("%(address)s is outside the network's address pool %(pools)s.") % told
    return _("%(address)s is in none of the network's address pools %(pools)s.") % told


def _kept_problem(address: IPv4Address, pool: Pool) -> str | None:
    """Return why a pool keeps an address of its range to itself."""
    told = {"address": address}
    if any(_within(address, *ends) for ends in pool["reserved"]):
        return _("%(address)s is reserved in the network's address pool.") % told
    if str(address) in pool["gateways"]:
        return _("%(address)s is the network's gateway; no machine can have it.") % told
    if str(address) in pool["dns_servers"]:
        return _("%(address)s is a DNS server of the network; no machine can have it.") % told
    return None


def _within(address: IPv4Address, first: str, last: str) -> bool:
    return IPv4Address(first) <= address <= IPv4Address(last)


def _subnet_problem(address: IPv4Address, subnets: Sequence[str]) -> str | None:
    """Return why an address is none of these prefixes' hosts, None where there are none."""
    around = [each for each in map(ipaddress.ip_network, subnets) if address in each]
    problems = [_end_problem(address, each) for each in around]
    if around:
        return problems[0] if all(problems) else None
    return _outside(address, subnets) if subnets else None


def _end_problem(address: IPv4Address, subnet: Any) -> str | None:
    """Return why an address of a subnet is no machine's; those of two and of one have no ends."""
    told = {"address": address, "subnet": subnet}
    if subnet.num_addresses <= 2:
        return None
    if address == subnet.network_address:
        return _("%(address)s is the network address of %(subnet)s; no machine can have it.") % told
    if address == subnet.broadcast_address:
        return _("%(address)s is the broadcast address of %(subnet)s; no machine can have it.") % (
            told
        )
    return None


def _outside(address: IPv4Address, subnets: Sequence[str]) -> str:
    named = ipv4_of(subnets) or subnets
    told = {"address": address, "subnets": in_words(named)}
    if len(named) == 1:
        return _("%(address)s is not in the network's subnet %(subnets)s.") % told
    return _("%(address)s is in none of the network's subnets %(subnets)s.") % told


def ipv4_of(subnets: Iterable[str]) -> list[str]:
    """Return the prefixes that a fixed address can be in: those of IPv4."""
    return [each for each in subnets if ":" not in each]


def ipv4_pools(pools: Iterable[Pool]) -> list[Pool]:
    """Return the pools that a fixed address can be of: those of IPv4."""
    return [each for each in pools if ":" not in each["first"]]


def ranges_of(pools: Iterable[Pool]) -> list[str]:
    """Return pools as ranges, such as 10.20.0.50–10.20.0.99."""
    return [f"{each['first']}–{each['last']}" for each in pools]


def in_words(ranges: Sequence[str]) -> str:
    """Return the first prefixes or ranges of a network on one line, "" where there is none."""
    more = ["…"] if len(ranges) > MOST_NAMED else []
    return ", ".join([*ranges[:MOST_NAMED], *more])
