"""Schedules: the list, one of them with its next runs and its log, making and changing it."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from fabric import crontab
from fabric.actions import schedules
from fabric.models import Schedule, ScheduleRun
from plans.models import Subscription
from portal.faults import refuse, told
from portal.tenant_site import once
from portal.tenant_site.access import own, signed_in
from portal.tenant_site.forms.schedules import SHOWN, ScheduleForm, initial_of
from portal.tenant_site.held import rights_in
from portal.tenant_site.views.groups import plan, planning, subscriptions_for
from tenants.errors import Refused
from tenants.models import User
from tenants.rights import Right

RUNS_SHOWN = 20


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    latest = ScheduleRun.objects.filter(schedule=OuterRef("pk")).order_by("-due_at")
    rows = (
        Schedule.objects.visible_to(request.user)
        .select_related("subscription", "machine", "group")
        .annotate(last_outcome=Subquery(latest.values("outcome")[:1]))
        .order_by("name", "pk")
    )
    context = {
        "title": _("Schedules"),
        "schedules": [(row, crontab.in_words(row.cron)) for row in rows],
        "may_plan": bool(planning(request)),
    }
    return render(request, "tenant_site/schedules/index.html", context)


def load(request: HttpRequest, pk: uuid.UUID) -> Schedule:
    """Return a schedule of the person's tenants, else 404."""
    rows = Schedule.objects.visible_to(request.user).select_related(
        "subscription__tenant", "machine", "group", "created_by"
    )
    return get_object_or_404(rows, pk=pk)


@signed_in
@own(load, "GET")
def show(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    runs = []
    if schedule.is_enabled:
        runs = crontab.next_runs(schedule.cron, schedule.time_zone, timezone.now(), SHOWN)
    context = {
        "title": schedule.name,
        "schedule": schedule,
        "words": crontab.in_words(schedule.cron),
        "next_runs": runs,
        "runs": list(schedule.runs.all()[:RUNS_SHOWN]),
        "may_plan": Right.SCHEDULES in rights_in(request, schedule.subscription.tenant_id),
    }
    return render(request, "tenant_site/schedules/show.html", context)


@signed_in
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """Make a schedule, or only show when it would be due."""
    form = _form(request, subscriptions_for(request), _asked(request))
    if form.is_bound and form.is_valid() and not _only_looks(request):
        try:
            led = once.done(
                request, form.cleaned_data["request_key"], lambda: _made(request.user, form)
            )
        except Refused as refused:
            refuse(form, refused)
        else:
            return redirect(led or "schedules")
    context = {"title": _("New schedule"), "form": form}
    return _shown(request, "new", context)


@signed_in
@own(load, "GET", "POST")
def edit(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    plan(request, schedule.subscription)
    form = _form(
        request,
        Subscription.objects.filter(pk=schedule.subscription_id),
        initial_of(schedule),
    )
    if form.is_bound and form.is_valid() and not _only_looks(request):
        target, _subscription = form.chosen
        try:
            schedules.change(by=request.user, schedule=schedule, target=target, **_said(form))
        except Refused as refused:
            refuse(form, refused)
        else:
            return redirect("schedule", pk=schedule.pk)
    context = {
        "title": _("Change %(name)s") % {"name": schedule.name},
        "schedule": schedule,
        "form": form,
    }
    return _shown(request, "edit", context)


def _made(by: User, form: ScheduleForm) -> str:
    """Make the schedule; return its address."""
    target, subscription = form.chosen
    made = schedules.create(by=by, subscription=subscription, target=target, **_said(form))
    return reverse("schedule", args=[made.pk])


def _form(request: HttpRequest, subscriptions: Any, initial: dict[str, Any]) -> ScheduleForm:
    return ScheduleForm(
        request.POST if request.method == "POST" else None,
        user=request.user,
        subscriptions=subscriptions,
        initial=initial,
    )


def _asked(request: HttpRequest) -> dict[str, Any]:
    """Return what the address says of a new schedule: a machine, a group, an act."""
    return {name: request.GET[name] for name in ("target", "action") if name in request.GET}


def _said(form: ScheduleForm) -> dict[str, Any]:
    return {name: form.cleaned_data[name] for name in ("name", "action", "cron", "time_zone")}


def _only_looks(request: HttpRequest) -> bool:
    """Tell whether the person only wants to see the next runs: by the button, or while typing."""
    return bool(request.htmx) or "preview" in request.POST


def _shown(request: HttpRequest, page: str, context: dict[str, Any]) -> HttpResponse:
    """Show the form, or to htmx only when it would be due."""
    part = "_preview" if request.htmx else page
    return render(request, f"tenant_site/schedules/{part}.html", context)


@signed_in
@own(load, "POST")
def switch(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    """Pause a schedule, or have it go on."""
    with told(request):
        if request.POST.get("act") == "pause":
            schedules.pause(by=request.user, schedule=schedule)
        elif request.POST.get("act") == "resume":
            schedules.resume(by=request.user, schedule=schedule)
    return redirect("schedule", pk=schedule.pk)


@signed_in
@own(load, "GET", "POST")
def delete(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    plan(request, schedule.subscription)
    if request.method == "POST":
        with told(request):
            schedules.delete(by=request.user, schedule=schedule)
            messages.success(request, _("The schedule “%s” is deleted.") % schedule.name)
        return redirect("schedules")
    context = {"title": _("Delete %(name)s") % {"name": schedule.name}, "schedule": schedule}
    return render(request, "tenant_site/schedules/delete.html", context)
