"""Copies and fresh starts: clone, library, rebuild, rescue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from fabric.actions import copies
from fabric.models import Machine
from fabric.states import Verb
from portal.faults import told
from portal.tenant_site.forms.copies import CopyForm, RebuildForm
from portal.tenant_site.forms.disks import MediaForm
from portal.tenant_site.machine_access import back_to, changing
from portal.tenant_site.machine_asking import Asked, ask, confirm, reason_now
from portal.tenant_site.machine_page import DASHBOARD


@changing(Verb.CLONE, "GET", "POST")
def clone(request: HttpRequest, machine: Machine) -> HttpResponse:
    asked = Asked(
        _("Clone %(name)s") % {"name": machine.name},
        _("Create clone"),
        "copy",
        DASHBOARD,
        [
            _("The clone has the same disks and size, and addresses of its own. It is off."),
            _("Names and keys inside are the same until you change them there."),
        ],
        reason=reason_now(request, machine, Verb.CLONE),
    )
    return ask_copy(
        request,
        machine,
        asked,
        lambda **named: copies.clone(by=request.user, machine=machine, **named),
    )


def ask_copy(
    request: HttpRequest, machine: Machine, asked: Asked, make: Callable[..., Machine]
) -> HttpResponse:
    """Ask for the name of a new machine, and lead to it; `make` takes `name` and `request_key`."""

    def act(said: dict[str, Any]) -> HttpResponse:
        made = make(name=said["name"], request_key=str(said["request_key"]))
        return redirect("machine", pk=made.pk)

    return ask(request, machine, asked, CopyForm(request.POST or None), act)


@changing(Verb.STORE, "GET", "POST")
def store(request: HttpRequest, machine: Machine) -> HttpResponse:
    asked = Asked(
        _("Store %(name)s in the library?") % {"name": machine.name},
        _("Store"),
        "library",
        DASHBOARD,
        [
            _("The machine leaves its host and lies in the library until you bring it back."),
            _("It keeps its addresses, and it counts for your quota as before."),
        ],
        reason=reason_now(request, machine, Verb.STORE),
    )
    return confirm(request, machine, asked, lambda: copies.store(by=request.user, machine=machine))


@changing(Verb.DEPLOY_STORED, "GET", "POST")
def bring_back(request: HttpRequest, machine: Machine) -> HttpResponse:
    asked = Asked(
        _("Bring %(name)s back from the library?") % {"name": machine.name},
        _("Bring back"),
        "undo-2",
        DASHBOARD,
        [_("The machine goes onto a host again. It is off until you start it.")],
        reason=reason_now(request, machine, Verb.DEPLOY_STORED),
    )
    return confirm(
        request, machine, asked, lambda: copies.deploy_stored(by=request.user, machine=machine)
    )


@changing(Verb.REBUILD, "GET", "POST")
def rebuild(request: HttpRequest, machine: Machine) -> HttpResponse:
    form = RebuildForm(request.POST or None, machine=machine, by=request.user)

    def act(said: dict[str, Any]) -> None:
        copies.rebuild(
            by=request.user,
            machine=machine,
            template=said["template"],
            guest=form.guest(),
            request_key=str(said["request_key"]),
        )

    asked = Asked(
        _("Rebuild %(name)s") % {"name": machine.name},
        _("Rebuild"),
        "refresh-cw",
        DASHBOARD,
        [_("It is set up anew from a template. Name, size, MAC and network addresses stay.")],
        warns=_("Everything on its disks is deleted for good."),
        tone="danger",
        reason=reason_now(request, machine, Verb.REBUILD),
    )
    return ask(request, machine, asked, form, act)


@changing(Verb.RESCUE, "GET", "POST")
def rescue(request: HttpRequest, machine: Machine) -> HttpResponse:
    form = MediaForm(request.POST or None, machine=machine)
    reason = reason_now(request, machine, Verb.RESCUE)
    if reason is None and not form.fields["media"].queryset.exists():
        reason = _("Your plan holds no image to start from.")
    asked = Asked(
        _("Rescue %(name)s") % {"name": machine.name},
        _("Start rescue"),
        "shield",
        DASHBOARD,
        [
            _("The machine is turned off and starts from an image of the library."),
            _("Its disks stay as they are, to be repaired. End the rescue to start from them."),
        ],
        reason=reason,
    )
    return ask(
        request,
        machine,
        asked,
        form,
        lambda said: copies.rescue(by=request.user, machine=machine, media=said["media"]),
    )


@changing(Verb.END_RESCUE, "POST")
def end_rescue(request: HttpRequest, machine: Machine) -> HttpResponse:
    with told(request):
        copies.end_rescue(by=request.user, machine=machine)
    return back_to(machine)
