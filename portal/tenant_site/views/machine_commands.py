"""What can be asked of a machine: start, stop, delete, go on, connect."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from fabric import connect
from fabric.actions import machines
from portal.faults import refuse, told
from portal.tenant_site.access import signed_in
from portal.tenant_site.forms.machines import DeleteForm
from portal.tenant_site.views.machines import back_to, load
from tenants.errors import Refused


@signed_in
@require_POST
def operate(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    machine = load(request, pk)
    with told(request):
        machines.operate(by=request.user, machine=machine, verb=request.POST.get("verb", ""))
    return back_to(machine)


@signed_in
@require_POST
def resume(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    machine = load(request, pk)
    with told(request):
        machines.resume(by=request.user, machine=machine)
    return back_to(machine)


@signed_in
@require_http_methods(["GET", "POST"])
def delete(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    machine = load(request, pk)
    form = DeleteForm(request.POST or None, name=machine.name)
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
@require_GET
def connect_to(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """A remote desktop file, or the reason why there is none."""
    machine = load(request, pk)
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
