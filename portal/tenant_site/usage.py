"""How much of their plans subscriptions use, for many of them in one query."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from django.db.models import Sum

from plans.models import Entry, Subscription


def used_by(subscriptions: Collection[Subscription]) -> dict[uuid.UUID, dict[str, int]]:
    """Return resource sums by subscription id."""
    totals: dict[uuid.UUID, dict[str, int]] = {one.pk: {} for one in subscriptions}
    sums = (
        Entry.objects.filter(subscription__in=list(totals))
        .values_list("subscription_id", "resource")
        .annotate(total=Sum("amount"))
    )
    for subscription_id, resource, total in sums:
        totals[subscription_id][resource] = total
    return totals
