"""The drift desk: what differs between our books and the hosts, and what is to be done about it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from celery import signature
from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from fabric.durable.nudge import nudge_on_commit
from fabric.vmm.actions import drift as actions
from fabric.vmm.errors import VMMError
from fabric.vmm.models import Cloud, Drift, DriftKind, DriftState, Job, LibraryShare, UserRole
from portal.admin_site.fabric import cells, log, sections
from portal.admin_site.fabric.console import Console, fabric_page
from portal.admin_site.fabric.filters import NounFilter
from portal.admin_site.fabric.forms import OWNERS, NounForm, RowField, line
from portal.admin_site.fabric.noun import Command
from portal.admin_site.fabric.nouns import noun_of
from portal.admin_site.fabric.nouns.drift import settled, sides, state, title
from portal.admin_site.fabric.nouns.machines import host
from portal.admin_site.fabric.pages.machine_commands import reasons
from portal.admin_site.fabric.views import page_of
from portal.admin_site.listing import listed

COMPARE = "fabric.vmm.tasks.compare"
VERBS = ("adopt", "repair", "ignore", "reopen")
# What adopting asks more about.
ASKS = frozenset({DriftKind.UNKNOWN_MACHINE, DriftKind.ORPHAN_DISK})


class AdoptMachine(NounForm):
    cloud = RowField(
        Cloud,
        label=gettext_lazy("Cloud"),
        help_text=gettext_lazy("One that is made of the host’s group."),
    )
    role = RowField(
        UserRole,
        label=gettext_lazy("For the user role"),
        required=False,
        only=OWNERS,
        empty_label=gettext_lazy("None: the operators’ own"),
        help_text=gettext_lazy("The machine counts against its limits."),
    )
    owner_name = line(gettext_lazy("Owner"), longest=320)


class AdoptDisk(NounForm):
    share = RowField(
        LibraryShare,
        label=gettext_lazy("Library share"),
        help_text=gettext_lazy("The disk is kept there, and can be added to machines."),
    )


class Nothing(NounForm):
    """Nothing more to say."""


class LoseData(NounForm):
    """The name must be typed: what is there is lost for good."""

    def __init__(self, *args: Any, named: str, **kwargs: Any) -> None:
        self.named = named
        super().__init__(*args, **kwargs)
        self.fields["confirm"] = line(_("Type %s to confirm") % named, required=True)

    def clean_confirm(self) -> str:
        typed: str = self.cleaned_data["confirm"].strip()
        if typed != self.named:
            raise forms.ValidationError(_("This is not the name."))
        return typed

    def keywords(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True)
class Choice:
    """A button of a difference: what it does, and whether it asks more on a page of its own."""

    verb: str
    word: str
    asks: bool
    tone: str = ""


@dataclass(frozen=True)
class Line:
    """A difference as the list shows it."""

    drift: Drift
    title: str
    kind: str
    ours: str
    theirs: str
    host: Any
    settled: str
    choices: list[Choice]


def choices(drift: Drift) -> list[Choice]:
    """Return what can be done about a difference."""
    if drift.state == DriftState.SETTLED:
        return []
    kind = DriftKind(drift.kind)
    found = []
    if kind in actions.ADOPTABLE:
        found.append(Choice("adopt", _(actions.ADOPTABLE[kind]), kind in ASKS))
    if kind in actions.REPAIRABLE:
        loses = kind in actions.LOSES_DATA
        found.append(
            Choice("repair", _(actions.REPAIRABLE[kind]), loses, "danger" if loses else "")
        )
    if drift.state == DriftState.OPEN:
        found.append(Choice("ignore", _("Ignore"), False))
    else:
        found.append(Choice("reopen", _("Open again"), False))
    return found


def line_of(drift: Drift) -> Line:
    kind = _(drift.get_kind_display())
    ours, theirs = sides(drift)
    return Line(
        drift, title(drift), kind, ours, theirs, host(drift.host), settled(drift), choices(drift)
    )


def index(request: HttpRequest, console: Console) -> HttpResponse:
    """Show the differences: those that stand open, unless others are asked for."""
    noun = noun_of("drift")
    asked = request.GET.copy()
    asked.setdefault("state", DriftState.OPEN)
    filters = NounFilter(asked, noun=noun, console=console)
    rows = noun.queryset(console)
    context = listed(request, filters.narrow(rows), noun.sorts, default=noun.default_sort)
    context |= page_of(noun, console) | {
        "filters": filters,
        "lines": [line_of(drift) for drift in context["page"].rows],
        "clear_url": console.link(noun.list_name),
        "is_filtered": any(key in filters.asked for key in ("q", "kind", "host")),
        "compared_at": console.server.compared_at,
        "compare_url": console.link("fabric-drift-compare"),
    }
    return render(request, "admin_site/fabric/drift/list.html", context)


def found(console: Console, pk: uuid.UUID) -> Drift:
    """Return the difference, and put its server in view."""
    drift: Drift = get_object_or_404(noun_of("drift").find(console), pk=pk)
    console.stand_on(drift.server_id)
    return drift


def show(request: HttpRequest, console: Console, pk: uuid.UUID) -> HttpResponse:
    """One difference with all that is known of it."""
    drift = found(console, pk)
    told = line_of(drift)
    commands = [command(drift, choice) for choice in told.choices] if console.may_change else []
    context = {
        "console": console,
        "drift": drift,
        "line": told,
        "state": state(drift, "badge"),
        "up": console.link("fabric-drift-list"),
        "tabs": sections.section_tabs("drift", "fabric-drift", console),
        "commands": commands,
        "reasons": reasons(commands),
        "facts": [
            (_("Kind"), told.kind),
            (_("Host"), cells.link("host", drift.host)),
            (_("Machine"), cells.link("machine", drift.machine)),
            (_("Found"), cells.when(drift.found_at)),
            (_("Last seen"), cells.when(drift.seen_at)),
            (_("Settled"), cells.when(drift.settled_at)),
            (_("How"), cells.text(told.settled)),
            (_("Id of the thing"), cells.code(drift.object_id)),
        ],
    }
    return render(request, "admin_site/fabric/drift/show.html", context)


def command(drift: Drift, choice: Choice) -> Command:
    url = reverse("fabric-drift-act", args=[drift.pk, choice.verb])
    return Command(
        choice.word, ICONS[choice.verb], url, "get" if choice.asks else "post", choice.tone
    )


ICONS = {"adopt": "check", "repair": "wrench", "ignore": "eye-off", "reopen": "undo-2"}


def form_of(drift: Drift, verb: str, request: HttpRequest, console: Console) -> NounForm:
    """Return the form of what an act asks."""
    data = (request.POST or {"": ""}) if request.method == "POST" else None
    kind = DriftKind(drift.kind)
    if verb == "adopt" and kind == DriftKind.UNKNOWN_MACHINE:
        return AdoptMachine(data, console=console)
    if verb == "adopt" and kind == DriftKind.ORPHAN_DISK:
        return AdoptDisk(data, console=console)
    if verb == "repair" and kind in actions.LOSES_DATA:
        return LoseData(data, console=console, named=title(drift))
    return Nothing(data, console=console)


def act(request: HttpRequest, console: Console, pk: uuid.UUID, verb: str) -> HttpResponse:
    """Adopt, repair, ignore or reopen a difference."""
    drift = found(console, pk)
    if verb not in VERBS:
        raise Http404
    choice = next((each for each in choices(drift) if each.verb == verb), None)
    form = form_of(drift, verb, request, console)
    if form.is_valid():
        words = form.keywords()
        try:
            outcome = log.carry_out(
                f"fabric.drift.{verb}",
                lambda: getattr(actions, verb)(console.caller, drift, **words),
                by=request.user,
                object_type="fabric-drift",
                row=drift,
                parameters={**words, "what": title(drift), "kind": drift.kind},
            )
        except VMMError as refused:
            if choice is None or not choice.asks:
                messages.error(request, f"{refused.message} {refused.advice}".strip())
                return redirect("fabric-drift", pk)
            form.refuse(refused)
        else:
            if isinstance(outcome, Job):
                return redirect("fabric-job", outcome.pk)
            said = _("“%s” is open again.") if verb == "reopen" else _("“%s” is settled.")
            messages.success(request, said % title(drift))
            return redirect(console.link("fabric-drift-list"))
    context = {
        "console": console,
        "drift": drift,
        "line": line_of(drift),
        "form": form,
        "choice": choice,
        "up": console.link("fabric-drift-list"),
        "back": reverse("fabric-drift", args=[pk]),
        "loses_data": verb == "repair" and DriftKind(drift.kind) in actions.LOSES_DATA,
    }
    return render(request, "admin_site/fabric/drift/act.html", context)


def compare(request: HttpRequest, console: Console) -> HttpResponse:
    """Have a worker ask every host; the page shows what it finds."""
    nudge_on_commit(signature(COMPARE))
    messages.info(request, _("Every host is being compared. What is found appears here."))
    return redirect(console.link("fabric-drift-list"))


index_page = fabric_page(require_GET(index))
show_page = fabric_page(require_GET(show))
act_page = fabric_page(act, changes=True)
compare_page = fabric_page(require_POST(compare), changes=True)
