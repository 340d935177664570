"""Reserve before the work, commit when it is there, release when nothing is left of it.

Every change sums and writes under the subscription's lock, so nothing is counted twice whatever
comes twice, late or at once.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from plans import rules
from plans.actions.limits import check, check_member, limits_of_member
from plans.models import Entry, EntryKind, Subscription
from tenants.models import User


def used(subscription: Subscription) -> dict[str, int]:
    """Return what is in use or reserved, by resource. One query."""
    return used_by([subscription])[subscription.pk]


def used_by(subscriptions: Collection[Subscription]) -> dict[uuid.UUID, dict[str, int]]:
    """Return what each is using or has reserved, by its id and by resource. One query."""
    totals = {one.pk: _nothing() for one in subscriptions}
    sums = (
        Entry.objects.filter(subscription__in=list(totals))
        .values_list("subscription_id", "resource")
        .annotate(total=Sum("amount"))
    )
    for subscription_id, resource, total in sums:
        totals[subscription_id][resource] = total
    return totals


def used_by_member(subscription: Subscription, member: User) -> dict[str, int]:
    """Return what counts for a person, by resource. One query."""
    entries = Entry.objects.filter(subscription=subscription, member=member)
    sums = entries.values_list("resource").annotate(total=Sum("amount"))
    return _nothing() | dict(sums)


def used_by_subject(subscription: Subscription) -> dict[uuid.UUID, dict[str, int]]:
    """Return what every machine holds that holds anything, by its id and by resource. One query."""
    found: dict[uuid.UUID, dict[str, int]] = {}
    sums = (
        Entry.objects.filter(subscription=subscription)
        .values_list("subject", "resource")
        .annotate(total=Sum("amount"))
        .exclude(total=0)
    )
    for subject, resource, total in sums:
        found.setdefault(subject, _nothing())[resource] = total
    return found


def by_kind(subscription: Subscription) -> dict[str, tuple[int, int]]:
    """Return for every resource what is only reserved, and what is committed. One query."""
    return by_kind_of([subscription])[subscription.pk]


def by_kind_of(
    subscriptions: Collection[Subscription],
) -> dict[uuid.UUID, dict[str, tuple[int, int]]]:
    """Return the same for each of several, by its id. One query."""
    entries = Entry.objects.filter(subscription__in=[one.pk for one in subscriptions])
    totals: dict[uuid.UUID, dict[str, list[int]]] = {
        one.pk: {name: [0, 0] for name in _nothing()} for one in subscriptions
    }
    for pk, resource, is_committed, total in _sums(entries, "subscription_id"):
        totals[pk][resource][is_committed] += total
    return {
        pk: {name: (waiting, there) for name, (waiting, there) in kinds.items()}
        for pk, kinds in totals.items()
    }


def reserve(
    subscription: Subscription,
    *,
    holding: uuid.UUID,
    wanted: Mapping[str, int],
    limits: Mapping[str, int | None],
    subject: uuid.UUID | None = None,
    member: User | None = None,
    member_limits: Mapping[str, int | None] | None = None,
) -> None:
    """Reserve under the subscription's lock, or raise QuotaExceeded. Call it in a transaction.

    `subject` is the machine it is for, the holding itself when none is named. It counts for who is
    named first for the machine, within their part of the quota (asked for when none is given).
    What was reserved under this holding once is not reserved again.
    """
    lock(subscription.pk)
    subject = subject or holding
    known = Entry.objects.filter(Q(holding=holding) | Q(subject=subject)).select_related("member")
    entries = list(known.order_by("id"))
    if any(entry.holding == holding for entry in entries):
        return
    first = next(iter(entries), None)
    if first is not None and first.member != member:
        member, member_limits = first.member, None
    check(limits, used(subscription), wanted)
    if member is not None:
        if member_limits is None:
            member_limits = limits_of_member(subscription, member)
        if member_limits:
            check_member(member_limits, used_by_member(subscription, member), wanted)
    Entry.objects.bulk_create(
        Entry(
            subscription=subscription,
            holding=holding,
            subject=subject,
            member=member,
            resource=resource,
            kind=EntryKind.RESERVED,
            amount=amount,
        )
        for resource, amount in wanted.items()
    )


def commit(holding: uuid.UUID) -> dict[str, int]:
    """Mark a reservation as really there; return what it is. Repeatable."""
    reserved = _reserved(holding=holding)
    _follow(reserved, EntryKind.COMMITTED)
    return {entry.resource: entry.amount for entry in reserved}


def is_waiting(holding: uuid.UUID) -> bool:
    """Tell whether a reservation is neither committed nor given back. One query."""
    kinds = Entry.objects.filter(holding=holding).values_list("kind", flat=True)
    return set(kinds) == {EntryKind.RESERVED}


@transaction.atomic
def release(holding: uuid.UUID) -> None:
    """Give a reservation back. Repeatable; only after the fabric confirmed that nothing is left.

    Never gives back what its machine does not hold any more: shrunk, or released as a whole.
    """
    reserved = _reserved(holding=holding)
    if not reserved:
        return
    lock(reserved[0].subscription_id)
    held = _by_kind(Entry.objects.filter(subject=reserved[0].subject))
    is_committed = Entry.objects.filter(holding=holding, kind=EntryKind.COMMITTED).exists()
    for entry in reserved:
        entry.amount = min(entry.amount, held[entry.resource][is_committed])
    _follow(reserved, EntryKind.RELEASED)


@transaction.atomic
def release_all(subject: uuid.UUID) -> None:
    """Give back everything a machine holds. Repeatable; when nothing is left of the machine."""
    reserved = _reserved(subject=subject)
    if not reserved:
        return
    lock(reserved[0].subscription_id)
    committed = Exists(Entry.objects.filter(holding=OuterRef("holding"), kind=EntryKind.COMMITTED))
    waiting = _reserved(~committed, subject=subject)
    _follow(waiting, EntryKind.RELEASED)
    held = _by_kind(Entry.objects.filter(subject=subject))
    _give_back(
        reserved[0],
        uuid.uuid4(),
        {resource: amount for resource, (_waiting, amount) in held.items() if amount > 0},
    )


@transaction.atomic
def shrink(
    subscription: Subscription,
    *,
    holding: uuid.UUID,
    subject: uuid.UUID,
    by_amounts: Mapping[str, int],
) -> None:
    """Give back part of what a machine has committed, at most all of it. Repeatable by `holding`,
    a new id for each act of shrinking."""
    lock(subscription.pk)
    first = Entry.objects.filter(subject=subject).order_by("id").first()
    if first is None or Entry.objects.filter(holding=holding).exists():
        return
    held = _by_kind(Entry.objects.filter(subject=subject))
    _give_back(
        first,
        holding,
        {name: min(amount, held[name][1]) for name, amount in by_amounts.items() if amount > 0},
    )


@transaction.atomic
def settle(
    subscription: Subscription,
    *,
    subject: uuid.UUID,
    there: Mapping[str, int],
) -> None:
    """Make what a machine holds of these resources what is really there. Repeatable.

    Call it when nothing is on its way any more: what was reserved and did not come about is given
    back. No limit is asked: what is there is there.
    """
    lock(subscription.pk)
    entries = Entry.objects.filter(subject=subject).order_by("id")
    first = entries.first()
    if first is None:
        return
    _follow(_reserved(subject=subject), EntryKind.COMMITTED)
    held = _by_kind(entries)
    more = {name: there[name] - sum(held[name]) for name in there if there[name] > sum(held[name])}
    less = {name: sum(held[name]) - there[name] for name in there if there[name] < sum(held[name])}
    taken = uuid.uuid4()
    Entry.objects.bulk_create(
        Entry(
            subscription_id=first.subscription_id,
            holding=taken,
            subject=subject,
            member_id=first.member_id,
            resource=resource,
            kind=kind,
            amount=amount if kind == EntryKind.RESERVED else 0,
        )
        for resource, amount in more.items()
        for kind in (EntryKind.RESERVED, EntryKind.COMMITTED)
    )
    _give_back(
        first, uuid.uuid4(), {name: min(amount, held[name][1]) for name, amount in less.items()}
    )


def _give_back(like: Entry, holding: uuid.UUID, amounts: Mapping[str, int]) -> None:
    """Write a holding that takes away, marked as committed: it lessens what is committed."""
    Entry.objects.bulk_create(
        Entry(
            subscription_id=like.subscription_id,
            holding=holding,
            subject=like.subject,
            member_id=like.member_id,
            resource=resource,
            kind=kind,
            amount=-amount if kind == EntryKind.RELEASED else 0,
        )
        for resource, amount in amounts.items()
        for kind in (EntryKind.RELEASED, EntryKind.COMMITTED)
    )


def lock(subscription_id: uuid.UUID) -> None:
    """Shut out every other writer of the ledger, but not rows that only refer to the subscription:
    two that did so before they come here would wait for each other."""
    Subscription.objects.select_for_update(of=("self",), no_key=True).only("pk").get(
        pk=subscription_id
    )


def _reserved(*conditions: Exists, **fields: uuid.UUID) -> Sequence[Entry]:
    return list(Entry.objects.filter(*conditions, kind=EntryKind.RESERVED, **fields).order_by("id"))


def _follow(reserved: Sequence[Entry], kind: EntryKind) -> None:
    Entry.objects.bulk_create(
        (
            Entry(
                subscription_id=entry.subscription_id,
                holding=entry.holding,
                subject=entry.subject,
                member_id=entry.member_id,
                resource=entry.resource,
                kind=kind,
                amount=-entry.amount if kind == EntryKind.RELEASED else 0,
            )
            for entry in reserved
        ),
        ignore_conflicts=True,
    )


def _by_kind(entries: QuerySet[Entry]) -> dict[str, tuple[int, int]]:
    totals = {name: [0, 0] for name in _nothing()}
    for resource, is_committed, total in _sums(entries):
        totals[resource][is_committed] += total
    return {name: (waiting, there) for name, (waiting, there) in totals.items()}


def _sums(entries: QuerySet[Entry], *by: str) -> QuerySet[Entry, tuple]:
    committed = Exists(
        Entry.objects.filter(
            holding=OuterRef("holding"), resource=OuterRef("resource"), kind=EntryKind.COMMITTED
        )
    )
    return (
        entries.annotate(is_committed=committed)
        .values_list(*by, "resource", "is_committed")
        .annotate(total=Sum("amount"))
    )


def _nothing() -> dict[str, int]:
    return {resource.name: 0 for resource in rules.RESOURCES}
