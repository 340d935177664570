"""The page of one virtual machine, with its tabs."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from django.db.models import Prefetch, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh

from fabric.durable.states import LIVE
from fabric.vmm import performance, placement
from fabric.vmm.models import (
    AddressLease,
    Checkpoint,
    Job,
    VirtualMachine,
)
from fabric.vmm.states import MachineStatus
from portal.admin_site.fabric import sections
from portal.admin_site.fabric.console import Console, fabric_page
from portal.admin_site.fabric.nouns import noun_of
from portal.admin_site.fabric.nouns.machines import owner, state
from portal.admin_site.fabric.pages import curves, live, machine_commands, machine_forms
from portal.admin_site.fabric.tables import table
from portal.admin_site.listing import listed

MOST_DEPTH = 8

TABS = (
    ("", gettext_lazy("Dashboard")),
    ("configure", gettext_lazy("Configure")),
    ("disks", gettext_lazy("Disks")),
    ("networks", gettext_lazy("Networks")),
    ("dvd", gettext_lazy("DVD")),
    ("checkpoints", gettext_lazy("Checkpoints")),
    ("placement", gettext_lazy("Placement")),
    ("jobs", gettext_lazy("Jobs")),
)


def found(console: Console, pk: uuid.UUID) -> VirtualMachine:
    """Return the machine with what its page needs, and put its server in view."""
    rows = VirtualMachine.objects.visible_to(console.caller).select_related(
        "cloud", "host", "role", "template", "affinity", "stored_on", "moving_to", "server"
    )
    machine: VirtualMachine = get_object_or_404(rows, pk=pk)
    console.stand_on(machine.server_id)
    return machine


def job_of(machine: VirtualMachine) -> Job | None:
    """Return the job that works on the machine now, else the one that failed last. One query."""
    its = Q(subject=machine.pk, state__in=LIVE) | Q(pk=machine.failed_job_id)
    jobs = list(Job.objects.filter(its).select_related("host", "template"))
    return next((job for job in jobs if not job.is_final), None) or next(iter(jobs), None)


def mark(machine: VirtualMachine, job: Job | None) -> str:
    """Return a short text that changes whenever the page ought to be drawn anew."""
    seen = (machine.status, machine.host_id, machine.name, job and job.pk, job and job.is_final)
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:12]


def show(request: HttpRequest, console: Console, pk: uuid.UUID) -> HttpResponse:
    """One machine; while work goes on, the fragment that is asked for again and again."""
    try:
        machine = found(console, pk)
    except Http404:
        if request.htmx:
            return gone(console, pk)
        raise
    if request.htmx:
        return fragment(request, machine)
    context = page(request, machine, console)
    tab = context["tab"]
    context |= CONTEXTS[tab](request, machine, console)
    return render(request, f"admin_site/fabric/machines/{tab or 'dashboard'}.html", context)


def gone(console: Console, pk: uuid.UUID) -> HttpResponse:
    """Lead those who watched a machine go to the job that removed it."""
    last = Job.objects.visible_to(console.caller).filter(subject=pk).order_by("-created_at").first()
    if last is None:
        raise Http404
    return HttpResponseClientRedirect(reverse("fabric-job", args=[last.pk]))


def fragment(request: HttpRequest, machine: VirtualMachine) -> HttpResponse:
    """Return the part that htmx asked for, or have the page drawn anew."""
    if request.GET.get("part") == "charts":
        context = dashboard_load(request, machine)
        return render(request, "components/load.html", context)
    job = job_of(machine)
    if request.GET.get("seen", "") != mark(machine, job):
        return HttpResponseClientRefresh()
    if not live.is_live(job):
        return HttpResponse(status=204)
    return render(request, "admin_site/fabric/machines/_work.html", work(machine, job))


def work(machine: VirtualMachine, job: Job | None) -> dict[str, Any]:
    """Return what the card of long work shows."""
    failed_now = job is not None and machine.failed_job_id == job.pk
    return {
        "machine": machine,
        "work": live.work(job, failed_now=failed_now) if job else None,
        "mark": mark(machine, job),
    }


def page(request: HttpRequest, machine: VirtualMachine, console: Console) -> dict[str, Any]:
    """Return what every tab of the machine needs."""
    asked = request.GET.get("tab", "")
    tab = asked if asked in CONTEXTS else ""
    here = reverse("fabric-machine", args=[machine.pk])
    job = job_of(machine)
    working = job if live.is_live(job) else None
    bar = machine_commands.Bar([], [])
    if console.may_change:
        bar = machine_commands.bar(machine, working)
    return work(machine, job) | {
        "console": console,
        "state": state(machine, "badge"),
        "up": console.link("fabric-machine-list"),
        "tabs": sections.section_tabs("machines", "fabric-machine", console),
        "tab": tab,
        "row_tabs": [
            {"title": title, "url": f"{here}?tab={key}" if key else here, "current": key == tab}
            for key, title in TABS
        ],
        "commands": bar.front,
        "more": bar.more,
        "reasons": machine_commands.reasons(bar.front),
        "halted": machine_commands.busy(working),
    }


def dashboard(request: HttpRequest, machine: VirtualMachine, console: Console) -> dict[str, Any]:
    leases = AddressLease.objects.filter(adapter__machine=machine.pk).order_by("address")
    known = {
        "addresses": list(leases.values_list("address", flat=True)),
        "owner": owner(machine),
    }
    return known | dashboard_load(request, machine)


def dashboard_load(request: HttpRequest, machine: VirtualMachine) -> dict[str, Any]:
    told = performance.curves(machine, curves.frame_asked(request))
    load = curves.load(request, told, machine.memory_mb)
    here = reverse("fabric-machine", args=[machine.pk])
    is_running = machine.status == MachineStatus.RUNNING
    return load | {"machine": machine, "load_url": here, "is_running": is_running}


def configure(request: HttpRequest, machine: VirtualMachine, console: Console) -> dict[str, Any]:
    if not console.may_change:
        return {}
    return {
        "configure": machine_forms.Configure(console=console, machine=machine),
        "give": machine_forms.Give(console=console, machine=machine),
    }


def disks(request: HttpRequest, machine: VirtualMachine, console: Console) -> dict[str, Any]:
    rows = machine.disks.select_related("source", "classification", "volume", "moving_to")
    return {"disks": list(rows.order_by("bus_type", "bus", "lun"))}


def networks(request: HttpRequest, machine: VirtualMachine, console: Console) -> dict[str, Any]:
    leases = Prefetch("leases", AddressLease.objects.select_related("pool").order_by("address"))
    rows = machine.adapters.select_related("network__logical_network").prefetch_related(leases)
    return {"adapters": list(rows.order_by("slot"))}


def dvd(request: HttpRequest, machine: VirtualMachine, console: Console) -> dict[str, Any]:
    drives = list(machine.dvds.select_related("iso__share").order_by("bus", "lun"))
    form = machine_forms.Insert(console=console, machine=machine) if console.may_change else None
    return {"drives": drives, "insert": form}


def checkpoints(request: HttpRequest, machine: VirtualMachine, console: Console) -> dict[str, Any]:
    rows = list(machine.checkpoints.order_by("created_at", "name"))
    form = machine_forms.MakeCheckpoint(console=console, machine=machine)
    return {"checkpoints": tree(rows), "make": form if console.may_change else None}


def tree(rows: list[Checkpoint]) -> list[tuple[int, Checkpoint]]:
    """Return the checkpoints as a tree, each with its depth, in the order to draw them."""
    known = {row.pk for row in rows}
    below: dict[Any, list[Checkpoint]] = {}
    for row in rows:
        below.setdefault(row.parent_id if row.parent_id in known else None, []).append(row)
    drawn, waiting = [], [(0, row) for row in reversed(below.get(None, []))]
    while waiting:
        depth, row = waiting.pop()
        drawn.append((min(depth, MOST_DEPTH), row))
        waiting += [(depth + 1, child) for child in reversed(below.get(row.pk, []))]
    return drawn


def rated(request: HttpRequest, machine: VirtualMachine, console: Console) -> dict[str, Any]:
    here = [machine.host] if machine.host else []
    return {"ratings": placement.rate(machine, exclude=here)}


def jobs(request: HttpRequest, machine: VirtualMachine, console: Console) -> dict[str, Any]:
    noun = noun_of("job")
    rows = noun.find(console).filter(subject=machine.pk)
    context = listed(request, rows, noun.sorts, default=noun.default_sort)
    return context | {"table": table(noun, context["page"].rows, without={"target"})}


CONTEXTS = {
    "": dashboard,
    "configure": configure,
    "disks": disks,
    "networks": networks,
    "dvd": dvd,
    "checkpoints": checkpoints,
    "placement": rated,
    "jobs": jobs,
}
show_page = fabric_page(require_GET(show))
