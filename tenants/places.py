"""A person's places in their tenants, read in one query with the person whom a request comes from.

What they see is then asked for by the ids of their tenants, without joins.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject

from tenants import rights
from tenants.models import Membership, TenantRole, User

_PLACE = JSONObject(
    tenant="tenant_id",
    role="role",
    rights="rights",
    all_machines="all_machines",
    composed="custom_role__rights",
    is_strict="tenant__requires_second_factor",
)


def told(user: str = "pk") -> ArraySubquery:
    """Return, for a queryset, what `User.told_places` keeps of the person in a column."""
    return ArraySubquery(Membership.objects.filter(user=OuterRef(user)).values(told=_PLACE))


def of(user: User) -> list[Membership]:
    """Return a person's places, ready to be asked for rights. No query where they were told."""
    if user.told_places is None:
        return list(Membership.objects.filter(user=user).select_related("custom_role"))
    return [_membership(user, place) for place in user.told_places]


def rights_by_tenant(user: User) -> dict[uuid.UUID, frozenset[str]]:
    """Return what a person may do in each of their tenants, an API key's narrowing applied."""
    return {
        one.tenant_id: rights.through_key(user, one.tenant_id, rights.of_member(one))
        for one in of(user)
    }


def want_second_factor(user: User) -> bool:
    """Tell whether a tenant of a person, of whom the places were told, requires a second factor."""
    return any(place["is_strict"] for place in user.told_places or ())


def forget(user: User) -> None:
    """Have the places of a person be asked for anew: they changed."""
    user.told_places = None


def _membership(user: User, place: dict[str, Any]) -> Membership:
    composed = place["composed"]
    return Membership(
        user=user,
        tenant_id=uuid.UUID(place["tenant"]),
        role=place["role"],
        rights=place["rights"],
        all_machines=place["all_machines"],
        custom_role=None if composed is None else TenantRole(rights=composed),
    )
