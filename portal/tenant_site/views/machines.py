"""Virtual machines: the list, the pages of one, and quick create."""

from __future__ import annotations

from typing import Any

from django.http import (
    HttpRequest,
    HttpResponse,
    StreamingHttpResponse,
)
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from fabric.actions import machines
from fabric.models import Machine
from fabric.orders import Guest, NewMachine
from plans.actions import quota
from plans.models import Subscription
from portal.faults import refuse
from portal.frame import frame_of
from portal.templatetags.machines import NOBODY
from portal.tenant_site import machine_export, machine_page
from portal.tenant_site.access import own, signed_in
from portal.tenant_site.forms.machines import QuickCreateForm
from portal.tenant_site.held import anywhere, rights_in
from portal.tenant_site.machine_access import load, load_or_none
from portal.tenant_site.machine_commands import bar_for
from portal.tenant_site.machine_list import MachineList
from portal.tenant_site.machine_selected import verbs_for
from portal.tenant_site.operation_list import of_object
from tenants.errors import Refused
from tenants.rights import Right


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """The list; a fragment of it for filters, and for the live line that says what it has seen."""
    frame = frame_of(request)
    listed = MachineList(request.user, frame.subscriptions, request.GET)
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
    listed = MachineList(request.user, frame_of(request).subscriptions, request.GET)
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
        return render(request, "tenant_site/machines/_charts.html", context)
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


@signed_in
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """Quick create. A fragment is asked for when the plan or the template changes."""
    usable = list(
        Subscription.objects.visible_to(request.user).usable().select_related("plan__offering")
    )
    if not usable:
        return render(request, "tenant_site/machines/none_usable.html", {"title": _("New machine")})
    asked = request.POST if request.method == "POST" else request.GET
    wanted = asked.get("subscription", "")
    chosen = next((one for one in usable if str(one.pk) == wanted), usable[0])
    looking = request.method == "GET" or "look" in request.POST
    form = QuickCreateForm(
        None if looking else request.POST,
        usable=usable,
        chosen=chosen,
        initial={**asked.dict(), "subscription": chosen.pk, "password": ""},
    )
    if not looking and form.is_valid():
        made = deploy(request, form)
        if made:
            return made
    return render_form(request, form)


def deploy(request: HttpRequest, form: QuickCreateForm) -> HttpResponse | None:
    """Return the way to the new machine, None when it was refused."""
    typed = form.cleaned_data
    order = NewMachine(typed["name"], typed["template"], Guest(password=typed["password"]))
    key = str(typed["request_key"])
    try:
        machine = machines.deploy(
            by=request.user, subscription=form.chosen, request_key=key, order=order
        )
    except Refused as refused:
        refuse(form, refused)
        return None
    return redirect("machine", pk=machine.pk)


def render_form(request: HttpRequest, form: QuickCreateForm) -> HttpResponse:
    template = form.wanted_template
    context = {
        "title": _("New virtual machine"),
        "form": form,
        "limits": form.offering.limits,
        "used": quota.used(form.chosen),
        "more": {
            "machines": 1,
            "cores": template.cores,
            "memory_mb": template.memory_mb,
            "storage_gb": template.storage_gb,
        }
        if template
        else {},
    }
    part = "_offer" if request.htmx else "new"
    return render(request, f"tenant_site/machines/{part}.html", context)
