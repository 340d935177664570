"""The Disks tab: disks attached, enlarged, removed; the DVD drive."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from fabric.actions import disks, media
from fabric.models import Disk, Machine
from fabric.states import Verb
from portal.faults import told
from portal.tenant_site.access import own, signed_in
from portal.tenant_site.forms.disks import AttachDiskForm, GrowDiskForm, MediaForm
from portal.tenant_site.forms.typed import TypedNameForm
from portal.tenant_site.held import rights_in
from portal.tenant_site.machine_access import back_to, changing, load_or_none, loader_of
from portal.tenant_site.machine_asking import Asked, ask, reason_now
from portal.tenant_site.machine_commands import forbidden
from portal.tenant_site.machine_page import respond

TAB = "machine-disks"
load_disk = loader_of(Disk.objects.all())


@signed_in
@own(load_or_none, "GET")
def index(request: HttpRequest, machine: Machine | None) -> HttpResponse:
    if machine is None:
        return respond(request, None, TAB, {})
    rows = list(machine.disks.all())
    mine = rights_in(request, machine.subscription.tenant_id)
    context = {
        "part": "tenant_site/machines/_disks.html",
        "disks": rows,
        "total_gb": sum(disk.size_gb for disk in rows),
        "may": not forbidden(Verb.DISKS, mine),
        "why": _why_not(request, machine),
        "no_media": _no_media(request, machine),
        "extra": tuple((disk.pk, disk.name, disk.size_gb) for disk in rows),
    }
    return respond(request, machine, TAB, context)


@changing(Verb.DISKS, "GET", "POST")
def attach(request: HttpRequest, machine: Machine) -> HttpResponse:
    form = AttachDiskForm(request.POST or None, machine=machine)

    def act(said: dict[str, Any]) -> None:
        disks.attach(
            by=request.user,
            machine=machine,
            size_gb=said["size_gb"],
            library_disk=said["library_disk"],
            name=said["name"],
            request_key=str(said["request_key"]),
        )

    asked = Asked(
        _("Add a disk to %(name)s") % {"name": machine.name},
        _("Add disk"),
        "hard-drive",
        TAB,
        [_("An empty disk has to be formatted in the machine. Its size counts for your quota.")],
        reason=_why_not(request, machine),
    )
    return ask(request, machine, asked, form, act)


@changing(Verb.DISKS, "GET", "POST", load=load_disk)
def grow(request: HttpRequest, disk: Disk) -> HttpResponse:
    form = GrowDiskForm(request.POST or None, disk=disk)
    asked = Asked(
        _("Enlarge %(name)s") % {"name": disk},
        _("Enlarge"),
        "hard-drive",
        TAB,
        [_("The disk grows; the file system on it is enlarged in the machine afterwards.")],
        reason=_why_not(request, disk.machine),
    )
    return ask(
        request,
        disk.machine,
        asked,
        form,
        lambda said: disks.grow(by=request.user, disk=disk, size_gb=said["size_gb"]),
    )


@changing(Verb.DISKS, "GET", "POST", load=load_disk)
def remove(request: HttpRequest, disk: Disk) -> HttpResponse:
    """Detach a disk and delete it: what is on it is lost."""
    form = TypedNameForm(request.POST or None, name=str(disk))
    reason = _why_not(request, disk.machine)
    if reason is None and disk.is_boot:
        reason = _("The machine starts from this disk: it cannot be removed.")
    asked = Asked(
        _("Remove %(name)s?") % {"name": disk},
        _("Remove for good"),
        "trash-2",
        TAB,
        warns=_("The disk with its %(size)d GB is deleted. Nobody can bring back what is on it.")
        % {"size": disk.size_gb},
        tone="danger",
        reason=reason,
    )
    return ask(
        request,
        disk.machine,
        asked,
        form,
        lambda _said: disks.remove(by=request.user, disk=disk),
    )


@changing(Verb.MEDIA, "GET", "POST")
def insert(request: HttpRequest, machine: Machine) -> HttpResponse:
    """An image for the DVD drive."""
    form = MediaForm(request.POST or None, machine=machine)
    asked = Asked(
        _("Insert an image into %(name)s") % {"name": machine.name},
        _("Insert"),
        "library",
        TAB,
        [_("The machine finds it in its DVD drive. What is in the drive now is taken out.")],
        reason=_no_media(request, machine),
    )
    return ask(
        request,
        machine,
        asked,
        form,
        lambda said: media.insert(by=request.user, machine=machine, media=said["media"]),
    )


@changing(Verb.MEDIA, "POST")
def eject(request: HttpRequest, machine: Machine) -> HttpResponse:
    with told(request):
        media.eject(by=request.user, machine=machine)
    return back_to(machine, TAB)


def _why_not(request: HttpRequest, machine: Machine) -> str | None:
    return reason_now(request, machine, Verb.DISKS) or disks.why_not(machine)


def _no_media(request: HttpRequest, machine: Machine) -> str | None:
    if machine.rescued_at is not None:
        return _("It is in rescue: end that first.")
    return reason_now(request, machine, Verb.MEDIA)
