"""How much a subscription may use: the plan's quota page plus add-ons. The way to know limits."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from fabric.models import Offering
from plans import rules
from plans.actions import limits
from plans.models import Subscription


def limits_of(
    subscription: Subscription, offering: Offering | None = None
) -> dict[str, int | None]:
    """Return the limits by the ledger's resource names; None is no limit.

    Two queries, one for who has the plan's offering already.
    """
    offering = offering or Offering.objects.get(plan_id=subscription.plan_id)
    return limits.effective(subscription, offering.limits)


def limits_by(subscriptions: Collection[Subscription]) -> dict[uuid.UUID, dict[str, int | None]]:
    """Return the limits of each by its id, nothing for a plan without a quota. Two queries."""
    offerings = Offering.objects.filter(plan__in={one.plan_id for one in subscriptions})
    by_plan = {offering.plan_id: offering.limits for offering in offerings}
    more = limits.added_by(subscriptions)
    return {
        one.pk: rules.added(by_plan.get(one.plan_id, {}), more[one.pk]) for one in subscriptions
    }
