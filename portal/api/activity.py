"""The operations log: who did what, when, and what came of it."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from rest_framework import serializers

from fabric.access import operations_visible_to
from portal.api.frame import paging
from portal.api.frame.answer import Answer
from portal.api.frame.endpoint import Endpoint, answers
from portal.api.frame.fields import Shape
from portal.api.frame.formats import moment
from tenants.models import Operation, OperationQuerySet, Phase

COLUMNS = (
    "id",
    "operation_id",
    "action",
    "actor_email",
    "tenant_id",
    "object_type",
    "object_id",
    "object_name",
    "parameters",
    "at",
)
RUNNING = "running"
OUTCOMES = (RUNNING, Phase.SUCCEEDED.value, Phase.FAILED.value)


class ActShape(Shape):
    """An act. Secrets are not in `parameters`."""

    id = serializers.UUIDField()
    action = serializers.CharField(help_text="machine.deploy, subscription.rename, …")
    by = serializers.CharField()
    tenant = serializers.UUIDField(allow_null=True)
    object_type = serializers.CharField()
    object_id = serializers.CharField()
    object_name = serializers.CharField()
    parameters = serializers.DictField()
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    message = serializers.CharField()
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class ActFilter(paging.Listed):
    q = serializers.CharField(
        required=False, max_length=100, help_text="In the action, the object's name, or who."
    )
    outcome = serializers.ChoiceField(required=False, choices=OUTCOMES)
    object = serializers.CharField(required=False, max_length=40, help_text="The object's id.")
    tenant = serializers.UUIDField(required=False)


def matching(rows: OperationQuerySet, asked: dict[str, Any]) -> OperationQuerySet:
    """Return the beginnings of the acts a query asks for."""
    rows = rows.filter(phase=Phase.STARTED)
    if text := asked.get("q"):
        rows = rows.filter(
            Q(action__icontains=text)
            | Q(object_name__icontains=text)
            | Q(actor_email__icontains=text)
        )
    if "object" in asked:
        rows = rows.filter(object_id=asked["object"])
    if "tenant" in asked:
        rows = rows.filter(tenant=asked["tenant"])
    if "outcome" in asked:
        rows = rows.come_to(Phase.STARTED if asked["outcome"] == RUNNING else asked["outcome"])
    return rows


class Activity(Endpoint):
    tag = "Activity"

    @answers("List activity", asks=ActFilter, gives=ActShape, many=True, etag=True)
    def get(self) -> Answer:
        """The newest first."""
        rows = self.caller.within(operations_visible_to(self.caller.user), "tenant")
        page = paging.page(matching(rows, self.asked), COLUMNS, self.asked, order="-id")
        ids = [row["operation_id"] for row in page.rows]
        ended = Operation.objects.filter(operation_id__in=ids).exclude(phase=Phase.STARTED)
        ends = {end[0]: end for end in ended.values_list("operation_id", "phase", "message", "at")}
        return self.listed(
            page,
            lambda row: act(row, ends.get(row["operation_id"])),
            lambda rows: [rows, sorted(ends.items())],
        )


def act(row: dict[str, Any], end: tuple[Any, ...] | None) -> dict[str, Any]:
    """Return an act of its beginning and its end, if it has ended."""
    return {
        "id": row["operation_id"],
        "action": row["action"],
        "by": row["actor_email"],
        "tenant": row["tenant_id"],
        "object_type": row["object_type"],
        "object_id": row["object_id"],
        "object_name": row["object_name"],
        "parameters": row["parameters"],
        "outcome": end[1] if end else RUNNING,
        "message": end[2] if end else "",
        "started_at": moment(row["at"]),
        "ended_at": moment(end[3]) if end else None,
    }
