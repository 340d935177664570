"""What the person of a request may do, by tenant: asked once, however many pages' parts need it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from django.http import HttpRequest

from tenants import places, rights
from tenants.models import Membership


def rights_by_tenant(request: HttpRequest) -> Mapping[uuid.UUID, frozenset[str]]:
    """Return the person's rights in each of their tenants."""
    return {
        one.tenant_id: rights.through_key(request.user, one.tenant_id, rights.of_member(one))
        for one in memberships(request)
    }


def memberships(request: HttpRequest) -> list[Membership]:
    """Return the person's places in their tenants, as they were read with the person."""
    if not hasattr(request, "_katal_memberships"):
        request._katal_memberships = places.of(request.user)
    found: list[Membership] = request._katal_memberships
    return found


def sees_all(request: HttpRequest) -> bool:
    """Tell whether the person sees every machine of their tenants."""
    return all(one.all_machines for one in memberships(request))


def rights_in(request: HttpRequest, tenant_id: uuid.UUID) -> frozenset[str]:
    """Return the person's rights in a tenant, none where they do not belong."""
    return rights_by_tenant(request).get(tenant_id, frozenset())


def anywhere(request: HttpRequest) -> frozenset[str]:
    """Return the rights a person holds in at least one of their tenants."""
    return frozenset().union(*rights_by_tenant(request).values())
