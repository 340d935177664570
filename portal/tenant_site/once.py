"""Forms that make something act once, however often the same one is sent."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.core.cache import cache
from django.http import HttpRequest

KEPT_SECONDS = 3600


def done(request: HttpRequest, key: uuid.UUID, act: Callable[[], str]) -> str:
    """Act and return the address it leads to; sent again, that address, "" while it is not known.

    An act that is refused may be asked for again.
    """
    place = f"once:{request.user.pk}:{key}"
    if not cache.add(place, "", KEPT_SECONDS):
        return str(cache.get(place) or "")
    try:
        led = act()
    except BaseException:
        cache.delete(place)
        raise
    cache.set(place, led, KEPT_SECONDS)
    return led
