"""Subscriptions: what is used of them, their add-ons; subscribe, rename, leave."""

from __future__ import annotations

import uuid
from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework import serializers

from fabric.actions import subscriptions
from fabric.limits import limits_by, limits_of
from fabric.models import Job
from plans.actions import quota
from plans.actions.plans import check_invitation
from plans.models import (
    AddOn,
    Plan,
    Provisioning,
    Subscription,
    SubscriptionAddOn,
    SubscriptionState,
)
from portal.api.frame import paging, work
from portal.api.frame.answer import Answer, gone, shown
from portal.api.frame.endpoint import Endpoint, answers
from portal.api.frame.fields import Given, Id, Shape, Text, Whole, at
from portal.api.frame.formats import moment
from portal.api.plans import AddOnShape, AmountsShape, LimitsShape, add_on
from tenants import rights
from tenants.models import Tenant
from tenants.rights import Right

COLUMNS = (
    "id",
    "name",
    "tenant_id",
    "plan_id",
    "plan__name",
    "state",
    "provisioning",
    "problem",
    "created_at",
)


class SubscriptionShape(Shape):
    """A tenant's share of a plan."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    name = serializers.CharField()
    tenant = serializers.UUIDField()
    plan = serializers.UUIDField()
    plan_name = serializers.CharField()
    state = serializers.ChoiceField(choices=list(SubscriptionState.values))
    provisioning = serializers.ChoiceField(choices=list(Provisioning.values))
    problem = serializers.CharField()
    limits = LimitsShape(help_text="The plan's, and what add-ons bring.")
    used = AmountsShape(help_text="In use or reserved.")
    created_at = serializers.DateTimeField()


class UsageShape(Shape):
    """What is used of a subscription: reserved by what is being made, committed by what is."""

    limits = LimitsShape()
    reserved = AmountsShape()
    committed = AmountsShape()
    left = LimitsShape()


class TakenShape(Shape):
    """An add-on as a subscription has it."""

    id = serializers.UUIDField()
    add_on = AddOnShape()
    added_at = serializers.DateTimeField()


class TakenListShape(Shape):
    results = TakenShape(many=True)


class NewSubscription(Given):
    tenant = Id()
    plan = Id()
    name = Text(required=False, max_length=80, help_text="The plan's name, unless said otherwise.")
    invitation_code = Text(required=False, max_length=80)


class SubscriptionChange(Given):
    name = Text(max_length=80)


class NewTaken(Given):
    add_on = Id()
    times = Whole(required=False, default=1, min_value=1, max_value=1000)


class SubscriptionFilter(paging.Listed):
    tenant = serializers.UUIDField(required=False)
    plan = serializers.UUIDField(required=False)
    state = serializers.ChoiceField(required=False, choices=list(SubscriptionState.values))


def told(
    row: dict[str, Any], limits: dict[str, int | None], used: dict[str, int]
) -> dict[str, Any]:
    """Return a subscription of its columns, its limits and what is used of them."""
    return {
        "id": row["id"],
        "url": reverse("api-subscription", args=[row["id"]]),
        "name": row["name"],
        "tenant": row["tenant_id"],
        "plan": row["plan_id"],
        "plan_name": row["plan__name"],
        "state": row["state"],
        "provisioning": row["provisioning"],
        "problem": row["problem"],
        "limits": limits,
        "used": used,
        "created_at": moment(row["created_at"]),
    }


class Subscriptions(Endpoint):
    tag = "Subscriptions"
    tenant: Tenant
    plan: Plan

    @answers(
        "List subscriptions", asks=SubscriptionFilter, gives=SubscriptionShape, many=True, etag=True
    )
    def get(self) -> Answer:
        wanted = {n: v for n, v in self.asked.items() if n in ("tenant", "plan", "state")}
        rows = self.caller.subscriptions().filter(**wanted)
        page = paging.page(rows, COLUMNS, self.asked, order="created_at")
        known = [Subscription(pk=row["id"], plan_id=row["plan_id"]) for row in page.rows]
        limits, used = limits_by(known), quota.used_by(known)
        return self.listed(
            page,
            lambda row: told(row, limits[row["id"]], used[row["id"]]),
            lambda rows: [rows, sorted(limits.items()), sorted(used.items())],
        )

    @answers(
        "Subscribe to a plan",
        takes=NewSubscription,
        gives=work.OperationShape,
        status=202,
        scope="Subscriptions",
        example={"tenant": "8c7f…", "plan": "51ab…", "name": "Web shop"},
    )
    def post(self, given: dict[str, Any]) -> Answer:
        """The operation makes it ready; its `subscription` is the new one."""
        made = subscriptions.subscribe(
            by=self.caller.user,
            tenant=self.tenant,
            plan=self.plan,
            name=given.get("name", ""),
            invitation_code=given.get("invitation_code", ""),
        )
        return work.begun(Job.objects.filter(subject=made.pk).latest("created_at"))

    def before(self, given: dict[str, Any]) -> None:
        """Check the invitation code: a wrong one stays in the log."""
        tenant = self.caller.tenants().filter(pk=given["tenant"]).first()
        if tenant is None:
            raise at("tenant", _("You belong to no such tenant."))
        plan = Plan.objects.filter(pk=given["plan"]).first()
        if plan is None or not self._may_know(plan):
            raise at("plan", _("There is no such plan."))
        rights.require(self.caller.user, tenant, Right.SUBSCRIPTIONS)
        check_invitation(plan, by=self.caller.user, code=given.get("invitation_code", ""))
        self.tenant, self.plan = tenant, plan

    def _may_know(self, plan: Plan) -> bool:
        mine = self.caller.subscriptions().filter(plan=plan)
        return Plan.objects.on_offer().filter(pk=plan.pk).exists() or mine.exists()


class OfSubscription(Endpoint):
    """An address below a subscription's."""

    tag = "Subscriptions"
    subscription: Subscription

    def load(self, pk: uuid.UUID, **more: Any) -> None:
        rows = self.caller.subscriptions().select_related("tenant", "plan")
        self.subscription = get_object_or_404(rows, pk=pk)

    def held(self) -> Subscription:
        return self.subscription

    def whole(self) -> dict[str, Any]:
        one = self.subscription
        row = get_object_or_404(Subscription.objects.values(*COLUMNS), pk=one.pk)
        return told(row, limits_of(one), quota.used(one))

    def columns(self) -> Any:
        return self.whole()


