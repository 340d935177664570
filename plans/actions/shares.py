"""All that counts when a person orders in a subscription: limits, use, their part of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Q, Subquery, Sum
from django.db.models.functions import JSONObject

from plans import rules
from plans.models import Entry, MemberLimit, Subscription, SubscriptionAddOn
from tenants.models import User

_NAMES = tuple(resource.name for resource in rules.RESOURCES)


@dataclass(frozen=True)
class Share:
    """By the ledger's resource names. `part` is empty for who may use all of it."""

    limits: Mapping[str, int | None]
    used: Mapping[str, int]
    part: Mapping[str, int | None]
    part_used: Mapping[str, int]


def share_of(subscription: Subscription, member: User, limits: Mapping[str, int | None]) -> Share:
    """Return how a person stands in a subscription of a plan with these limits. One query."""
    here: dict[str, Any] = {"subscription": OuterRef("pk")}
    added = _sums(
        SubscriptionAddOn.objects.filter(**here),
        {name: Sum(f"add_on__{name}", default=0) for name in _NAMES},
    )
    entries = Entry.objects.filter(**here)
    used = _sums(entries, {name: _used(name) for name in _NAMES})
    part_used = _sums(entries.filter(member=member), {name: _used(name) for name in _NAMES})
    part = MemberLimit.objects.filter(
        **here, membership__user=member, membership__tenant_id=subscription.tenant_id
    ).values_list(JSONObject(**{name: name for name in _NAMES}))
    told = Subscription.objects.filter(pk=subscription.pk).values_list(
        *(Subquery(each) for each in (added, used, part, part_used))
    )
    more, total, mine, my_total = told.get()
    nothing = dict.fromkeys(_NAMES, 0)
    return Share(
        rules.added(limits, more or nothing), total or nothing, mine or {}, my_total or nothing
    )


def _used(resource: str) -> Sum:
    return Sum("amount", filter=Q(resource=resource), default=0)


def _sums(rows: Any, sums: Mapping[str, Sum]) -> Any:
    """Return one JSON object of sums, nothing where there are no rows."""
    return rows.order_by().values("subscription").values_list(JSONObject(**sums))
