"""Show times in the viewer's zone: the one in the account, else the browser's, else UTC."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

ZONE_COOKIE = "katal_zone"


class ViewerTimeZoneMiddleware:
    """Activate the zone for the time of a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        zone = self._zone(request)
        if zone is None:
            return self.get_response(request)
        with timezone.override(zone):
            return self.get_response(request)

    def _zone(self, request: HttpRequest) -> zoneinfo.ZoneInfo | None:
        # A request without a session cookie has no account to look at.
        named = ""
        if request.session.session_key:
            named = getattr(request.user, "time_zone", "")
        for name in (named, request.COOKIES.get(ZONE_COOKIE, "").replace("%2F", "/")):
            if name:
                try:
                    return zoneinfo.ZoneInfo(name)
                except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
                    continue
        return None
