"""Whether somebody has a second factor, and whether a tenant of theirs wants one."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef

from tenants.models import User

# Recovery codes stand in for another factor; they are none by themselves.
KINDS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def has(user: User) -> bool:
    """Tell whether a person has set one up. One query."""
    return Authenticator.objects.filter(user=user, type__in=KINDS).exists()


def exists(user: str = "pk") -> Exists:
    """Return the condition that the person in a column has one."""
    return Exists(Authenticator.objects.filter(user=OuterRef(user), type__in=KINDS))
