"""GrantedToList: which user roles may use a resource. Told to administrators only."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, QuerySet
from django.db.models.functions import JSONObject

from fabric.spf.schema import Row
from fabric.spf.scope import Scope
from fabric.vmm.models import RoleResource


def with_grants(scope: Scope, kind: str, rows: QuerySet[Any]) -> QuerySet[Any]:
    """The rows, each with what `granted` reads, in the same query."""
    if scope.caller is None or not scope.caller.is_unbound:
        return rows
    roles = (
        RoleResource.objects.filter(kind=kind, resource_id=OuterRef("pk"))
        .order_by("role__name")
        .values(told=JSONObject(RoleID=F("role"), RoleName=F("role__name")))
    )
    return rows.annotate(granted=ArraySubquery(roles))


def granted(found: Any) -> list[Row]:
    """GrantedToList of a row."""
    return getattr(found, "granted", None) or []
