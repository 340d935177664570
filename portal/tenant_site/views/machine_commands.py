"""What can be asked of a machine: start, stop, delete, go on, connect."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from fabric import connect
from fabric.actions import machines, power
from fabric.models import Machine
from fabric.states import POWER, Verb
from portal.faults import told
from portal.tenant_site.access import own, signed_in
from portal.tenant_site.forms.typed import TypedNameForm
from portal.tenant_site.held import rights_in
from portal.tenant_site.machine_access import back_to, changing, load, refuse_role
from portal.tenant_site.machine_asking import Asked, ask, reason_now
from portal.tenant_site.machine_commands import connect_why_not, runs_windows
from tenants.rights import Right


@signed_in
@own(load, "POST")
def operate(request: HttpRequest, machine: Machine) -> HttpResponse:
    verb = request.POST.get("verb", "")
    if verb in POWER:
        refuse_role(request, machine, verb)
    with told(request):
        power.operate(by=request.user, machine=machine, verb=verb)
    # Where it was asked for, people go on.
    after = request.POST.get("next", "")
    if after == "list":
        return redirect("machines")
    return back_to(machine, "machine-configure" if after == "machine-configure" else "machine")


@signed_in
@own(load, "POST")
def resume(request: HttpRequest, machine: Machine) -> HttpResponse:
    with told(request):
        machines.resume(by=request.user, machine=machine)
    return back_to(machine)


@changing(Verb.DELETE, "GET", "POST")
def delete(request: HttpRequest, machine: Machine) -> HttpResponse:
    asked = Asked(
        _("Delete %(name)s?") % {"name": machine.name},
        _("Delete for good"),
        "trash-2",
        "machine",
        warns=_("%(name)s and its disks are deleted for good. Nobody can bring them back.")
        % {"name": machine.name},
        tone="danger",
        reason=reason_now(request, machine, Verb.DELETE),
    )
    form = TypedNameForm(request.POST if request.method == "POST" else None, name=machine.name)
    return ask(
        request,
        machine,
        asked,
        form,
        lambda _said: machines.delete(by=request.user, machine=machine),
    )


@signed_in
@own(load, "GET")
def connect_to(request: HttpRequest, machine: Machine) -> HttpResponse:
    """A remote desktop file, or what to type for a system without one; else the reason."""
    mine = rights_in(request, machine.subscription.tenant_id)
    if Right.REMOTE_CONNECT not in mine:
        raise PermissionDenied(
            _("Your role does not allow this: %(right)s.") % {"right": Right.REMOTE_CONNECT.label}
        )
    reason = connect_why_not(machine)
    if reason:
        messages.error(request, reason)
        return back_to(machine)
    if not runs_windows(machine):
        context = {"title": _("Connect to %(name)s") % {"name": machine.name}, "machine": machine}
        return render(request, "tenant_site/machines/connect.html", context)
    return HttpResponse(
        connect.rdp_file(machine),
        content_type="application/x-rdp",
        headers={"Content-Disposition": f'attachment; filename="{machine.name}.rdp"'},
    )
