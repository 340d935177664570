"""Plans on offer, with the add-ons there are for them."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers

from plans.models import AddOn, Plan
from plans.rules import RESOURCES
from portal.api.frame import paging
from portal.api.frame.answer import Answer, shown
from portal.api.frame.endpoint import Endpoint, answers
from portal.api.frame.fields import Shape

LIMITS = tuple(resource.name for resource in RESOURCES)
COLUMNS = (
    "id",
    "name",
    "description",
    "highlights",
    "price_text",
    "access",
    "has_code",
    *(f"offering__{name}" for name in LIMITS),
    "offering__permissions",
)


class LimitsShape(Shape):
    """How much; null is no limit."""

    machines = serializers.IntegerField(allow_null=True)
    cores = serializers.IntegerField(allow_null=True)
    memory_mb = serializers.IntegerField(allow_null=True)
    storage_gb = serializers.IntegerField(allow_null=True)


class AmountsShape(Shape):
    """How much of each."""

    machines = serializers.IntegerField()
    cores = serializers.IntegerField()
    memory_mb = serializers.IntegerField()
    storage_gb = serializers.IntegerField()


class PlanShape(Shape):
    """A plan: what a subscription to it may use."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    highlights = serializers.ListField(child=serializers.CharField())
    price = serializers.CharField(help_text="As people read it; may be empty.")
    access = serializers.CharField(help_text="public, or another word for one that you have.")
    needs_invitation_code = serializers.BooleanField()
    limits = LimitsShape()
    permissions = serializers.ListField(
        child=serializers.CharField(), help_text="What it grants beside making and deleting."
    )


class AddOnShape(Shape):
    """More of what a plan limits."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    price = serializers.CharField()
    most = serializers.IntegerField(help_text="How often a subscription may have it.")
    amounts = AmountsShape()


def plan(row: dict[str, Any]) -> dict[str, Any]:
    """Return a plan of its columns."""
    return {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "highlights": [line.strip() for line in row["highlights"].splitlines() if line.strip()],
        "price": row["price_text"],
        "access": row["access"],
        "needs_invitation_code": row["has_code"],
        "limits": {name: row[f"offering__{name}"] for name in LIMITS},
        "permissions": sorted(row["offering__permissions"] or ()),
    }


def add_on(row: AddOn) -> dict[str, Any]:
    """Return an add-on."""
    return {
        "id": row.pk,
        "name": row.name,
        "description": row.description,
        "price": row.price_text,
        "most": row.most,
        "amounts": row.amounts,
    }


class OfPlans(Endpoint):
    tag = "Plans"

    def plans(self) -> QuerySet[Plan]:
        """Return those on offer, and those one has."""
        mine = self.caller.subscriptions().values("plan")
        offered = Plan.objects.on_offer().order_by().values("pk")
        rows = Plan.objects.filter(Q(pk__in=offered) | Q(pk__in=mine))
        return rows.annotate(has_code=~Q(invitation_code=""))


class Plans(OfPlans):
    @answers("List plans", asks=paging.Listed, gives=PlanShape, many=True, etag=True)
    def get(self) -> Answer:
        """Those on offer, and those of one's subscriptions."""
        return self.listed(paging.page(self.plans(), COLUMNS, self.asked, order="name"), plan)


class OnePlan(OfPlans):
    pk: uuid.UUID

    def load(self, pk: uuid.UUID, **more: Any) -> None:
        self.pk, self.row = pk, get_object_or_404(self.plans().values(*COLUMNS), pk=pk)

    @answers("Show a plan", gives=PlanShape, etag=True)
    def get(self) -> Answer:
        return Answer(lambda: plan(self.row), columns=self.row)


class AddOnsShape(Shape):
    results = AddOnShape(many=True)


class PlanAddOns(OnePlan):
    @answers("List add-ons of a plan", gives=AddOnsShape, etag=True)
    def get(self) -> Answer:
        rows = AddOn.objects.on_offer(Plan(pk=self.pk)).order_by("name")
        return shown({"results": [add_on(row) for row in rows]})
