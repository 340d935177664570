"""API keys: listed, issued (the key is in that one answer), revoked."""

from __future__ import annotations

import uuid
from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework import serializers

from portal.api.frame import paging
from portal.api.frame.answer import Answer, gone
from portal.api.frame.endpoint import Endpoint, answers
from portal.api.frame.fields import Given, Id, Many, OneOf, Shape, Text, Whole, at
from portal.api.frame.formats import moment
from tenants.actions import api_keys
from tenants.actions.api_keys import LONGEST_DAYS
from tenants.models import ApiKey
from tenants.models.api_key import READ
from tenants.rights import Right

COLUMNS = (
    "id",
    "tenant_id",
    "name",
    "prefix",
    "scopes",
    "created_at",
    "expires_at",
    "last_used_at",
    "revoked_at",
)
SCOPES = [READ, *Right.values]


class ApiKeyShape(Shape):
    """A key of one's own. What it may do is its scopes and what one may do oneself, both."""

    id = serializers.UUIDField()
    tenant = serializers.UUIDField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="How the key begins.")
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=SCOPES))
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)


class IssuedApiKeyShape(ApiKeyShape):
    """A new key. `key` is shown once: a repeated answer has null there."""

    key = serializers.CharField(allow_null=True)


class NewApiKey(Given):
    tenant = Id()
    name = Text(max_length=60)
    scopes = Many(child=OneOf(choices=SCOPES), allow_empty=False)
    days = Whole(min_value=1, max_value=LONGEST_DAYS, help_text="When it expires.")


def told(row: dict[str, Any]) -> dict[str, Any]:
    """Return a key of its columns."""
    times = ("created_at", "expires_at", "last_used_at", "revoked_at")
    return {
        "id": row["id"],
        "tenant": row["tenant_id"],
        **{name: row[name] for name in ("name", "prefix", "scopes")},
        **{name: moment(row[name]) for name in times},
    }


class ApiKeys(Endpoint):
    tag = "API keys"

    @answers("List API keys", asks=paging.Listed, gives=ApiKeyShape, many=True, etag=True)
    def get(self) -> Answer:
        """One's own; with an API key those of its tenant."""
        mine = self.caller.within(ApiKey.objects.filter(user=self.caller.user), "tenant")
        return self.listed(paging.page(mine, COLUMNS, self.asked, order="-created_at"), told)

    @answers(
        "Issue an API key",
        takes=NewApiKey,
        gives=IssuedApiKeyShape,
        status=201,
        example={"tenant": "8c7f…", "name": "backup", "scopes": ["read"], "days": 90},
    )
    def post(self, given: dict[str, Any]) -> Answer:
        """Only in a session: a key cannot make keys."""
        tenant = self.caller.tenants().filter(pk=given["tenant"]).first()
        if tenant is None:
            raise at("tenant", _("You belong to no such tenant."))
        made, text = api_keys.issue(
            by=self.caller.user,
            tenant=tenant,
            name=given["name"],
            scopes=given["scopes"],
            days=given["days"],
        )
        row = ApiKey.objects.filter(pk=made.pk).values(*COLUMNS).get()
        where = reverse("api-api-key", args=[made.pk])
        return Answer(told(row) | {"key": text}, 201, {"Location": where}, secrets=("key",))


class OneApiKey(Endpoint):
    tag = "API keys"
    key: ApiKey

    def load(self, pk: uuid.UUID, **more: Any) -> None:
        mine = self.caller.within(ApiKey.objects.filter(user=self.caller.user), "tenant")
        self.key = get_object_or_404(mine.select_related("tenant", "user"), pk=pk)

    def held(self) -> ApiKey:
        return self.key

    def columns(self) -> Any:
        return ApiKey.objects.filter(pk=self.key.pk).values(*COLUMNS).first()

    @answers("Show an API key", gives=ApiKeyShape, etag=True)
    def get(self) -> Answer:
        row = self.columns()
        return Answer(lambda: told(row), columns=row)

    @answers("Revoke an API key", status=204)
    def delete(self) -> Answer:
        """It opens nothing from here on. A key may revoke itself; others with the scope `Team`."""
        if self.caller.key and self.caller.key.pk != self.key.pk:
            self.caller.require_scope(Right.TEAM)
        api_keys.revoke(by=self.caller.user, key=self.key)
        return gone()
