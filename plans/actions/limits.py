"""How much may be used: the plan's limits, what add-ons bring, and a member's part of it."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping

from django.utils.translation import gettext as _

from plans import rules
from plans.errors import QuotaExceeded
from plans.models import MemberLimit, Subscription, SubscriptionAddOn
from plans.words import in_sentence
from tenants.models import User


def effective(
    subscription: Subscription, limits: Mapping[str, int | None]
) -> dict[str, int | None]:
    """Return a plan's limits with the subscription's add-ons; None stays no limit. One query."""
    return rules.added(limits, added_by([subscription])[subscription.pk])


def added_by(subscriptions: Collection[Subscription]) -> dict[uuid.UUID, dict[str, int]]:
    """Return what add-ons bring each subscription, by its id and by resource. One query."""
    names = [resource.name for resource in rules.RESOURCES]
    totals = {one.pk: dict.fromkeys(names, 0) for one in subscriptions}
    had = SubscriptionAddOn.objects.filter(subscription__in=list(totals))
    for pk, *amounts in had.values_list("subscription_id", *(f"add_on__{name}" for name in names)):
        for name, amount in zip(names, amounts, strict=True):
            totals[pk][name] += amount
    return totals


def limits_of_member(subscription: Subscription, member: User) -> dict[str, int | None]:
    """Return a person's part of the quota, empty when they may use all of it. One query."""
    share = MemberLimit.objects.filter(
        subscription=subscription,
        membership__user=member,
        membership__tenant_id=subscription.tenant_id,
    ).first()
    return share.limits if share else {}


def check(
    limits: Mapping[str, int | None], used: Mapping[str, int], wanted: Mapping[str, int]
) -> None:
    """Raise QuotaExceeded for the first limit of the plan that would be passed."""
    _refuse(
        rules.excess(limits, used, wanted),
        _("The plan's limit for %(what)s is %(limit)s; %(used)s in use, %(wanted)s more wanted."),
    )


def check_member(
    limits: Mapping[str, int | None], used: Mapping[str, int], wanted: Mapping[str, int]
) -> None:
    """Raise QuotaExceeded for the first limit of a person's part that would be passed."""
    _refuse(
        rules.excess(limits, used, wanted),
        _(
            "Your part of the plan is %(limit)s for %(what)s; %(used)s in use,"
            " %(wanted)s more wanted."
        ),
    )


def check_fits(limits: Mapping[str, int | None], used: Mapping[str, int]) -> None:
    """Raise QuotaExceeded when more is in use already than these limits allow."""
    _refuse(
        rules.overdrawn(limits, used),
        _("Without it the limit for %(what)s is %(limit)s, and %(used)s are in use."),
    )


def _refuse(excess: rules.Excess | None, words: str) -> None:
    if excess is None:
        return
    name = excess.resource.name
    raise QuotaExceeded(
        name,
        limit=excess.limit,
        used=excess.used,
        wanted=excess.wanted,
        message=words
        % {
            "what": in_sentence(_(excess.resource.title)),
            "limit": rules.amount(name, excess.limit),
            "used": rules.amount(name, excess.used),
            "wanted": rules.amount(name, excess.wanted),
        },
    )
