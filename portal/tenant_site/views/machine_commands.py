"""What can be asked of a machine: start, stop, delete, go on, connect."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from fabric import connect
from fabric.actions import machines, power
from fabric.models import Machine
from portal.faults import refuse, told
from portal.tenant_site.access import own, signed_in
from portal.tenant_site.forms.machines import DeleteForm
from portal.tenant_site.machine_access import back_to, load
from tenants.errors import Refused


@signed_in
@own(load, "POST")
def operate(request: HttpRequest, machine: Machine) -> HttpResponse:
    with told(request):
        power.operate(by=request.user, machine=machine, verb=request.POST.get("verb", ""))
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


@signed_in
@own(load, "GET", "POST")
def delete(request: HttpRequest, machine: Machine) -> HttpResponse:
    form = DeleteForm(request.POST if request.method == "POST" else None, name=machine.name)
    if request.method == "POST" and form.is_valid():
        try:
            machines.delete(by=request.user, machine=machine)
        except Refused as refused:
            refuse(form, refused)
        else:
            return back_to(machine)
    context = {
        "title": _("Delete %(name)s") % {"name": machine.name},
        "machine": machine,
        "form": form,
    }
    return render(request, "tenant_site/machines/delete.html", context)


@signed_in
@own(load, "GET")
def connect_to(request: HttpRequest, machine: Machine) -> HttpResponse:
    """A remote desktop file, or the reason why there is none."""
    try:
        content = connect.rdp_file(machine)
    except Refused as refused:
        messages.error(request, refused.message)
        return back_to(machine)
    return HttpResponse(
        content,
        content_type="application/x-rdp",
        headers={"Content-Disposition": f'attachment; filename="{machine.name}.rdp"'},
    )
