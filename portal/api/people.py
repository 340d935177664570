"""Oneself, and the tenants one belongs to."""

from __future__ import annotations

import uuid
from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework import serializers

from portal.api.frame.answer import Answer, shown
from portal.api.frame.endpoint import Endpoint, answers
from portal.api.frame.fields import Flag, Given, Shape, Text
from portal.api.frame.formats import moment
from tenants import rights
from tenants.actions import team
from tenants.models import Membership, Role, Tenant


class KeyInUseShape(Shape):
    """The API key a request came with."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    prefix = serializers.CharField()
    tenant = serializers.UUIDField()
    scopes = serializers.ListField(child=serializers.CharField())
    expires_at = serializers.DateTimeField()


class TenantShape(Shape):
    """A tenant one belongs to, and what one may do in it: with a key no more than the key."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=list(Role.values))
    role_name = serializers.CharField()
    rights = serializers.ListField(child=serializers.ChoiceField(choices=list(rights.Right.values)))
    all_machines = serializers.BooleanField(help_text="false: chosen machines, and one's own.")
    requires_second_factor = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class MeShape(Shape):
    """Who asks."""

    id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()
    time_zone = serializers.CharField()
    language = serializers.CharField()
    api_key = KeyInUseShape(allow_null=True)
    tenants = TenantShape(many=True)


class TenantChange(Given):
    name = Text(required=False, max_length=120)
    requires_second_factor = Flag(required=False)


class TenantsShape(Shape):
    results = TenantShape(many=True)


def tenant(member: Membership, user: Any) -> dict[str, Any]:
    """Return a tenant as one of its members sees it."""
    one = member.tenant
    held = rights.through_key(user, one.pk, rights.of_member(member))
    return {
        "id": one.pk,
        "name": one.name,
        "role": member.role,
        "role_name": member.role_title,
        "rights": [right for right in rights.Right.values if right in held],
        "all_machines": member.all_machines,
        "requires_second_factor": one.requires_second_factor,
        "created_at": moment(one.created_at),
    }


class OfPeople(Endpoint):
    tag = "Me and my tenants"

    def memberships(self) -> list[Membership]:
        """Return one's places, by the tenants' names."""
        mine = Membership.objects.filter(user=self.caller.user)
        mine = self.caller.within(mine, "tenant").select_related("tenant", "custom_role")
        return list(mine.order_by("tenant__name", "tenant__id"))

    def tenants(self) -> list[dict[str, Any]]:
        return [tenant(member, self.caller.user) for member in self.memberships()]


class Me(OfPeople):
    @answers("Show myself", gives=MeShape, etag=True)
    def get(self) -> Answer:
        user, key = self.caller.user, self.caller.key
        told = {
            "id": user.pk,
            "email": user.email,
            "name": user.name,
            "time_zone": user.time_zone,
            "language": user.language,
            "api_key": {
                "id": key.pk,
                "name": key.name,
                "prefix": key.prefix,
                "tenant": key.tenant_id,
                "scopes": key.scopes,
                "expires_at": moment(key.expires_at),
            }
            if key
            else None,
            "tenants": self.tenants(),
        }
        return shown(told)


class Tenants(OfPeople):
    @answers("List tenants", gives=TenantsShape, etag=True)
    def get(self) -> Answer:
        """Those one belongs to; with an API key only the key's."""
        return shown({"results": self.tenants()})


class OfTenant(Endpoint):
    """An address below a tenant's."""

    tag = "Team"
    tenant: Tenant

    def load(self, pk: uuid.UUID, **more: Any) -> None:
        self.tenant = get_object_or_404(self.caller.tenants(), pk=pk)

    def held(self) -> Tenant:
        return self.tenant


class OneTenant(OfTenant):
    tag = "Me and my tenants"

    def told(self) -> dict[str, Any]:
        members = rights.memberships_of([self.caller.user], [self.tenant])
        return tenant(get_object_or_404(members.select_related("tenant")), self.caller.user)

    def columns(self) -> Any:
        return self.told()

    @answers("Show a tenant", gives=TenantShape, etag=True)
    def get(self) -> Answer:
        return shown(self.told())

    @answers("Change a tenant", takes=TenantChange, gives=TenantShape, scope="Team")
    def patch(self, given: dict[str, Any]) -> Answer:
        """Tenant Admins only."""
        own = {
            "name": self.tenant.name,
            "requires_second_factor": self.tenant.requires_second_factor,
        }
        team.change_tenant(by=self.caller.user, tenant=self.tenant, **(own | given))
        return Answer(self.told)
