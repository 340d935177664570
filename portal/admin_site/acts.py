"""The operations log as people read it: one line an act, from its two entries."""

from __future__ import annotations

from typing import Any

from django.db.models import (
    CharField,
    DateTimeField,
    OuterRef,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.functions import Coalesce

from tenants.models import Operation, Phase


def acts() -> QuerySet[Any]:
    """Return the *Started* entries, each with `outcome`, `ended_at` and `end_message`.

    Latest first. An act under way has the outcome "started".
    """
    end = Operation.objects.filter(operation_id=OuterRef("operation_id")).exclude(
        phase=Phase.STARTED
    )
    return (
        Operation.objects.filter(phase=Phase.STARTED)
        .select_related("tenant")
        .annotate(
            outcome=Coalesce(
                Subquery(end.values("phase")[:1]),
                Value(Phase.STARTED.value),
                output_field=CharField(),
            ),
            ended_at=Subquery(end.values("at")[:1], output_field=DateTimeField()),
            end_message=Subquery(end.values("message")[:1], output_field=TextField()),
        )
    )
