"""Read a stamp's machines: what changed since a mark, and all of them now and then.

The mark is the latest modification the far side ever told, by its own clock. What is asked for
begins a while before it, for what was written then and shown only later, so it always includes a
machine that was seen already: an answer without one tells that the question was not understood.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.utils import timezone

from fabric.models import Stamp
from fabric.providers.base import Changes, Provider, RemoteMachine
from fabric.providers.errors import Missing, NoAnswer, Rejected, Unreachable
from fabric.sync import machines, turns

log = logging.getLogger(__name__)

FULL_EVERY = timedelta(minutes=10)
OVERLAP = timedelta(seconds=60)
# A mark this far in our future would hide everything from us until then.
BELIEVABLE = timedelta(minutes=15)
# How long a stamp that does not tell what changes is read in full at every pass.
DISTRUST = timedelta(hours=6)
# Jobs that ended this long before the last pass may have been at work while it read.
JOBS_BEFORE = timedelta(minutes=2)


def run(stamp: Stamp, provider: Provider) -> tuple[RemoteMachine, ...]:
    """Take the pass that is due; an incremental one that looks wrong is followed by a full one.

    Returns what was told of machines: of all, or of those that changed."""
    try:
        told = None if wants_full(stamp) else _changes(stamp, provider)
        if told is not None:
            return told
    except NoAnswer:
        raise
    except Unreachable as fault:
        # Some break over a question they do not know; one that fails altogether fails again now.
        everything = _all(stamp, provider)
        log.info("stamp %s tells no changes: %s", stamp.friendly_name, fault.message)
        _distrust(stamp, FULL_EVERY)
        return everything
    return _all(stamp, provider)


def wants_full(stamp: Stamp) -> bool:
    """Tell whether nothing less than all machines will do."""
    now = timezone.now()
    return (
        stamp.full_sync_at is None
        or stamp.synced_until is None
        or stamp.synced_at is None
        or now - stamp.full_sync_at >= FULL_EVERY
        or bool(stamp.full_until and stamp.full_until > now)
        or stamp.synced_until - now > BELIEVABLE
        or stamp.away_since is not None
    )


def _changes(stamp: Stamp, provider: Provider) -> tuple[RemoteMachine, ...] | None:
    """Read what changed; None when that cannot be relied on."""
    assert stamp.synced_until is not None
    assert stamp.synced_at is not None
    try:
        told = provider.changes(stamp.pk, stamp.synced_until - OVERLAP)
    except (Rejected, Missing) as fault:
        log.info("stamp %s tells no changes: %s", stamp.friendly_name, fault.message)
        _distrust(stamp)
        return None
    if not _is_complete(stamp, told):
        return None
    turns.require_same(stamp)
    applied = machines.apply(stamp.pk, told.machines)
    unsure = machines.unsure(stamp.pk, stamp.synced_at - JOBS_BEFORE)
    unsure = [id for id in unsure if id not in applied.seen]
    if unsure:
        found = machines.apply(stamp.pk, provider.machines(stamp.pk, unsure))
        if told.count is None and len(found.seen) < len(unsure):
            return None
    # Somebody's new machine must not make up for one of ours that is gone.
    others = (stamp.others or 0) + machines.strangers(stamp.pk, told.machines, stamp.synced_until)
    if told.count is not None and not machines.is_expected(stamp.pk, told.count, others):
        return None
    latest = max(filter(None, (applied.latest, stamp.synced_until)))
    turns.rows_of(stamp).update(synced_until=latest, others=others)
    return told.machines


def _is_complete(stamp: Stamp, told: Changes) -> bool:
    """The machine that set the mark, or one changed since, is always among what is told."""
    mark = stamp.synced_until
    return any(each.modified_at and mark and each.modified_at >= mark for each in told.machines)


def _all(stamp: Stamp, provider: Provider) -> tuple[RemoteMachine, ...]:
    asked_at = timezone.now()
    told = provider.machines(stamp.pk)
    turns.require_same(stamp)
    applied = machines.apply(stamp.pk, told)
    machines.mark_missing(stamp.pk, applied.seen, asked_at)
    bare = machines.unsure(stamp.pk, asked_at)
    if any(each.addresses is None for each in told) and bare:
        machines.apply(stamp.pk, provider.machines(stamp.pk, bare))
    since = stamp.synced_until - OVERLAP if stamp.synced_until else None
    if since and stamp.full_sync_at and stamp.away_since is None:
        silently = {each.id for each in told if each.modified_at and each.modified_at <= since}
        if silently & applied.turned:
            log.warning("stamp %s does not tell all that changes", stamp.friendly_name)
            _distrust(stamp)
    stamp.full_sync_at = asked_at
    stamp.others = machines.count_others(stamp.pk, applied.seen)
    turns.rows_of(stamp).update(
        full_sync_at=asked_at, others=stamp.others, synced_until=applied.latest
    )
    return told


def _distrust(stamp: Stamp, how_long: timedelta = DISTRUST) -> None:
    stamp.full_until = timezone.now() + how_long
    turns.rows_of(stamp).update(full_until=stamp.full_until)
