"""Invitations to a tenant: sent by mail, sent again, withdrawn."""

from __future__ import annotations

import uuid
from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework import serializers

from fabric.actions import members
from portal import invitations as mails
from portal.api.frame.answer import Answer, gone
from portal.api.frame.endpoint import Endpoint, answers
from portal.api.frame.fields import Shape, Text
from portal.api.frame.formats import moment
from portal.api.people import OfTenant
from portal.api.team import PlaceGiven, place_of
from portal.problems import Problem
from tenants.actions import invitations
from tenants.models import Invitation, Role, Tenant
from tenants.rights import Right

COLUMNS = (
    "id",
    "tenant_id",
    "email",
    "role",
    "custom_role_id",
    "rights",
    "all_machines",
    "machines",
    "invited_by__email",
    "created_at",
    "expires_at",
)


class InvitationShape(Shape):
    """An invitation that nobody answered yet. The link is in the mail only."""

    id = serializers.UUIDField()
    tenant = serializers.UUIDField()
    email = serializers.EmailField()
    role = serializers.ChoiceField(choices=list(Role.values))
    custom_role = serializers.UUIDField(allow_null=True)
    rights = serializers.ListField(
        child=serializers.ChoiceField(choices=list(Right.values)),
        allow_null=True,
        help_text="null: all of the role's.",
    )
    all_machines = serializers.BooleanField()
    machines = serializers.ListField(child=serializers.UUIDField())
    invited_by = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class InvitationSentShape(InvitationShape):
    """`mailed` is false when the mail could not be sent: send it again later. A repeated answer
    has null there.
    """

    mailed = serializers.BooleanField(allow_null=True)


class InvitationsShape(Shape):
    results = InvitationShape(many=True)


class NewInvitation(PlaceGiven):
    email = Text(max_length=254)

    def validate_email(self, value: str) -> str:
        """Refuse what no mail could reach."""
        checked: str = serializers.EmailField().run_validation(value)
        return checked


def invitation(row: dict[str, Any]) -> dict[str, Any]:
    """Return an invitation of its columns."""
    same = ("email", "role", "rights", "all_machines", "machines")
    return {
        "id": row["id"],
        "tenant": row["tenant_id"],
        "custom_role": row["custom_role_id"],
        **{name: row[name] for name in same},
        "invited_by": row["invited_by__email"],
        "created_at": moment(row["created_at"]),
        "expires_at": moment(row["expires_at"]),
    }


def sent(one: Invitation, token: str, status: int) -> Answer:
    """Return the invitation; once it is committed the link is mailed."""

    def mail(data: dict[str, Any]) -> None:
        data["mailed"] = mails.send(one, token)

    row = Invitation.objects.filter(pk=one.pk).values(*COLUMNS).get()
    where = {"Location": reverse("api-invitation", args=[one.pk])} if status == 201 else {}
    told = invitation(row) | {"mailed": None}
    return Answer(told, status, where, secrets=("mailed",), then=mail)


class Invitations(OfTenant):
    def columns(self) -> Any:
        return list(self.tenant.invitations.unanswered().values(*COLUMNS))

    @answers("List invitations", gives=InvitationsShape, etag=True)
    def get(self) -> Answer:
        """Those that nobody answered, the expired ones among them."""
        rows = self.columns()
        return Answer(lambda: {"results": [invitation(row) for row in rows]}, columns=rows)

    @answers(
        "Invite somebody",
        takes=NewInvitation,
        gives=InvitationSentShape,
        status=201,
        scope="Team",
        example={"email": "dora@example.net", "role": "reader"},
    )
    def post(self, given: dict[str, Any]) -> Answer:
        made, token = members.invite(
            by=self.caller.user,
            tenant=self.tenant,
            email=given["email"],
            place=place_of(self.tenant, given),
            machines=given["machines"],
        )
        return sent(made, token, 201)


class OfInvitation(Endpoint):
    tag = "Team"
    invitation: Invitation

    def load(self, pk: uuid.UUID, **more: Any) -> None:
        rows = Invitation.objects.unanswered().filter(tenant__in=self.caller.tenants(), pk=pk)
        self.invitation = get_object_or_404(
            rows.select_related("tenant", "custom_role", "invited_by")
        )

    def held(self) -> Tenant:
        return self.invitation.tenant

    def columns(self) -> Any:
        return Invitation.objects.filter(pk=self.invitation.pk).values(*COLUMNS).first()


class OneInvitation(OfInvitation):
    @answers("Show an invitation", gives=InvitationShape, etag=True)
    def get(self) -> Answer:
        row = self.columns()
        return Answer(lambda: invitation(row), columns=row)

    @answers("Withdraw an invitation", status=204, scope="Team")
    def delete(self) -> Answer:
        """Its link opens nothing any more."""
        invitations.revoke(by=self.caller.user, invitation=self.invitation)
        return gone()


class SendAgain(OfInvitation):
    @answers("Send an invitation again", gives=InvitationSentShape, scope="Team")
    def post(self) -> Answer:
        """With a new link, good for seven days; at most once a minute."""
        token = invitations.send_again(by=self.caller.user, invitation=self.invitation)
        if not mails.may_send(self.invitation):
            detail = _("It was sent a moment ago: wait a minute.")
            raise Problem("too_many_requests", detail, headers={"Retry-After": str(mails.PAUSE)})
        self.invitation.refresh_from_db()
        return sent(self.invitation, token, 200)
