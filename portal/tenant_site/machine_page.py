"""What the pages of one machine show: what all its tabs have, its work, its quota, its charts.

Every tab has a live line that says what it has seen. It is answered with the parts that changed,
never with a whole page: what somebody types stays where it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_htmx.http import HttpResponseClientRedirect

from fabric.abilities import why_not
from fabric.durable.states import JobState
from fabric.models import Job, Load, Machine
from fabric.providers.abilities import CHECKPOINTS, JOB_STEPS, LOAD
from fabric.states import MachineState
from plans.actions import quota
from plans.actions.limits import effective
from portal import charts
from portal.frame import frame_of
from portal.tenant_site.expected import expected
from portal.tenant_site.held import rights_in
from portal.tenant_site.job_page import DEPLOY, in_short
from portal.tenant_site.machine_commands import bar_for

DASHBOARD = "machine"
TABS = (
    (DASHBOARD, gettext_lazy("Dashboard")),
    ("machine-configure", gettext_lazy("Configure")),
    ("machine-networks", gettext_lazy("Networks")),
    ("machine-disks", gettext_lazy("Disks")),
    ("machine-checkpoints", gettext_lazy("Checkpoints")),
    ("machine-activity", gettext_lazy("Activity")),
)
# These are about a machine that is there.
NEED_IT = ("machine-configure", "machine-networks", "machine-disks", "machine-checkpoints")


def respond(
    request: HttpRequest, machine: Machine | None, tab: str, context: Mapping[str, Any]
) -> HttpResponse:
    """Return a tab, or to its live line what changed since it was drawn.

    The context says `part`, the template of what the tab shows; `extra`, values that count as a
    change of it; whether the part `stays` because somebody may be typing in it; and the `piece` of
    it that is drawn anew all the same.
    """
    if machine is None:
        return HttpResponseClientRedirect(reverse("machines"))
    shown = {**page(request, machine, tab, context.get("extra", ())), **context}
    reason = closed(machine, tab)
    if reason:
        shown |= {"part": "tenant_site/machines/_closed.html", "closed": reason}
    if not request.htmx:
        return render(request, "tenant_site/machines/tab.html", shown)
    if "closed" in request.GET:
        shown |= {"stays": False, "piece": ""}
    shown["changed"] = request.GET.get("seen", "") != shown["mark"]
    if not shown["changed"] and not machine.is_busy:
        return HttpResponse(status=204)
    return render(request, "tenant_site/machines/_news.html", shown)


def page(
    request: HttpRequest, machine: Machine, tab: str, extra: tuple[object, ...] = ()
) -> dict[str, Any]:
    """Return what every tab of the machine needs. At most three queries, frame excepted."""
    frame_of(request).watch(machine.pk)
    mine = rights_in(request, machine.subscription.tenant_id)
    bar = bar_for(machine, mine)
    every = tabs(machine, tab)
    off = [each for each in every if each["reason"]]
    return {
        "machine": machine,
        "title": machine.name,
        "tab": tab,
        "tabs": every,
        "closed_titles": ", ".join(str(each["title"]) for each in off),
        "closed_reason": off[0]["reason"] if off else "",
        "rights": mine,
        "commands": bar.front,
        "more": bar.more,
        "reasons": bar.reasons,
        **work(machine, tab),
        "mark": mark(machine, extra),
        "with_steps": tab == DASHBOARD,
    }


def tabs(machine: Machine, current: str) -> list[dict[str, Any]]:
    """Return the tabs; one that is closed says why."""
    return [
        {
            "title": title,
            "url": reverse(name, args=[machine.pk]),
            "current": name == current,
            "reason": closed(machine, name),
        }
        for name, title in TABS
    ]


def closed(machine: Machine, tab: str) -> str:
    """Return why a tab has nothing to show, "" when it has."""
    if tab not in NEED_IT:
        return ""
    if machine.state == MachineState.CREATING:
        return _("This opens when the machine is complete.")
    if machine.state == MachineState.FAILED:
        return _("The machine was not completed: resume its deployment, or remove it.")
    if tab == "machine-checkpoints":
        return why_not(machine.stamp.provider, CHECKPOINTS)
    return ""


def latest_job(machine: Machine) -> Job | None:
    """Return the work that is going on, or the last if it failed; of other work nothing is shown.

    The machine is as machine_access.load reads it.
    """
    is_quiet = not machine.is_busy and machine.state != MachineState.FAILED
    if is_quiet and machine.last_work != JobState.FAILED:
        return None
    job = machine.jobs.order_by("-created_at").first()
    if job is not None:
        job.machine = machine
    return job


def mark(machine: Machine, extra: tuple[object, ...] = ()) -> str:
    """Return a short text that changes whenever what a tab shows does, progress excepted."""
    seen: tuple[object, ...] = (
        machine.state,
        machine.unreachable_since,
        machine.name,
        machine.description,
        machine.cores,
        machine.memory_mb,
        machine.storage_gb,
        machine.tags,
        machine.is_protected,
        machine.ends_at,
        machine.end_action,
        machine.rescued_at,
        machine.media_id,
        tuple(machine.addresses),
        machine.status_text if not machine.is_busy else "",
        extra,
    )
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:12]


def work(machine: Machine, tab: str) -> dict[str, Any]:
    """Return what the part about work shows: what goes on, or how the last thing failed.

    Steps and how long it may take are the dashboard's.
    """
    job = latest_job(machine)
    deploying = bool(job and job.recipe == DEPLOY)
    is_failed = bool(job and job.state == JobState.FAILED and not machine.is_busy)
    waits = bool(job and tab == DASHBOARD and machine.is_busy)
    return {
        "job": job,
        "said": in_short(job) if job else _(machine.get_state_display()),
        "deploying": deploying,
        "failed": machine.state == MachineState.FAILED,
        "can_resume": is_failed,
        "expected": expected(job) if job and waits else None,
        "no_steps": why_not(machine.stamp.provider, JOB_STEPS),
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
        "load_url": reverse(DASHBOARD, args=[machine.pk]),
        "is_running": machine.state == MachineState.RUNNING,
        "charts": drawn,
        "no_load": why_not(machine.stamp.provider, LOAD),
        "measured": any(chart.points for chart in drawn),
        "load_frame": frame,
        "load_frames": Load.Frame.choices,
        "as_table": as_table,
        "samples": charts.table(drawn, charts.Clock(frame)) if as_table else [],
    }


def dashboard(request: HttpRequest, machine: Machine) -> dict[str, Any]:
    """Return what only the dashboard shows."""
    context: dict[str, Any] = {
        "part": "tenant_site/machines/_dashboard.html",
        "limits": effective(machine.subscription, machine.subscription.plan.offering.limits),
        "used": quota.used(machine.subscription),
        "mine": {
            "machines": 1,
            "cores": machine.cores,
            "memory_mb": machine.memory_mb,
            "storage_gb": machine.storage_gb,
        },
    }
    if machine.state not in (MachineState.FAILED, MachineState.CREATING):
        context |= load(request, machine)
    return context
