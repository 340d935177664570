"""Who asks: an API key (`Authorization: Bearer katal_…`), or the session of a signed-in browser."""

from __future__ import annotations

from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from portal.api.frame import rates
from portal.problems import Problem
from tenants.actions import api_keys
from tenants.models import ApiKey, User

CHALLENGE = 'Bearer realm="Katal"'


class KeyAuthentication(BaseAuthentication):
    """A key that is unknown, expired or revoked is refused, and after many from one address not
    even that; it never falls back on a session."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        scheme, _space, text = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        found = api_keys.find(text.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            rates.count_wrong_key(request)
            raise unauthenticated(
                _("This API key is unknown, expired or revoked."), "invalid_token"
            )
        return found.user, found

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


class BrowserAuthentication(SessionAuthentication):
    """A session; what changes something must bring the CSRF token along."""


def unauthenticated(detail: str = "", error: str = "") -> Problem:
    """Return the problem of somebody we do not know."""
    challenge = f'{CHALLENGE}, error="{error}"' if error else CHALLENGE
    return Problem(
        "unauthenticated",
        detail or _("Send an API key: Authorization: Bearer katal_…"),
        headers={"WWW-Authenticate": challenge},
    )
