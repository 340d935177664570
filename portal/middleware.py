"""What a request is answered with: the viewer's zone and language; and when they were last seen.

Of zone and language the account's comes first, then the browser's, then UTC and English.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

ZONE_COOKIE = "katal_zone"
# Kept in the session, which is read anyway; put there by signing in (portal/apps.py).
SEEN = "seen"
SEEN_EVERY = 300


def zone_named(*names: str) -> zoneinfo.ZoneInfo | None:
    """Return the first of these zones that there is."""
    for name in filter(None, names):
        try:
            return zoneinfo.ZoneInfo(name)
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
            continue
    return None


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
        return zone_named(named, request.COOKIES.get(ZONE_COOKIE, "").replace("%2F", "/"))


class ViewerLanguageMiddleware:
    """Speak the language of the account; without one, LocaleMiddleware has asked the browser."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        wanted = getattr(request.user, "language", "") if request.session.session_key else ""
        if wanted in dict(settings.LANGUAGES):
            translation.activate(wanted)
            request.LANGUAGE_CODE = wanted
        return self.get_response(request)


class LastSeenMiddleware:
    """Note when a sign-in was last used, at most every five minutes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        seen = request.session.get(SEEN) if request.session.session_key else None
        now = timezone.now().timestamp()
        if seen is not None and now - seen > SEEN_EVERY and request.user.is_authenticated:
            request.session[SEEN] = now
            UserSession.objects.filter(session_key=request.session.session_key).update(
                last_seen_at=timezone.now()
            )
        return self.get_response(request)
