"""Reserve before the work, commit when it is there, release when nothing is left of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from django.db.models import Sum

from plans import rules
from plans.models import Entry, EntryKind, Subscription


def used(subscription: Subscription) -> dict[str, int]:
    """Return what is in use or reserved, by resource. One query."""
    sums = (
        Entry.objects.filter(subscription=subscription)
        .values("resource")
        .annotate(total=Sum("amount"))
        .values_list("resource", "total")
    )
    return {resource.name: 0 for resource in rules.RESOURCES} | dict(sums)


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
