"""Copy load curves of running machines: the frame that is oldest, a bounded number a pass."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db.models import F, OuterRef, Q, Subquery
from django.utils import timezone

from fabric.models import Load, Machine
from fabric.providers.base import Provider
from fabric.providers.errors import Missing, Rejected, UnknownSet
from fabric.states import MachineState

# frame: how old a curve may be, and how many machines are read in one pass
PACE = {
    Load.Frame.HOUR: (timedelta(seconds=45), 12),
    Load.Frame.DAY: (timedelta(minutes=10), 4),
    Load.Frame.MONTH: (timedelta(hours=1), 4),
}


def run(provider: Provider, stamp_id: uuid.UUID) -> bool:
    """Read the curves that are due, those never read first; an empty one is due at every pass.

    False when the far side does not know what it said it had.
    """
    for frame, (age, most) in PACE.items():
        curve = Load.objects.filter(machine=OuterRef("pk"), frame=frame, counter=Load.Counter.CPU)
        due = (
            Machine.objects.filter(
                stamp_id=stamp_id, state=MachineState.RUNNING, remote_id__isnull=False
            )
            .annotate(
                read_at=Subquery(curve.values("synced_at")),
                samples=Subquery(curve.values("samples")),
            )
            .filter(Q(read_at=None) | Q(samples=[]) | Q(read_at__lte=timezone.now() - age))
            .order_by(F("read_at").asc(nulls_first=True))
            .values_list("pk", "remote_id")[:most]
        )
        for machine_id, remote_id in due:
            try:
                _read(provider, stamp_id, machine_id, remote_id, frame)
            except UnknownSet:
                return False
    return True


def _read(
    provider: Provider,
    stamp_id: uuid.UUID,
    machine_id: uuid.UUID,
    remote_id: uuid.UUID,
    frame: str,
) -> None:
    try:
        curves = provider.load(stamp_id, remote_id, frame)
    except UnknownSet:
        raise
    except (Missing, Rejected):
        return
    Load.objects.bulk_create(
        (
            Load(
                machine_id=machine_id,
                frame=frame,
                counter=curve.counter,
                samples=list(curve.samples),
                times=[time.isoformat() for time in curve.times],
                synced_at=timezone.now(),
            )
            for curve in curves
        ),
        update_conflicts=True,
        unique_fields=["machine", "frame", "counter"],
        update_fields=["samples", "times", "synced_at"],
    )
