"""Write what a stamp tells of machines into our rows."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from fabric.durable.states import LIVE
from fabric.models import Job, Machine
from fabric.providers.base import Provider, RemoteMachine
from fabric.states import BUSY, GONE, MachineState

SETTLED = {
    "Running": MachineState.RUNNING,
    "PowerOff": MachineState.STOPPED,
    "Stored": MachineState.STORED,
    "Paused": MachineState.PAUSED,
    "Saved": MachineState.SAVED,
    "CreationFailed": MachineState.FAILED,
    "CustomizationFailed": MachineState.FAILED,
    "UpdateFailed": MachineState.FAILED,
    "MigrationFailed": MachineState.FAILED,
    "Missing": MachineState.MISSING,
    "HostNotResponding": MachineState.UNREACHABLE,
}
# Somebody else is at work on it, or we are: only for the time being.
PASSING = frozenset(
    {
        "Starting",
        "PoweringOff",
        "Pausing",
        "Saving",
        "Restoring",
        "UnderUpdate",
        "UnderMigration",
        "Storing",
        "CreatingCheckpoint",
        "RecoveringCheckpoint",
        "DeletingCheckpoint",
    }
)
QUIET = frozenset(
    {
        MachineState.RUNNING,
        MachineState.STOPPED,
        MachineState.PAUSED,
        MachineState.SAVED,
        MachineState.STORED,
    }
)
# It has the size it is told to have: one that is made or deleted has that only in part.
WHOLE = QUIET | {MachineState.UPDATING}
TOLD = (
    "state",
    "status_text",
    "cores",
    "memory_mb",
    "os_name",
    "addresses",
    "host_name",
    "unreachable_since",
)


def refresh(
    provider: Provider, stamp_id: uuid.UUID, ids: Collection[uuid.UUID]
) -> Mapping[uuid.UUID, str]:
    """Read these machines and write their rows; return the state each is in, by the far side's id,
    also of those whose row keeps its own for a job. Busy is one that is worked on over there."""
    return apply(stamp_id, provider.machines(stamp_id, ids)).states if ids else {}


@dataclass(frozen=True)
class Applied:
    """The far side's ids that were seen; the states of ours among them; of those, the ones whose
    settled state turned out to be another one than in our rows; the latest modification told."""

    seen: frozenset[uuid.UUID]
    states: Mapping[uuid.UUID, str]
    turned: frozenset[uuid.UUID]
    latest: datetime | None


def apply(stamp_id: uuid.UUID, remotes: Iterable[RemoteMachine]) -> Applied:
    """Write the rows that changed, and only those.

    A busy machine keeps its state as long as a job works on it: the job's end writes it.
    """
    now = timezone.now()
    told = {remote.id: remote for remote in remotes}
    known = list(
        Machine.objects.filter(stamp_id=stamp_id, remote_id__in=told).exclude(state__in=GONE)
    )
    worked_on = _worked_on(known)
    changed: dict[Machine, str] = {}
    states: dict[uuid.UUID, str] = {}
    for machine in known:
        remote = told[machine.remote_id]
        before = [getattr(machine, name) for name in TOLD]
        states[remote.id] = _state(remote.status, machine.state)
        if machine.pk not in worked_on:
            machine.state = states[remote.id]
            machine.status_text = "" if remote.status in SETTLED else remote.status_text
        machine.cores = remote.cores or machine.cores
        machine.memory_mb = remote.memory_mb or machine.memory_mb
        machine.os_name = remote.os_name or machine.os_name
        if remote.addresses is not None:
            machine.addresses = list(remote.addresses)
        machine.host_name = remote.host_name
        machine.unreachable_since = None
        if before != [getattr(machine, name) for name in TOLD]:
            machine.synced_at = now
            changed[machine] = before[TOLD.index("state")]
    _write(changed)
    return Applied(
        seen=frozenset(told),
        states=states,
        turned=frozenset(m.remote_id for m, was in changed.items() if _has_turned(was, m.state)),
        latest=max((each.modified_at for each in told.values() if each.modified_at), default=None),
    )


def _has_turned(before: str, after: str) -> bool:
    """Tell whether a state changed that nobody here may have written."""
    return before != after and {before, after} <= QUIET


def _state(status: str, before: str) -> str:
    """Return the word for a status; one that we do not know leaves the machine what it was."""
    return str(MachineState.UPDATING if status in PASSING else SETTLED.get(status, before))


def _worked_on(known: Iterable[Machine]) -> set[uuid.UUID]:
    """Return the busy ones that a job is at work on; asked after they were read."""
    busy = [machine.pk for machine in known if machine.is_busy]
    if not busy:
        return set()
    live = Job.objects.filter(machine__in=busy, state__in=LIVE)
    return set(live.values_list("machine_id", flat=True))


def _write(changed: Mapping[Machine, str]) -> None:
    """Write each row whose state is still the one it was read with: people and jobs go first.

    One statement, written out: hundreds of rows at a time, and Django's is a `CASE` for each value.
    """
    if not changed:
        return
    rows = [(machine.pk, str(before), *_told(machine)) for machine, before in changed.items()]
    with connection.cursor() as cursor:
        columns = [list(column) for column in zip(*rows, strict=True)]
        cursor.execute(_WRITE, [*columns, [str(state) for state in WHOLE]])


def _told(machine: Machine) -> list[Any]:
    values = {name: getattr(machine, name) for name in (*TOLD, "synced_at")}
    written = {"state": str(machine.state), "addresses": json.dumps(machine.addresses)}
    return list((values | written).values())


# Locked in order first, so that two who write the same rows do not wait for each other. A machine
# of another size than we knew is to be settled: somebody changed it over there.
_WRITE = """
    WITH told AS (
        SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::int[], %s::int[],
            %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])
        AS told (id, was, state, status_text, cores, memory_mb, os_name, addresses, host_name,
            unreachable_since, synced_at)
    ), held AS (
        SELECT machine.id FROM fabric_machine AS machine JOIN told USING (id)
        ORDER BY machine.id FOR NO KEY UPDATE OF machine
    )
    UPDATE fabric_machine AS machine SET state = told.state, status_text = told.status_text,
        cores = told.cores, memory_mb = told.memory_mb, os_name = told.os_name,
        addresses = told.addresses::jsonb, host_name = told.host_name,
        unreachable_since = told.unreachable_since, synced_at = told.synced_at,
        unsettled_at = CASE
            WHEN told.state = ANY(%s) AND (machine.cores, machine.memory_mb)
                IS DISTINCT FROM (told.cores, told.memory_mb)
            THEN clock_timestamp() ELSE machine.unsettled_at END
    FROM told JOIN held USING (id) WHERE machine.id = told.id AND machine.state = told.was
