"""Virtual machines: the list, the pages of one, and what is done with them."""

from __future__ import annotations

from typing import Any

from django.http import (
    HttpRequest,
    HttpResponse,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from fabric.models import Machine
from portal.frame import frame_of
from portal.templatetags.machines import NOBODY
from portal.tenant_site import machine_export, machine_page
from portal.tenant_site.access import own, signed_in
from portal.tenant_site.held import anywhere, rights_in
from portal.tenant_site.machine_access import load, load_or_none
from portal.tenant_site.machine_commands import bar_for
from portal.tenant_site.machine_list import MachineList
from portal.tenant_site.machine_selected import verbs_for
from portal.tenant_site.operation_list import of_object
from tenants.rights import Right


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """The list; a fragment of it for filters, and for the live line that says what it has seen."""
    frame = frame_of(request)
    listed = MachineList(request)
    frame.watch(*{one.tenant_id for one in frame.subscriptions})
    context = {
        "title": _("Virtual machines"),
        "listed": listed,
        "sort": listed.sort,
        "subscriptions": frame.subscriptions,
        "with_subscription": len(frame.subscriptions) > 1,
        "verbs": verbs_for(anywhere(request)),
        "nobody": NOBODY,
        "can_create": any(
            one.is_usable and Right.CREATE in rights_in(request, one.tenant_id)
            for one in frame.subscriptions
        ),
    }
    part = "index"
    if request.htmx:
        seen = request.GET.get("seen")
        context["changed"] = seen != listed.mark
        part = "_list" if seen is None else "_rows"
    return render(request, f"tenant_site/machines/{part}.html", context)


@signed_in
@require_GET
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Everything that matches as a file, however long the list."""
    listed = MachineList(request)
    name = f"machines-{timezone.localdate():%Y-%m-%d}.csv"
    return StreamingHttpResponse(
        machine_export.lines(listed),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@signed_in
@own(load, "GET")
def commands(request: HttpRequest, machine: Machine) -> HttpResponse:
    """The menu of a row: what can be done with this machine now."""
    bar = bar_for(machine, rights_in(request, machine.subscription.tenant_id))
    context = {"title": machine.name, "machine": machine, "commands": bar.possible}
    part = "_row_menu" if request.htmx else "row_menu"
    return render(request, f"tenant_site/machines/{part}.html", context)


@signed_in
@own(load_or_none, "GET")
def show(request: HttpRequest, machine: Machine | None) -> HttpResponse:
    """The dashboard; its charts ask for themselves."""
    if machine is not None and request.htmx and request.GET.get("part") == "charts":
        context = machine_page.load(request, machine)
        return render(request, "components/load.html", context)
    context = machine_page.dashboard(request, machine) if machine else {}
    return machine_page.respond(request, machine, machine_page.DASHBOARD, context)


@signed_in
@own(load_or_none, "GET")
def activity(request: HttpRequest, machine: Machine | None) -> HttpResponse:
    """Everything that was done with it, each with its job."""
    context: dict[str, Any] = {"part": "tenant_site/machines/_activity.html"}
    if machine is not None:
        acts, page = of_object(request.user, machine.pk, request.GET)
        context |= {"acts": acts, "page": page}
        context["extra"] = tuple((act.started.pk, act.outcome) for act in acts)
    return machine_page.respond(request, machine, "machine-activity", context)
