"""Ordered groups: the list, one of them with its order and its last run, and the file."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from fabric.actions import groups
from fabric.jobs.group import results_of
from fabric.models import Group, Job, Machine
from fabric.states import GONE, Verb
from plans.models import Subscription, SubscriptionState
from portal.faults import refuse, told
from portal.frame import frame_of
from portal.tenant_site import job_page
from portal.tenant_site.access import own, signed_in
from portal.tenant_site.forms.groups import GroupForm, ImportForm, NewGroupForm, PlaceForm
from portal.tenant_site.held import rights_by_tenant, rights_in
from tenants.errors import Refused
from tenants.rights import Right

FILE_NAME = "groups.txt"


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    alive = Count("places", filter=~Q(places__machine__state__in=GONE))
    latest = Job.objects.filter(subject=OuterRef("pk")).order_by("-created_at")
    rows = (
        Group.objects.visible_to(request.user)
        .select_related("subscription")
        .annotate(machine_count=alive, last_job=Subquery(latest.values("pk")[:1]))
        .order_by("name", "pk")
    )
    shown = list(rows)
    jobs = Job.objects.in_bulk([row.last_job for row in shown if row.last_job])
    context = {
        "title": _("Ordered groups"),
        "groups": [(row, jobs.get(row.last_job)) for row in shown],
        "may_plan": bool(planning(request)),
    }
    return render(request, "tenant_site/groups/index.html", context)


def planning(request: HttpRequest) -> list[uuid.UUID]:
    """Return the tenants for which the person may make groups and schedules."""
    held = rights_by_tenant(request).items()
    return [tenant_id for tenant_id, rights in held if Right.SCHEDULES in rights]


def subscriptions_for(request: HttpRequest) -> QuerySet[Subscription]:
    """Return the subscriptions in which the person may do so; refuse who may in none."""
    tenants = planning(request)
    if not tenants:
        raise PermissionDenied(_("Your role does not allow planning schedules and groups."))
    active = Subscription.objects.filter(tenant__in=tenants, state=SubscriptionState.ACTIVE)
    return active.order_by("created_at", "pk")


def load(request: HttpRequest, pk: uuid.UUID) -> Group:
    """Return a group of the person's tenants, else 404."""
    rows = Group.objects.visible_to(request.user).select_related("subscription__tenant")
    return get_object_or_404(rows, pk=pk)


def plan(request: HttpRequest, subscription: Subscription) -> None:
    """Refuse the page to who may not plan in this subscription."""
    if Right.SCHEDULES not in rights_in(request, subscription.tenant_id):
        raise PermissionDenied(_("Your role does not allow planning schedules and groups."))


@signed_in
@own(load, "GET")
def show(request: HttpRequest, group: Group) -> HttpResponse:
    frame_of(request).watch(group.subscription.tenant_id)
    held = rights_in(request, group.subscription.tenant_id)
    job = Job.objects.filter(subject=group.pk).order_by("-created_at").first()
    places = list(group.in_order())
    context: dict[str, Any] = {
        "title": group.name,
        "group": group,
        "places": places,
        "may_plan": Right.SCHEDULES in held,
        "verbs": [verb for verb, right in groups.RIGHT_FOR.items() if right in held],
        "job": job,
        "is_running": job is not None and not job.is_final,
        "has_failed": job is not None and job.state == "failed",
        "results": results_of(job) if job else [],
        "said": _heard(job) if job else "",
        "schedules": list(group.schedules.order_by("name")),
    }
    if request.htmx:
        return render(request, "tenant_site/groups/_run.html", context)
    context["form"] = PlaceForm(machines=addable(request, group))
    return render(request, "tenant_site/groups/show.html", context)


def _heard(job: Job) -> str:
    """Return what a run does or came to, for who hears the page."""
    return _(job.message) if job.message and not job.is_final else job_page.in_short(job)


def addable(request: HttpRequest, group: Group) -> QuerySet[Machine]:
    """Return the machines that could be put into a group."""
    mine = Machine.objects.visible_to(request.user).filter(subscription=group.subscription_id)
    return mine.exclude(places__group=group).distinct().order_by("name")


