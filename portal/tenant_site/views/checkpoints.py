"""The Checkpoints tab: the tree; made, restored, renamed, deleted, made into a machine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabric import abilities
from fabric.actions import checkpoints, copies
from fabric.models import Checkpoint, Machine
from fabric.providers.abilities import FROM_CHECKPOINT
from fabric.states import Verb
from portal.tenant_site.access import own, signed_in
from portal.tenant_site.forms.checkpoints import CheckpointForm, RenameCheckpointForm
from portal.tenant_site.held import rights_in
from portal.tenant_site.machine_access import changing, load_or_none, loader_of
from portal.tenant_site.machine_asking import Asked, ask, confirm, reason_now
from portal.tenant_site.machine_commands import forbidden, why_not
from portal.tenant_site.machine_page import respond
from portal.tenant_site.views.copies import ask_copy
from tenants.rights import Right

TAB = "machine-checkpoints"
DEEPEST = 8
load_checkpoint = loader_of(Checkpoint.objects.all())


@signed_in
@own(load_or_none, "GET")
def index(request: HttpRequest, machine: Machine | None) -> HttpResponse:
    if machine is None:
        return respond(request, None, TAB, {})
    rows = list(machine.checkpoints.all())
    mine = rights_in(request, machine.subscription.tenant_id)
    context = {
        "part": "tenant_site/machines/_checkpoints.html",
        "checkpoints": tree(rows),
        "may": not forbidden(Verb.CHECKPOINT, mine),
        "may_restore": not forbidden(Verb.RESTORE, mine),
        "may_copy": not forbidden(Verb.CHECKPOINT, mine) and Right.CREATE in mine,
        "why": why_not(machine, Verb.CHECKPOINT, mine),
        "why_restore": why_not(machine, Verb.RESTORE, mine),
        "why_copy": _no_copy(request, machine),
        "extra": tuple(
            (one.pk, one.name, one.description, one.parent_id, one.is_current) for one in rows
        ),
    }
    return respond(request, machine, TAB, context)


def tree(rows: Iterable[Checkpoint]) -> list[tuple[int, Checkpoint]]:
    """Return the checkpoints each below its parent, with how deep it stands.

    One whose parent is not known, or is below itself, counts as a root: none is ever left out.
    """
    known = {row.pk: row for row in rows}
    below: dict[Any, list[Checkpoint]] = {}
    for row in known.values():
        below.setdefault(row.parent_id if row.parent_id in known else None, []).append(row)
    found: list[tuple[int, Checkpoint]] = []
    seen: set[Any] = set()

    def walk(start: Checkpoint) -> None:
        waiting = [(0, start)]
        while waiting:
            depth, row = waiting.pop()
            if row.pk in seen:
                continue
            seen.add(row.pk)
            found.append((min(depth, DEEPEST), row))
            waiting += [(depth + 1, child) for child in reversed(below.get(row.pk, []))]

    for root in [*below.get(None, []), *known.values()]:
        walk(root)
    return found


@changing(Verb.CHECKPOINT, "GET", "POST")
def create(request: HttpRequest, machine: Machine) -> HttpResponse:
    form = CheckpointForm(request.POST or None)

    def act(said: dict[str, Any]) -> None:
        checkpoints.create(
            by=request.user,
            machine=machine,
            name=said["name"],
            description=said["description"],
            request_key=str(said["request_key"]),
        )

    asked = Asked(
        _("Create a checkpoint of %(name)s") % {"name": machine.name},
        _("Create checkpoint"),
        "layers",
        TAB,
        [
            _("A checkpoint keeps how the machine is now, to come back to."),
            _("It is no backup: it lies beside the disks, which cannot be enlarged meanwhile."),
        ],
        reason=reason_now(request, machine, Verb.CHECKPOINT),
    )
    return ask(request, machine, asked, form, act)


@changing(Verb.RESTORE, "GET", "POST", load=load_checkpoint)
def restore(request: HttpRequest, checkpoint: Checkpoint) -> HttpResponse:
    machine = checkpoint.machine
    asked = Asked(
        _("Restore “%(name)s”?") % {"name": checkpoint},
        _("Restore"),
        "undo-2",
        TAB,
        warns=_lost(checkpoint),
        tone="danger",
        reason=reason_now(request, machine, Verb.RESTORE),
        aside=_first_keep(request, machine),
    )
    return confirm(
        request,
        machine,
        asked,
        lambda: checkpoints.restore(by=request.user, checkpoint=checkpoint),
    )


@changing(Verb.CHECKPOINT, "GET", "POST", load=load_checkpoint)
def rename(request: HttpRequest, checkpoint: Checkpoint) -> HttpResponse:
    form = RenameCheckpointForm(request.POST or None, checkpoint=checkpoint)
    asked = Asked(
        _("Rename “%(name)s”") % {"name": checkpoint},
        _("Save"),
        "pencil",
        TAB,
        reason=reason_now(request, checkpoint.machine, Verb.CHECKPOINT),
    )
    return ask(
        request,
        checkpoint.machine,
        asked,
        form,
        lambda said: checkpoints.rename(
            by=request.user,
            checkpoint=checkpoint,
            name=said["name"],
            description=said["description"],
        ),
    )


@changing(Verb.CHECKPOINT, "GET", "POST", load=load_checkpoint)
def remove(request: HttpRequest, checkpoint: Checkpoint) -> HttpResponse:
    below = checkpoint.children.count()
    says = [_("The machine stays as it is. Nobody can come back to this checkpoint any more.")]
    if below:
        says.append(
            ngettext(
                "%(n)d checkpoint below it stays, and moves up.",
                "%(n)d checkpoints below it stay, and move up.",
                below,
            )
            % {"n": below}
        )
    asked = Asked(
        _("Delete “%(name)s”?") % {"name": checkpoint},
        _("Delete checkpoint"),
        "trash-2",
        TAB,
        says,
        tone="danger",
        reason=reason_now(request, checkpoint.machine, Verb.CHECKPOINT),
    )
    return confirm(
        request,
        checkpoint.machine,
        asked,
        lambda: checkpoints.remove(by=request.user, checkpoint=checkpoint),
    )


@changing(Verb.CHECKPOINT, "GET", "POST", load=load_checkpoint)
def to_machine(request: HttpRequest, checkpoint: Checkpoint) -> HttpResponse:
    """Another machine, as this one was."""
    machine = checkpoint.machine
    asked = Asked(
        _("New machine from “%(name)s”") % {"name": checkpoint},
        _("Create machine"),
        "copy",
        TAB,
        [
            _("It is as %(machine)s was then, with addresses of its own, and it is off.")
            % {"machine": machine.name},
            _("Names and keys inside are the same until you change them there."),
        ],
        reason=_no_copy(request, machine),
    )
    return ask_copy(
        request,
        machine,
        asked,
        lambda **named: copies.from_checkpoint(by=request.user, checkpoint=checkpoint, **named),
    )


def _no_copy(request: HttpRequest, machine: Machine) -> str | None:
    absent = abilities.why_not(machine.stamp.provider, FROM_CHECKPOINT)
    return absent or reason_now(request, machine, Verb.CHECKPOINT)


def _first_keep(request: HttpRequest, machine: Machine) -> tuple[str, str] | None:
    """Return the way to a checkpoint of what would be lost, for who may make one."""
    if reason_now(request, machine, Verb.CHECKPOINT) is not None:
        return None
    return _("Create a checkpoint of it first"), reverse("machine-checkpoint", args=[machine.pk])


def _lost(checkpoint: Checkpoint) -> str:
    said = {"machine": checkpoint.machine.name}
    if checkpoint.created_at is None:
        return (
            _("%(machine)s becomes what it was then. Files and settings changed since are lost.")
            % said
        )
    said["at"] = date_format(timezone.localtime(checkpoint.created_at), "j M Y, H:i")
    return (
        _("%(machine)s becomes what it was at %(at)s. Files and settings changed since are lost.")
        % said
    )
