"""Ask before ordering: the checks that making a machine would go through."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from fabric.actions import preflight
from portal.api import machine_orders as orders
from portal.api.frame.answer import Answer
from portal.api.frame.endpoint import Endpoint, answers
from portal.api.frame.fields import Shape

LEVELS = ("ok", "warn", "bad")


class FindingShape(Shape):
    """One thing looked at."""

    level = serializers.ChoiceField(choices=LEVELS)
    title = serializers.CharField()
    text = serializers.CharField()
    pointer = serializers.CharField(allow_null=True, help_text="The field at fault.")


class PreflightShape(Shape):
    """`ok` is true when nothing bad was found: the order would be accepted now."""

    ok = serializers.BooleanField()
    results = FindingShape(many=True)


class Preflight(Endpoint):
    tag = "New machines"

    @answers(
        "Check a new machine",
        takes=orders.PreflightGiven,
        gives=PreflightShape,
        scope="Create",
        example={"name": "web-01", **orders.EXAMPLE},
    )
    def post(self, given: dict[str, Any]) -> Answer:
        """Nothing is made or reserved: what is free now may be taken by the time you order."""
        subscription = orders.subscription_of(self.caller, given)
        order = orders.order_of(subscription, given, given["name"])
        found = preflight.check(
            by=self.caller.user,
            subscription=subscription,
            order=order,
            count=given["count"],
        )
        told = [
            {
                "level": one.level,
                "title": str(one.title),
                "text": str(one.text),
                "pointer": orders.pointer_to(one.field) if one.field else None,
            }
            for one in found
        ]
        return Answer({"ok": all(one["level"] != "bad" for one in told), "results": told})
