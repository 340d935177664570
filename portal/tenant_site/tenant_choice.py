"""Which of a person's tenants a page is about: `?tenant=`, else the first they joined."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import Http404, HttpRequest

from tenants import rights
from tenants.authority import Authority
from tenants.models import Membership, Role, Tenant


@dataclass(frozen=True)
class Choice:
    """The person's place in the tenant, and the places to choose from."""

    place: Membership
    places: list[Membership]
    held: frozenset[str]

    @property
    def tenant(self) -> Tenant:
        return self.place.tenant

    @property
    def is_admin(self) -> bool:
        return self.place.role == Role.ADMIN

    @property
    def may_change(self) -> bool:
        return rights.Right.TEAM in self.held

    @property
    def query(self) -> str:
        """Return what an address needs to stay with this tenant, "" where there is only one."""
        return f"?{urlencode({'tenant': self.tenant.pk})}" if len(self.places) > 1 else ""

    @property
    def authority(self) -> Authority:
        """Return what the person may give; views ask only where `may_change`."""
        return Authority(self.place.user, self.held, self.place.all_machines, self.is_admin)


def choose(request: HttpRequest, tenant: uuid.UUID | None = None) -> Choice:
    """Return the choice; 404 for somebody of no tenant, and for a tenant not theirs. One query."""
    mine = list(
        Membership.objects.filter(user=request.user)
        .select_related("tenant", "user", "custom_role")
        .order_by("created_at", "pk")
    )
    wanted = str(tenant or request.GET.get("tenant") or request.POST.get("tenant") or "")
    for place in mine:
        if not wanted or str(place.tenant_id) == wanted:
            return Choice(place, mine, rights.of_member(place))
    raise Http404
