"""What the page of a host shows beside its facts: load, drain and maintenance."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fabric.vmm import drain, performance
from fabric.vmm.actions import hosts
from fabric.vmm.errors import VMMError
from fabric.vmm.models import Host
from portal.admin_site.fabric import log
from portal.admin_site.fabric.console import Console, fabric_page
from portal.admin_site.fabric.noun import Command
from portal.admin_site.fabric.pages import curves

ACTS = ("drain", "stop-drain", "maintain", "release")


def commands(host: Host) -> list[Command]:
    """Return what can be done with a host beside changing it."""
    url = reverse("fabric-host-do", args=[host.pk])

    def button(verb: str, title: str, icon: str, reason: str = "") -> Command:
        return Command(title, icon, url, "post", reason=reason, name="verb", value=verb)

    found = []
    if host.drain_started_at is not None:
        found.append(button("stop-drain", _("Stop draining"), "circle-stop"))
    else:
        found.append(button("drain", _("Drain"), "log-out"))
    if host.is_in_maintenance:
        found.append(button("release", _("End maintenance"), "circle-play"))
    else:
        found.append(button("maintain", _("Begin maintenance"), "wrench"))
    found.append(Command(_("Compare now"), "refresh-cw", reverse("fabric-drift-compare"), "post"))
    return found


def context(host: Host, console: Console) -> dict[str, Any]:
    """Return what the first tab needs more; nothing for the others."""
    if console.request.GET.get("tab"):
        return {}
    return load(console.request, host) | drained(host)


def load(request: HttpRequest, host: Host) -> dict[str, Any]:
    """Return the load of all machines on a host over time."""
    told = performance.host_curves(host, curves.frame_asked(request))
    here = reverse("fabric-host-live", args=[host.pk])
    return curves.load(request, told, host.memory_mb) | {"load_url": here, "is_running": True}


def drained(host: Host) -> dict[str, Any]:
    """Return how far a drain has come; None when there is none."""
    draining = host.drain_started_at is not None
    progress = drain.progress(host) if draining else None
    percent = 100
    if progress is not None and progress.total:
        percent = progress.done * 100 // progress.total
    return {"row": host, "progress": progress, "drain_percent": percent}


def found(console: Console, pk: uuid.UUID) -> Host:
    host: Host = get_object_or_404(Host.objects.visible_to(console.caller), pk=pk)
    console.stand_on(host.server_id)
    return host


def live(request: HttpRequest, console: Console, pk: uuid.UUID) -> HttpResponse:
    """Return the part of the page that htmx asks for again; to others, the page."""
    host = found(console, pk)
    if not request.htmx:
        return redirect("fabric-host", pk)
    if request.GET.get("part") == "charts":
        return render(request, "components/load.html", load(request, host))
    return render(request, "admin_site/fabric/hosts/_drain.html", drained(host))


def do(request: HttpRequest, console: Console, pk: uuid.UUID) -> HttpResponse:
    """Drain a host, or take it into maintenance and out of it."""
    host = found(console, pk)
    verb = request.POST.get("verb", "")
    if verb not in ACTS:
        messages.error(request, _("There is no such command."))
        return redirect("fabric-host", pk)
    try:
        log.carry_out(
            f"fabric.host.{verb}",
            lambda: act(console, host, verb),
            by=request.user,
            object_type="fabric-host",
            row=host,
        )
    except VMMError as refused:
        messages.error(request, f"{refused.message} {refused.advice}".strip())
    return redirect("fabric-host", pk)


def act(console: Console, host: Host, verb: str) -> Host:
    if verb == "drain":
        return drain.start(console.caller, host)
    if verb == "stop-drain":
        return drain.stop(console.caller, host)
    return hosts.set_maintenance(console.caller, host, is_in_maintenance=verb == "maintain")


live_page = fabric_page(live)
do_page = fabric_page(require_POST(do), changes=True)
