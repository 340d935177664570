"""Members of a tenant: their roles, chosen machines and parts of the quota."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework import serializers

from fabric.actions import members
from plans.models import Subscription
from portal.api.frame.answer import Answer, gone, shown
from portal.api.frame.endpoint import Endpoint, answers
from portal.api.frame.fields import Flag, Given, Id, Many, OneOf, Shape, Whole, at
from portal.api.frame.formats import moment
from portal.api.people import OfTenant
from portal.api.plans import LIMITS, LimitsShape
from tenants import rights
from tenants.authority import Place
from tenants.models import Membership, Role, Tenant, TenantRole
from tenants.rights import Right


class PartShape(LimitsShape):
    """A member's part of a subscription; null is no limit but the plan's."""

    subscription = serializers.UUIDField()


class MemberShape(Shape):
    """A person in a tenant."""

    id = serializers.IntegerField()
    user = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=list(Role.values))
    role_name = serializers.CharField()
    custom_role = serializers.UUIDField(allow_null=True)
    rights = serializers.ListField(child=serializers.ChoiceField(choices=list(Right.values)))
    all_machines = serializers.BooleanField()
    machines = serializers.ListField(
        child=serializers.UUIDField(), help_text="The chosen ones, when not all."
    )
    limits = PartShape(many=True)
    joined_at = serializers.DateTimeField()


class MembersShape(Shape):
    results = MemberShape(many=True)


class PartGiven(Given):
    subscription = Id()
    machines = Whole(required=False, allow_null=True)
    cores = Whole(required=False, allow_null=True)
    memory_mb = Whole(required=False, allow_null=True)
    storage_gb = Whole(required=False, allow_null=True)


class PlaceGiven(Given):
    """A role, and what narrows it. Without `rights` all of the role's."""

    role = OneOf(choices=list(Role.values))
    custom_role = Id(required=False, allow_null=True, help_text="For the role custom.")
    rights = Many(required=False, allow_null=True, child=OneOf(choices=list(Right.values)))
    all_machines = Flag(required=False, default=True)
    machines = Many(required=False, default=list, child=Id(), help_text="When not all.")


class MemberChange(PlaceGiven):
    limits = Many(required=False, child=PartGiven(), help_text="Left as they are when not given.")


def place_of(tenant: Tenant, given: dict[str, Any]) -> Place:
    """Return the place a body describes; its composed role is one of the tenant's."""
    custom = None
    if given.get("custom_role"):
        custom = TenantRole.objects.filter(tenant=tenant, pk=given["custom_role"]).first()
        if custom is None:
            raise at("custom_role", _("There is no such role."))
    narrowed = given.get("rights")
    return Place(
        given["role"],
        custom,
        None if narrowed is None else tuple(narrowed),
        given["all_machines"],
    )


def member(row: Membership) -> dict[str, Any]:
    """Return a member; grants and limits are prefetched."""
    return {
        "id": row.pk,
        "user": row.user_id,
        "email": row.user.email,
        "name": row.user.name,
        "role": row.role,
        "role_name": row.role_title,
        "custom_role": row.custom_role_id,
        "rights": [right for right in Right.values if right in rights.of_member(row)],
        "all_machines": row.all_machines,
        "machines": []
        if row.all_machines
        else sorted(str(grant.machine_id) for grant in row.grants.all()),
        "limits": [
            {"subscription": part.subscription_id, **part.limits} for part in row.limits.all()
        ],
        "joined_at": moment(row.created_at),
    }


class Members(OfTenant):
    @answers("List members", gives=MembersShape, etag=True)
    def get(self) -> Answer:
        rows = self.tenant.memberships.select_related("user", "custom_role")
        rows = rows.prefetch_related("grants", "limits").order_by("created_at", "pk")
        return shown({"results": [member(row) for row in rows]})


class OneMember(Endpoint):
    tag = "Team"
    member: Membership

    def load(self, pk: int, **more: Any) -> None:
        rows = Membership.objects.filter(tenant__in=self.caller.tenants(), pk=pk)
        self.member = get_object_or_404(rows.select_related("user", "tenant", "custom_role"))

    def told(self) -> dict[str, Any]:
        rows = Membership.objects.select_related("user", "custom_role")
        rows = rows.prefetch_related("grants", "limits")
        return member(get_object_or_404(rows, pk=self.member.pk))

    def held(self) -> Tenant:
        return self.member.tenant

    def columns(self) -> Any:
        return self.told()

    @answers("Show a member", gives=MemberShape, etag=True)
    def get(self) -> Answer:
        return shown(self.told())

    @answers(
        "Change a member",
        takes=MemberChange,
        gives=MemberShape,
        scope="Team",
        example={"role": "application", "rights": ["Start", "Stop"], "all_machines": True},
    )
    def patch(self, given: dict[str, Any]) -> Answer:
        """What is not given is as the role has it; limits stay."""
        limits = None
        if "limits" in given:
            limits = {part["subscription"]: dict(part) for part in given["limits"]}
            known = Subscription.objects.filter(tenant=self.member.tenant, pk__in=limits).count()
            if known != len(limits):
                raise at("limits", _("There is no such subscription."))
        members.change(
            by=self.caller.user,
            membership=self.member,
            place=place_of(self.member.tenant, given),
            machines=given["machines"],
            limits={pk: {name: part.get(name) for name in LIMITS} for pk, part in limits.items()}
            if limits is not None
            else None,
        )
        return Answer(self.told)

    @answers("Remove a member", status=204, scope="Team")
    def delete(self) -> Answer:
        """Their API keys for this tenant end at once."""
        members.remove(by=self.caller.user, membership=self.member)
        return gone()
