"""How often wrong credentials are listened to before they are refused unread.

Three counts, in the cache that all processes share: for an account from one address, for an
address whatever the account, for an account wherever from. An address from which an account signed
in well lately is held by the first alone, so nobody is kept out by what strangers do. A window
begins with its first wrong try.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Final

from django.core.cache import cache
from django.utils.crypto import salted_hmac
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

# (wrong tries, in so many seconds)
PAIR: Final = (10, 60)
ADDRESS: Final = (30, 60)
ACCOUNT: Final = (60, 600)
KNOWN_SECONDS: Final = 30 * 86_400
REMEMBERED_REFUSALS_SECONDS: Final = 86_400
# What an Internet provider gives to one customer at least.
IPV6_CUSTOMER: Final = 64


@dataclass(frozen=True)
class Refusals:
    """Wrong tries with the name of an account within a day: how many, the last one, from where."""

    number: int
    last_at: datetime
    last_from: str


def wait(username: str, address: str) -> int:
    """Return the seconds to wait until credentials are looked at again; 0 to look now."""
    place = network(address)
    pair, spot, name = _pair(username, place), _slot("address", place), _slot("account", username)
    known = _slot("known", username, place)
    found = _read(pair, spot, name, known)
    if found.get(pair, 0) >= PAIR[0]:
        return PAIR[1]
    if known in found:
        return 0
    if found.get(spot, 0) >= ADDRESS[0]:
        return ADDRESS[1]
    return ACCOUNT[1] if found.get(name, 0) >= ACCOUNT[0] else 0


def is_known(username: str, address: str) -> bool:
    """Tell whether the account was signed in from this address lately."""
    slot = _slot("known", username, network(address))
    return slot in _read(slot)


def refused(username: str, address: str) -> None:
    """Count a wrong try."""
    place = network(address)
    try:
        for slot, seconds in (
            (_pair(username, place), PAIR[1]),
            (_slot("address", place), ADDRESS[1]),
            (_slot("account", username), ACCOUNT[1]),
            (_slot("day", username), REMEMBERED_REFUSALS_SECONDS),
        ):
            _add(slot, seconds)
        last = (datetime.now(UTC).timestamp(), place)
        cache.set(_slot("last", username), last, timeout=REMEMBERED_REFUSALS_SECONDS)
    except (RedisError, OSError, ValueError):
        log.warning("failed sign-ins are not counted: the cache is away")


def accepted(username: str, address: str) -> None:
    """Remember that an account was signed in from an address, and forget its wrong tries there."""
    place = network(address)
    try:
        cache.set(_slot("known", username, place), 1, timeout=KNOWN_SECONDS)
        cache.delete(_pair(username, place))
    except (RedisError, OSError):
        log.warning("good sign-ins are not remembered: the cache is away")


def lately(username: str) -> Refusals | None:
    """Return the wrong tries of the last day; None without any."""
    day, last = _slot("day", username), _slot("last", username)
    found = _read(day, last)
    if day not in found or last not in found:
        return None
    at, place = found[last]
    return Refusals(int(found[day]), datetime.fromtimestamp(at, UTC), place)


def network(address: str) -> str:
    """Return what counts as one address: of IPv6 all that one customer has."""
    try:
        ip: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ip_network((ip, IPV6_CUSTOMER), strict=False))


def _pair(username: str, place: str) -> str:
    return _slot("pair", username, place)


def _slot(kind: str, *about: str) -> str:
    # The same in every process, and no cache key can be broken by what a stranger types.
    digest = salted_hmac(f"spf-{kind}", "\0".join(about)).hexdigest()
    return f"spf-refused-{kind}:{digest}"


# Without its cache the service still answers; it only counts no failures then.
def _read(*slots: str) -> dict[str, Any]:
    try:
        return dict(cache.get_many(slots))
    except (RedisError, OSError):
        return {}


def _add(slot: str, seconds: int) -> None:
    cache.add(slot, 0, timeout=seconds)
    cache.incr(slot)
