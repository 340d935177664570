"""Roles that a Tenant Admin composed of rights."""

from __future__ import annotations

import uuid
from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from rest_framework import serializers

from fabric.actions import members
from portal.api.frame.answer import Answer, gone, shown
from portal.api.frame.endpoint import Endpoint, answers
from portal.api.frame.fields import Given, Many, OneOf, Shape, Text
from portal.api.frame.formats import moment
from portal.api.people import OfTenant
from tenants.actions import roles
from tenants.models import Tenant, TenantRole
from tenants.rights import Right

COLUMNS = ("id", "tenant_id", "name", "description", "rights", "created_at")


class RoleShape(Shape):
    """A composed role."""

    id = serializers.UUIDField()
    tenant = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    rights = serializers.ListField(child=serializers.ChoiceField(choices=list(Right.values)))
    created_at = serializers.DateTimeField()


class RolesShape(Shape):
    results = RoleShape(many=True)


class RoleGiven(Given):
    name = Text(max_length=60)
    description = Text(required=False, default="", allow_blank=True, max_length=200)
    rights = Many(child=OneOf(choices=list(Right.values)))


class RoleChange(Given):
    name = Text(required=False, max_length=60)
    description = Text(required=False, allow_blank=True, max_length=200)
    rights = Many(required=False, child=OneOf(choices=list(Right.values)))


def role(row: dict[str, Any]) -> dict[str, Any]:
    """Return a role of its columns."""
    return {
        "id": row["id"],
        "tenant": row["tenant_id"],
        **{name: row[name] for name in ("name", "description", "rights")},
        "created_at": moment(row["created_at"]),
    }


def found_role(pk: uuid.UUID) -> dict[str, Any]:
    return role(get_object_or_404(TenantRole.objects.values(*COLUMNS), pk=pk))


class Roles(OfTenant):
    def columns(self) -> Any:
        return list(self.tenant.roles.values(*COLUMNS))

    @answers("List roles", gives=RolesShape, etag=True)
    def get(self) -> Answer:
        """The composed ones; admin, application and reader are always there."""
        rows = self.columns()
        return Answer(lambda: {"results": [role(row) for row in rows]}, columns=rows)

    @answers(
        "Create a role",
        takes=RoleGiven,
        gives=RoleShape,
        status=201,
        scope="Team",
        example={"name": "Night shift", "rights": ["Start", "Stop"]},
    )
    def post(self, given: dict[str, Any]) -> Answer:
        made = roles.create(
            by=self.caller.user,
            tenant=self.tenant,
            name=given["name"],
            description=given["description"],
            given=given["rights"],
        )
        where = reverse("api-role", args=[made.pk])
        return Answer(found_role(made.pk), 201, {"Location": where})


class OneRole(Endpoint):
    tag = "Team"
    role: TenantRole

    def load(self, pk: uuid.UUID, **more: Any) -> None:
        rows = TenantRole.objects.filter(tenant__in=self.caller.tenants(), pk=pk)
        self.role = get_object_or_404(rows.select_related("tenant"))

    def held(self) -> Tenant:
        return self.role.tenant

    def columns(self) -> Any:
        return found_role(self.role.pk)

    @answers("Show a role", gives=RoleShape, etag=True)
    def get(self) -> Answer:
        return shown(found_role(self.role.pk))

    @answers("Change a role", takes=RoleChange, gives=RoleShape, scope="Team")
    def patch(self, given: dict[str, Any]) -> Answer:
        """At once for everybody who has it."""
        members.change_role(
            by=self.caller.user,
            role=self.role,
            name=given.get("name", self.role.name),
            description=given.get("description", self.role.description),
            given=given.get("rights", self.role.rights),
        )
        return Answer(found_role(self.role.pk))

    @answers("Delete a role", status=204, scope="Team")
    def delete(self) -> Answer:
        """One that nobody has."""
        roles.delete(by=self.caller.user, role=self.role)
        return gone()
