"""How long a deployment takes: what the latest ones of a template took on hosts of a kind."""

from __future__ import annotations

from math import ceil

from fabric.durable.states import JobState
from fabric.vmm.models import Job, VMTemplate

LATEST = 50


def of(template: VMTemplate, hypervisor: str) -> tuple[float, float] | None:
    """Return the seconds within which half, and nine in ten, were done; None without history."""
    rows = (
        Job.objects.filter(template=template, state=JobState.SUCCEEDED, host__hypervisor=hypervisor)
        .order_by("-ended_at")
        .values_list("started_at", "ended_at")[:LATEST]
    )
    seconds = sorted((ended - began).total_seconds() for began, ended in rows)
    if not seconds:
        return None
    return _share(seconds, 0.5), _share(seconds, 0.9)


def _share(ordered: list[float], share: float) -> float:
    """Return the smallest value that this share of all does not exceed."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)]
