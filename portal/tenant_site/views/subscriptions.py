"""Subscriptions: where they stand, what is used of them, another name, and trying again."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh

from fabric.actions import subscriptions
from fabric.durable.states import JobState
from fabric.limits import limits_by, limits_of
from fabric.models import Job, Machine
from fabric.states import GONE
from plans.actions import quota
from plans.models import Provisioning, Subscription, SubscriptionState
from plans.rules import RESOURCES
from portal.faults import refuse, told
from portal.frame import frame_of
from portal.tenant_site import job_page
from portal.tenant_site.access import own, signed_in
from portal.tenant_site.forms.subscriptions import RenameForm
from portal.tenant_site.held import memberships, rights_in
from tenants.errors import Refused
from tenants.rights import Right


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    frame_of(request).watch(*{one.tenant_id for one in memberships(request)})
    alive = ~Q(machines__state__in=GONE)
    mine = list(
        Subscription.objects.visible_to(request.user)
        .select_related("plan", "tenant")
        .annotate(machine_count=Count("machines", filter=alive))
    )
    limits = limits_by(mine)
    context = {
        "title": _("Subscriptions"),
        "shares": [(one, limits[one.pk]) for one in mine],
    }
    part = "_list" if request.htmx else "index"
    return render(request, f"tenant_site/subscriptions/{part}.html", context)


def is_moving(subscription: Subscription) -> bool:
    """Tell whether something goes on with it that its page watches."""
    return (
        subscription.provisioning == Provisioning.SYNCING
        or subscription.state == SubscriptionState.DELETING
    )


def load(request: HttpRequest, pk: uuid.UUID) -> Subscription:
    """Return a subscription of the person's tenants with its plan's content, else 404."""
    return get_object_or_404(
        Subscription.objects.filter(tenant__memberships__user=request.user)
        .exclude(state=SubscriptionState.DELETED)
        .select_related("plan__offering__cloud__stamp", "tenant"),
        pk=pk,
    )


def load_any(request: HttpRequest, pk: uuid.UUID) -> Subscription:
    """Return the same, also one that was left while its page stood open."""
    seen = Machine.objects.visible_to(request.user).filter(subscription=OuterRef("pk"))
    number = seen.order_by().values("subscription").annotate(n=Count("pk", distinct=True))
    found = get_object_or_404(
        Subscription.objects.filter(tenant__memberships__user=request.user)
        .annotate(machine_count=Coalesce(Subquery(number.values("n")), 0))
        .select_related("plan__offering__cloud__stamp", "tenant")
        .prefetch_related("plan__offering__templates", "plan__offering__networks"),
        pk=pk,
    )
    if found.state == SubscriptionState.DELETED and not request.htmx:
        raise Http404
    return found


def may_decide(request: HttpRequest, subscription: Subscription) -> bool:
    """Tell whether the person may rename it, leave it, and take add-ons."""
    return Right.SUBSCRIPTIONS in rights_in(request, subscription.tenant_id)


def decide(request: HttpRequest, subscription: Subscription) -> None:
    """Refuse the page to who may not decide about the subscription."""
    if not may_decide(request, subscription):
        raise PermissionDenied(_("Your role does not allow changing subscriptions."))


@signed_in
@own(load_any, "GET")
def show(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    """Where it stands; the fragment has the page drawn anew once it became something else."""
    if subscription.state == SubscriptionState.DELETED:
        return HttpResponseClientRedirect(reverse("subscriptions"))
    frame_of(request).watch(subscription.pk)
    job = subscription.jobs.filter(subject=subscription.pk).order_by("-created_at").first()
    mark = f"{subscription.provisioning}.{subscription.state}.{has_failed(job)}"
    if request.htmx and request.GET.get("seen", mark) != mark:
        return HttpResponseClientRefresh()
    context = {
        "title": subscription.name,
        "mark": mark,
        "subscription": subscription,
        "is_busy": is_moving(subscription) and not has_failed(job),
        "said": job_page.in_short(job) if job else "",
        "is_leaving": subscription.state == SubscriptionState.DELETING,
        "has_failed": has_failed(job),
        "job": job,
        "limits": limits_of(subscription, subscription.plan.offering),
        "kinds": quota.by_kind(subscription),
        "machine_count": subscription.machine_count,
        "taken": taken(subscription),
        "may_decide": may_decide(request, subscription),
        "may_create": Right.CREATE in rights_in(request, subscription.tenant_id),
    }
    part = "_state" if request.htmx else "show"
    return render(request, f"tenant_site/subscriptions/{part}.html", context)


def has_failed(job: Job | None) -> bool:
    """Tell whether the last thing done with it ended badly."""
    return job is not None and job.state == JobState.FAILED


def taken(subscription: Subscription) -> list[dict]:
    """Return the add-ons it has, each once, with how often."""
    rows: dict[uuid.UUID, dict] = {}
    for one in subscription.taken.select_related("add_on"):
        row = rows.setdefault(one.add_on_id, {"add_on": one.add_on, "times": 0})
        row["times"] += 1
        row["last"] = one
    return list(rows.values())


@signed_in
@own(load, "GET")
def use(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    """What is reserved, in use and left; and which machine uses how much."""
    held = quota.used_by_subject(subscription)
    mine = Machine.objects.visible_to(request.user).filter(pk__in=list(held)).order_by("name")
    rows = [(machine, held.pop(machine.pk)) for machine in mine]
    names = [resource.name for resource in RESOURCES]
    others = {name: sum(amounts[name] for amounts in held.values()) for name in names}
    context = {
        "title": _("Use of %(name)s") % {"name": subscription.name},
        "subscription": subscription,
        "limits": limits_of(subscription, subscription.plan.offering),
        "kinds": quota.by_kind(subscription),
        "rows": rows,
        "others": others if held else None,
    }
    return render(request, "tenant_site/subscriptions/use.html", context)


@signed_in
@own(load, "GET", "POST")
def rename(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    decide(request, subscription)
    form = RenameForm(request.POST or None, initial={"name": subscription.name})
    if form.is_valid():
        try:
            subscriptions.rename(by=request.user, subscription=subscription, **form.cleaned_data)
        except Refused as refused:
            refuse(form, refused)
        else:
            return redirect("subscription", pk=subscription.pk)
    context = {"title": _("Change the name"), "subscription": subscription, "form": form}
    return render(request, "tenant_site/subscriptions/rename.html", context)


@signed_in
@own(load, "POST")
def retry(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    with told(request):
        subscriptions.retry(by=request.user, subscription=subscription)
        messages.success(request, _("“%s” is being provisioned again.") % subscription.name)
    return redirect("subscription", pk=subscription.pk)