class OneSubscription(OfSubscription):
    @answers("Show a subscription", gives=SubscriptionShape, etag=True)
    def get(self) -> Answer:
        return shown(self.whole())

    @answers(
        "Rename a subscription",
        takes=SubscriptionChange,
        gives=SubscriptionShape,
        scope="Subscriptions",
    )
    def patch(self, given: dict[str, Any]) -> Answer:
        subscriptions.rename(
            by=self.caller.user, subscription=self.subscription, name=given["name"]
        )
        return Answer(self.whole)

    @answers(
        "Leave a subscription",
        gives=work.OperationShape,
        status=202,
        scope="Subscriptions",
    )
    def delete(self) -> Answer:
        """Its machines, their disks and itself are deleted for good."""
        return work.begun(subscriptions.leave(by=self.caller.user, subscription=self.subscription))


class Usage(OfSubscription):
    @answers("Show usage of a subscription", gives=UsageShape, etag=True)
    def get(self) -> Answer:
        limits, held = limits_of(self.subscription), quota.by_kind(self.subscription)
        usage = {
            "limits": limits,
            "reserved": {name: amounts[0] for name, amounts in held.items()},
            "committed": {name: amounts[1] for name, amounts in held.items()},
            "left": {
                name: None if limit is None else max(0, limit - sum(held[name]))
                for name, limit in limits.items()
            },
        }
        return shown(usage)


class Retry(OfSubscription):
    @answers(
        "Provision a subscription again",
        gives=work.OperationShape,
        status=202,
        scope="Subscriptions",
    )
    def post(self) -> Answer:
        """For one that is out of sync."""
        subscriptions.retry(by=self.caller.user, subscription=self.subscription)
        return work.begun(Job.objects.filter(subject=self.subscription.pk).latest("created_at"))


def taken(row: SubscriptionAddOn) -> dict[str, Any]:
    return {"id": row.pk, "add_on": add_on(row.add_on), "added_at": moment(row.added_at)}


class TakenAddOns(OfSubscription):
    def listed_add_ons(self) -> dict[str, Any]:
        rows = self.subscription.taken.select_related("add_on")
        return {"results": [taken(row) for row in rows]}

    def columns(self) -> Any:
        return self.listed_add_ons()

    @answers("List add-ons of a subscription", gives=TakenListShape, etag=True)
    def get(self) -> Answer:
        return shown(self.listed_add_ons())

    @answers(
        "Take an add-on",
        takes=NewTaken,
        gives=TakenListShape,
        status=201,
        scope="Subscriptions",
        example={"add_on": "0d2c…", "times": 2},
    )
    def post(self, given: dict[str, Any]) -> Answer:
        found = AddOn.objects.on_offer(self.subscription.plan).filter(pk=given["add_on"]).first()
        if found is None:
            raise at("add_on", _("There is no such add-on for this subscription."))
        subscriptions.add_on(
            by=self.caller.user,
            subscription=self.subscription,
            add_on=found,
            times=given["times"],
        )
        where = reverse("api-subscription-add-on-list", args=[self.subscription.pk])
        return Answer(self.listed_add_ons, 201, {"Location": where})


class OneTakenAddOn(OfSubscription):
    row: SubscriptionAddOn

    def load(self, pk: uuid.UUID, **more: Any) -> None:
        super().load(pk)
        self.row = get_object_or_404(self.subscription.taken, pk=more["taken"])

    @answers("Give an add-on back", status=204, scope="Subscriptions")
    def delete(self) -> Answer:
        subscriptions.drop_add_on(
            by=self.caller.user, subscription=self.subscription, taken=self.row
        )
        return gone()
