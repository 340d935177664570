"""Subscriptions: where they stand, what is used of them, and trying again."""

from __future__ import annotations

import uuid

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from django_htmx.http import HttpResponseClientRefresh

from fabric.actions import subscriptions
from fabric.models import Offering
from fabric.states import GONE
from plans.actions import quota
from plans.models import Provisioning, Subscription
from portal.faults import told
from portal.tenant_site.access import own, signed_in


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    alive = ~Q(machines__state__in=GONE)
    mine = list(
        Subscription.objects.visible_to(request.user)
        .select_related("plan", "tenant")
        .annotate(machine_count=Count("machines", filter=alive))
    )
    offerings = Offering.objects.filter(plan__in=[one.plan_id for one in mine])
    limits = {offering.plan_id: offering.limits for offering in offerings}
    context = {
        "title": _("Subscriptions"),
        "shares": [(one, limits.get(one.plan_id, {})) for one in mine],
        "is_busy": any(one.provisioning == Provisioning.SYNCING for one in mine),
    }
    part = "_list" if request.htmx else "index"
    return render(request, f"tenant_site/subscriptions/{part}.html", context)


def load(request: HttpRequest, pk: uuid.UUID) -> Subscription:
    """Return a subscription of the person's tenants with its plan's content, else 404."""
    return get_object_or_404(
        Subscription.objects.visible_to(request.user)
        .select_related("plan__offering__cloud__stamp", "tenant")
        .prefetch_related("plan__offering__templates", "plan__offering__networks"),
        pk=pk,
    )


@signed_in
@own(load, "GET")
def show(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    """Where it stands; the fragment has the page drawn anew once it became something else."""
    mark = f"{subscription.provisioning}.{subscription.state}"
    if request.htmx and request.GET.get("seen", mark) != mark:
        return HttpResponseClientRefresh()
    jobs = subscription.jobs.filter(subject=subscription.pk)
    context = {
        "title": subscription.name,
        "mark": mark,
        "subscription": subscription,
        "is_busy": subscription.provisioning == Provisioning.SYNCING,
        "has_failed": subscription.provisioning == Provisioning.OUT_OF_SYNC,
        "job": jobs.order_by("-created_at").first(),
        "limits": subscription.plan.offering.limits,
        "used": quota.used(subscription),
        "machine_count": subscription.machines.exclude(state__in=GONE).count(),
    }
    part = "_state" if request.htmx else "show"
    return render(request, f"tenant_site/subscriptions/{part}.html", context)


@signed_in
@own(load, "POST")
def retry(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    with told(request):
        subscriptions.retry(by=request.user, subscription=subscription)
    return redirect("subscription", pk=subscription.pk)
