"""What the page of one machine shows: its work, its quota, its charts."""

from __future__ import annotations

import hashlib
import statistics
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from fabric.abilities import why_not
from fabric.durable.states import JobState
from fabric.models import Job, Load, Machine
from fabric.providers.abilities import JOB_STEPS, LOAD
from fabric.states import GONE, MachineState
from plans.actions import quota
from portal import charts
from portal.tenant_site.forms.machines import DeleteForm
from portal.tenant_site.held import rights_in
from portal.tenant_site.machine_commands import bar_for

FEWEST_SAMPLES = 5
MOST_SAMPLES = 50
DEPLOY = "machine.deploy"


@dataclass(frozen=True)
class Expected:
    """How long the same template took before, in seconds: the median, and nine out of ten."""

    median: float
    most: float


def expected(machine: Machine) -> Expected | None:
    """Return what to expect of a deployment, None while too few are known."""
    ended = (
        Job.objects.filter(
            recipe=DEPLOY, state=JobState.SUCCEEDED, machine__template=machine.template_id
        )
        .exclude(ended_at=None)
        .order_by("-created_at")
        .values_list("created_at", "ended_at")[:MOST_SAMPLES]
    )
    times = [(end - start).total_seconds() for start, end in ended]
    if len(times) < FEWEST_SAMPLES:
        return None
    return Expected(statistics.median(times), statistics.quantiles(times, n=10)[-1])


def latest_job(machine: Machine) -> Job | None:
    """Return the work that is going on, or the last there was."""
    return machine.jobs.order_by("-created_at").first()


def mark(machine: Machine) -> str:
    """Return a short text that changes whenever the page ought to be drawn anew.

    Work in progress refreshes its own fragment, so nothing but its end counts.
    """
    seen: tuple[object, ...] = (machine.state, machine.unreachable_since)
    if not machine.is_busy:
        seen += (machine.status_text, tuple(machine.addresses))
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:12]


def work(machine: Machine) -> dict[str, Any]:
    """Return what the fragment of long work shows."""
    job = latest_job(machine)
    deploying = bool(job and job.recipe == DEPLOY)
    return {
        "machine": machine,
        "job": job,
        "deploying": deploying,
        "failed": machine.state == MachineState.FAILED,
        "can_resume": bool(job and job.state == JobState.FAILED and not machine.is_busy),
        "expected": expected(machine) if deploying and machine.is_busy else None,
        "no_steps": why_not(machine.stamp.provider, JOB_STEPS),
        "mark": mark(machine),
    }


def frame_asked(request: HttpRequest) -> str:
    """Return the time frame the URL asks for, an hour unless it says otherwise."""
    asked = request.GET.get("frame", "")
    return asked if asked in Load.Frame.values else Load.Frame.HOUR


def load(request: HttpRequest, machine: Machine) -> dict[str, Any]:
    """Return what the charts show, and the samples as a table where that is asked for."""
    frame = frame_asked(request)
    drawn = charts.charts_for(machine, frame)
    as_table = request.GET.get("view") == "table"
    return {
        "machine": machine,
        "charts": drawn,
        "no_load": why_not(machine.stamp.provider, LOAD),
        "measured": any(chart.points for chart in drawn),
        "load_frame": frame,
        "load_frames": Load.Frame.choices,
        "as_table": as_table,
        "samples": charts.table(drawn, frame) if as_table else [],
    }


def dashboard(request: HttpRequest, machine: Machine) -> dict[str, Any]:
    """Return everything the dashboard shows."""
    bar = bar_for(machine, rights_in(request, machine.subscription.tenant_id))
    plan = machine.subscription.plan
    context: dict[str, Any] = {
        **page(machine, "machine"),
        **work(machine),
        "commands": bar.front,
        "more": bar.more,
        "reasons": bar.reasons,
        "limits": plan.offering.limits,
        "used": quota.used(machine.subscription),
        "mine": {
            "machines": 1,
            "cores": machine.cores,
            "memory_mb": machine.memory_mb,
            "storage_gb": machine.storage_gb,
        },
        "form": DeleteForm(name=machine.name),
    }
    if not (context["failed"] or machine.state == MachineState.CREATING):
        context |= load(request, machine)
    return context


def page(machine: Machine, tab: str) -> dict[str, Any]:
    """Return what every tab of the machine needs."""
    return {
        "machine": machine,
        "title": machine.name,
        "tabs": [
            {
                "title": title,
                "url": reverse(name, args=[machine.pk]),
                "current": name == tab,
            }
            for name, title in (("machine", _("Dashboard")), ("machine-activity", _("Activity")))
        ],
    }


def is_gone(machine_id: Any, user: Any) -> bool:
    """Tell whether this was a machine of theirs that is deleted now."""
    return Machine.objects.filter(
        pk=machine_id, state__in=GONE, subscription__tenant__memberships__user=user
    ).exists()
