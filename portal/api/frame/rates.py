"""How often one may ask: so many requests a minute for each key or person, so many wrong keys for
each address, counted in the cache.

Headers as draft-ietf-httpapi-ratelimit-headers says. While the cache is away nobody is counted.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from allauth.core.internal.ratelimit import get_ip
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from portal.problems import Problem

log = logging.getLogger(__name__)
WINDOW = 60
clock = time.time
SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Count:
    """Where somebody stands in the present window."""

    policy: str
    limit: int
    used: int
    resets_in: int

    @property
    def headers(self) -> dict[str, str]:
        left = max(0, self.limit - self.used)
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.limit};w={WINDOW}',
            "RateLimit": f'"{self.policy}";r={left};t={self.resets_in}',
        }


def count(who: str, method: str) -> Mapping[str, str]:
    """Count one request; return the headers that say what is left, or raise the problem of none."""
    reading = method in SAFE
    policy = "reads" if reading else "changes"
    limit = settings.API_READS_PER_MINUTE if reading else settings.API_CHANGES_PER_MINUTE
    found = _counted(policy, who, limit)
    if found is None:
        return {}
    told = {"limit": limit, "seconds": found.resets_in}
    _require_few(
        found, _("%(limit)d requests a minute are served; the next in %(seconds)d s.") % told
    )
    return found.headers


def count_wrong_key(request: HttpRequest) -> None:
    """Count a wrong key from an address; raise the problem of too many.

    Addresses are told apart as at sign-in. Who has a right key is not asked for their neighbours.
    """
    try:
        address = get_ip(request)
    except PermissionDenied:
        address = "unknown"
    found = _counted("wrong-keys", address, settings.API_WRONG_KEYS_PER_MINUTE)
    if found is not None:
        told = {"seconds": found.resets_in}
        _require_few(
            found,
            _("Too many wrong API keys from your address. Try again in %(seconds)d s.") % told,
        )


def _counted(policy: str, who: str, limit: int) -> Count | None:
    """Count once more in the present window; None while the cache is away."""
    now = clock()
    try:
        used = _increment(f"api:{policy}:{who}:{int(now // WINDOW)}")
    except RedisError as error:
        log.warning("requests are not counted: %s", type(error).__name__)
        return None
    return Count(policy, limit, used, math.ceil(WINDOW - now % WINDOW))


def _require_few(found: Count, detail: str) -> None:
    if found.used > found.limit:
        headers = {**found.headers, "Retry-After": str(found.resets_in)}
        raise Problem("too_many_requests", detail, headers=headers)


def _increment(key: str) -> int:
    try:
        return int(cache.incr(key))
    except ValueError:
        # Nobody was counted in this window; of two who find that out, one begins it.
        return 1 if cache.add(key, 1, WINDOW * 2) else int(cache.incr(key))
