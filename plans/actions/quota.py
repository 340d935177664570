"""Reserve before the work, commit when it is there, release when nothing is left of it."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping

from django.db.models import Sum

from plans import rules
from plans.models import Entry, EntryKind, Subscription


def used(subscription: Subscription) -> dict[str, int]:
    """Return what is in use or reserved, by resource. One query."""
    return used_by([subscription])[subscription.pk]


def used_by(subscriptions: Collection[Subscription]) -> dict[uuid.UUID, dict[str, int]]:
    """Return what each is using or has reserved, by its id and by resource. One query."""
    totals = {one.pk: {resource.name: 0 for resource in rules.RESOURCES} for one in subscriptions}
    sums = (
        Entry.objects.filter(subscription__in=list(totals))
        .values_list("subscription_id", "resource")
        .annotate(total=Sum("amount"))
    )
    for subscription_id, resource, total in sums:
        totals[subscription_id][resource] = total
    return totals


def reserve(
    subscription: Subscription,
    *,
    holding: uuid.UUID,
    wanted: Mapping[str, int],
    limits: Mapping[str, int | None],
) -> None:
    """Reserve under the subscription's lock, or raise QuotaExceeded. Call it in a transaction."""
    Subscription.objects.select_for_update(of=("self",)).get(pk=subscription.pk)
    rules.check(limits, used(subscription), wanted)
    Entry.objects.bulk_create(
        Entry(
            subscription=subscription,
            holding=holding,
            resource=resource,
            kind=EntryKind.RESERVED,
            amount=amount,
        )
        for resource, amount in wanted.items()
    )


def commit(holding: uuid.UUID) -> None:
    """Mark a reservation as really there. Repeatable."""
    _follow(holding, EntryKind.COMMITTED)


def release(holding: uuid.UUID) -> None:
    """Give a reservation back. Repeatable; only after the fabric confirmed that nothing is left."""
    _follow(holding, EntryKind.RELEASED)


def _follow(holding: uuid.UUID, kind: EntryKind) -> None:
    reserved = Entry.objects.filter(holding=holding, kind=EntryKind.RESERVED)
    Entry.objects.bulk_create(
        (
            Entry(
                subscription_id=entry.subscription_id,
                holding=holding,
                resource=entry.resource,
                kind=kind,
                amount=-entry.amount if kind == EntryKind.RELEASED else 0,
            )
            for entry in reserved
        ),
        ignore_conflicts=True,
    )