@signed_in
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    typed = request.POST if request.method == "POST" else None
    form = NewGroupForm(typed, subscriptions=subscriptions_for(request))
    if typed is not None and form.is_valid():
        try:
            made = groups.create(by=request.user, **form.cleaned_data)
        except Refused as refused:
            refuse(form, refused)
        else:
            return redirect("group", pk=made.pk)
    context = {"title": _("New ordered group"), "form": form}
    return render(request, "tenant_site/groups/new.html", context)


@signed_in
@own(load, "GET", "POST")
def edit(request: HttpRequest, group: Group) -> HttpResponse:
    plan(request, group.subscription)
    now = {"name": group.name, "on_failure": group.on_failure}
    form = GroupForm(request.POST if request.method == "POST" else None, initial=now)
    if request.method == "POST" and form.is_valid():
        try:
            groups.change(by=request.user, group=group, **form.cleaned_data)
        except Refused as refused:
            refuse(form, refused)
        else:
            return redirect("group", pk=group.pk)
    context = {"title": _("Change %(name)s") % {"name": group.name}, "group": group, "form": form}
    return render(request, "tenant_site/groups/edit.html", context)


@signed_in
@own(load, "POST")
def order(request: HttpRequest, group: Group) -> HttpResponse:
    """Add a machine, move one up or down, or take one out."""
    act, _colon, which = request.POST.get("act", "").partition(":")
    with told(request):
        if act == "add":
            form = PlaceForm(request.POST, machines=addable(request, group))
            if not form.is_valid():
                raise Refused(form.errors["machine"][0])
            groups.add(by=request.user, group=group, machine=form.cleaned_data["machine"])
        elif act in ("up", "down"):
            machine = _member(group, which)
            groups.move(by=request.user, group=group, machine=machine, up=act == "up")
        elif act == "remove":
            groups.remove(by=request.user, group=group, machine=_member(group, which))
    return redirect("group", pk=group.pk)


def _member(group: Group, which: str) -> Machine:
    places = {str(place.machine_id): place.machine for place in group.in_order()}
    if which not in places:
        raise Refused(_("The machine is not in the group any more."))
    return places[which]


@signed_in
@own(load, "POST")
def run(request: HttpRequest, group: Group) -> HttpResponse:
    verb = request.POST.get("verb", "")
    with told(request):
        if verb not in Verb.values:
            raise Refused(_("There is no such command."))
        groups.run(by=request.user, group=group, verb=Verb(verb))
    return redirect("group", pk=group.pk)


@signed_in
@own(load, "POST")
def resume(request: HttpRequest, group: Group) -> HttpResponse:
    with told(request):
        groups.resume(by=request.user, group=group)
    return redirect("group", pk=group.pk)


@signed_in
@own(load, "GET", "POST")
def delete(request: HttpRequest, group: Group) -> HttpResponse:
    plan(request, group.subscription)
    if request.method == "POST":
        with told(request):
            groups.delete(by=request.user, group=group)
            messages.success(request, _("The group “%s” is deleted.") % group.name)
        return redirect("groups")
    context = {
        "title": _("Delete %(name)s") % {"name": group.name},
        "group": group,
        "schedule_count": group.schedules.count(),
    }
    return render(request, "tenant_site/groups/delete.html", context)


@signed_in
@require_http_methods(["GET", "POST"])
def import_file(request: HttpRequest) -> HttpResponse:
    """Make groups of a file; what is wrong in it is said line by line, and nothing is made."""
    typed = request.POST if request.method == "POST" else None
    form = ImportForm(typed, request.FILES or None, subscriptions=subscriptions_for(request))
    context: dict[str, Any] = {"title": _("Import ordered groups"), "form": form}
    if typed is not None and form.is_valid():
        said = form.cleaned_data
        try:
            made = groups.import_file(
                by=request.user,
                subscription=said["subscription"],
                text=said["text"],
                replace=said["replace"],
            )
        except groups.FileRefused as refused:
            context["problems"] = refused.problems
        except Refused as refused:
            refuse(form, refused)
        else:
            names = ", ".join(group.name for group in made)
            messages.success(request, _("Imported: %s.") % names)
            return redirect("groups")
    return render(request, "tenant_site/groups/import.html", context)


@signed_in
@require_GET
def export(request: HttpRequest) -> HttpResponse:
    """Send every group the person sees, as a file that can be imported."""
    rows = Group.objects.visible_to(request.user).order_by("subscription__created_at", "name")
    response = HttpResponse(groups.exported(rows), content_type="text/plain; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{FILE_NAME}"'
    return response