"""


def unsure(stamp_id: uuid.UUID, since: datetime) -> list[uuid.UUID]:
    """Return the far side's ids of machines that what changed there may not tell enough about.

    Those our jobs left busy, or worked on since then: what was told meanwhile was not written. And
    those that run without an address, which a guest gets without its machine being changed.
    """
    ours = Machine.objects.filter(stamp_id=stamp_id, remote_id__isnull=False)
    worked_on = Job.objects.filter(machine__stamp=stamp_id, ended_at__gte=since).values("machine")
    left = ours.filter(Q(state__in=BUSY) | Q(pk__in=worked_on)).exclude(state__in=GONE)
    bare = ours.filter(state=MachineState.RUNNING, addresses=[]).order_by("synced_at")
    ids = [
        *left.values_list("remote_id", flat=True),
        *bare.values_list("remote_id", flat=True)[:30],
    ]
    return list(dict.fromkeys(ids))


def count(stamp_id: uuid.UUID) -> int:
    """Return how many machines of ours the far side should have."""
    return _expected(stamp_id).count()


def count_others(stamp_id: uuid.UUID, seen: Collection[uuid.UUID]) -> int:
    """Return how many of all the far side has are not among those that it should have of ours.

    One of ours that it does not have is no reason to expect fewer.
    """
    return len(seen) - _expected(stamp_id).filter(remote_id__in=seen).count()


def _expected(stamp_id: uuid.UUID) -> QuerySet[Machine]:
    rows = Machine.objects.filter(stamp_id=stamp_id, remote_id__isnull=False)
    return rows.exclude(state__in=(*GONE, MachineState.MISSING))


def is_expected(stamp_id: uuid.UUID, told: int, others: int | None) -> bool:
    """Tell whether the far side has as many machines as it should, but for our own doing: those
    being deleted may be gone there, those being made may be there and not yet known here."""
    ours = Machine.objects.filter(stamp_id=stamp_id)
    fewer = ours.filter(state=MachineState.DELETING).count()
    more = ours.filter(state=MachineState.CREATING, remote_id=None).count()
    return others is not None and -fewer <= told - count(stamp_id) - others <= more


def strangers(stamp_id: uuid.UUID, remotes: Iterable[RemoteMachine], since: datetime) -> int:
    """Count the machines made since a time that are not ours."""
    new = {each.id for each in remotes if each.created_at and each.created_at > since}
    known = Machine.objects.filter(stamp_id=stamp_id, remote_id__in=new)
    return len(new) - known.count()


def mark_missing(stamp_id: uuid.UUID, seen: Collection[uuid.UUID], asked_at: datetime) -> None:
    """Mark settled machines that the stamp, asked for all of them, does not know any more.

    A machine that was read after the question was asked is left alone: it may be newer. So is one
    that a job of ours is at work on.
    """
    ours = Job.objects.filter(machine__stamp=stamp_id, state__in=LIVE).values("machine")
    Machine.objects.filter(
        stamp_id=stamp_id,
        remote_id__isnull=False,
        state__in=(*QUIET, MachineState.UPDATING),
    ).exclude(remote_id__in=seen).exclude(synced_at__gte=asked_at).exclude(pk__in=ours).update(
        state=MachineState.MISSING,
        status_text="The cloud does not know this machine any more.",
        synced_at=timezone.now(),
    )
