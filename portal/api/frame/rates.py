"""How often one may ask: so many requests a minute for each key or person, counted in the cache.

Headers as draft-ietf-httpapi-ratelimit-headers says. While the cache is away nobody is counted.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
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
    now = clock()
    window = int(now // WINDOW)
    try:
        used = _increment(f"api:{policy}:{who}:{window}")
    except RedisError as error:
        log.warning("requests are not counted: %s", type(error).__name__)
        return {}
    found = Count(policy, limit, used, math.ceil(WINDOW - now % WINDOW))
    if used > limit:
        raise Problem(
            "too_many_requests",
            _("%(limit)d requests a minute are served; the next in %(seconds)d s.")
            % {"limit": limit, "seconds": found.resets_in},
            headers={**found.headers, "Retry-After": str(found.resets_in)},
        )
    return found.headers


def _increment(key: str) -> int:
    try:
        return int(cache.incr(key))
    except ValueError:
        # Nobody was counted in this window; of two who find that out, one begins it.
        return 1 if cache.add(key, 1, WINDOW * 2) else int(cache.incr(key))
