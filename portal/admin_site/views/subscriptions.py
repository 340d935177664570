"""Subscriptions: the list, one of them, putting it right or on hold, and its end."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fabric.actions import configuring, subscriptions
from fabric.limits import limits_of
from fabric.models import Machine, Offering
from fabric.states import GONE
from plans.actions import quota
from plans.models import Provisioning, Subscription, SubscriptionState
from portal import faults
from portal.admin_site.access import operator_required
from portal.admin_site.acts import acts
from portal.admin_site.forms.filters import SubscriptionFilter
from portal.admin_site.listing import listed
from portal.leaving import LeaveForm, losses
from tenants.errors import Refused

MACHINES_SHOWN = 50
RECENT_ACTS = 8
SORTS = {
    "name": "name",
    "tenant": "tenant__name",
    "plan": "plan__name",
    "state": "state",
    "provisioning": "provisioning",
    "machines": "machines_now",
    "created": "created_at",
}


@operator_required
def index(request: HttpRequest) -> HttpResponse:
    """List the subscriptions of all tenants."""
    filters = SubscriptionFilter(request.GET)
    rows = with_machines().select_related("tenant", "plan")
    if "state" not in filters.asked:
        rows = rows.present()
    rows = filters.narrow(rows)
    context = listed(request, rows, SORTS, default="name")
    context["filters"] = filters
    return render(request, "admin_site/subscriptions/index.html", context)


@operator_required
def show(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show a subscription: its provisioning, quota and machines; htmx asks for the state alone."""
    subscription = get_object_or_404(Subscription.objects.select_related("plan", "tenant"), pk=pk)
    job = subscription.jobs.filter(subject=subscription.pk).order_by("-created_at").first()
    is_syncing = subscription.provisioning == Provisioning.SYNCING
    is_deleting = subscription.state == SubscriptionState.DELETING
    is_ending = subscription.state in subscriptions.ENDING
    context = {
        "subscription": subscription,
        "job": job,
        "is_ending": is_ending,
        "is_moving": is_deleting and job and not job.is_final if is_ending else is_syncing,
    }
    if request.htmx:
        return render(request, "admin_site/subscriptions/_provisioning.html", context)
    machines = subscription.machines.exclude(state__in=GONE)
    offering = Offering.objects.filter(plan_id=subscription.plan_id).first()
    context |= {
        "limits": limits_of(subscription, offering) if offering else {},
        "add_ons": subscription.taken.values("add_on__name", "add_on_id")
        .annotate(times=Count("pk"))
        .order_by("add_on__name"),
        "used": quota.used(subscription),
        "machines": machines.order_by("-is_protected", "name")[:MACHINES_SHOWN],
        "machine_count": machines.count(),
        "acts": acts().filter(object_id=str(subscription.pk))[:RECENT_ACTS],
    }
    return render(request, "admin_site/subscriptions/show.html", context)


@operator_required
@require_POST
def retry(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Provision once more what is out of sync."""
    subscription = get_object_or_404(Subscription, pk=pk)
    with faults.told(request):
        subscriptions.retry(by=request.user, subscription=subscription)
        messages.success(request, _("“%s” is being provisioned again.") % subscription.name)
    return redirect("subscription", pk)


@operator_required
def change_state(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask whether to suspend an active subscription, or to activate a suspended one, and do it."""
    subscription = get_object_or_404(Subscription.objects.select_related("plan", "tenant"), pk=pk)
    if subscription.state in subscriptions.ENDING:
        raise Http404
    context = {"subscription": subscription, "problem": ""}
    if request.method == "POST":
        act = {"suspend": subscriptions.suspend, "activate": subscriptions.activate}.get(
            request.POST.get("act", "")
        )
        try:
            if act:
                act(by=request.user, subscription=subscription)
                return redirect("subscription", pk)
        except Refused as refusal:
            context["problem"] = refusal.message
    return render(request, "admin_site/subscriptions/state.html", context)


@operator_required
def lift_protection(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask whether to take the protection against deletion off a machine, and do it."""
    rows = Machine.objects.exclude(state__in=GONE).select_related("subscription__tenant")
    machine = get_object_or_404(rows, pk=pk)
    if request.method == "POST":
        with faults.told(request):
            configuring.lift_protection(by=request.user, machine=machine)
            messages.success(request, _("“%s” is not protected any more.") % machine.name)
        return redirect("subscription", machine.subscription_id)
    context = {"machine": machine, "subscription": machine.subscription}
    return render(request, "admin_site/subscriptions/protection.html", context)


@operator_required
def delete(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Tell what is lost with a subscription, have its name typed, and delete all of it."""
    present = Subscription.objects.exclude(state__in=subscriptions.ENDING)
    subscription = get_object_or_404(present.select_related("plan", "tenant"), pk=pk)
    form = LeaveForm(request.POST or None, name=subscription.name)
    if form.is_valid():
        try:
            subscriptions.leave(by=request.user, subscription=subscription)
        except Refused as refusal:
            faults.refuse(form, refusal)
        else:
            return redirect("subscription", pk)
    context = {
        "title": _("Delete %(name)s") % {"name": subscription.name},
        "subscription": subscription,
        "form": form,
        "lost": losses(subscription, request.user),
    }
    return render(request, "admin_site/subscriptions/delete.html", context)


@operator_required
@require_POST
def go_on_deleting(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Go on with what failed halfway, whoever began it."""
    subscription = get_object_or_404(Subscription, pk=pk)
    with faults.told(request):
        if subscription.state != SubscriptionState.DELETING:
            raise Refused(_("There is nothing to go on with."))
        subscriptions.leave(by=request.user, subscription=subscription)
    return redirect("subscription", pk)


def with_machines() -> QuerySet[Subscription]:
    """Return the subscriptions with `machines_now`: how many machines each holds."""
    held = (
        Machine.objects.filter(subscription=OuterRef("pk"))
        .exclude(state__in=GONE)
        .order_by()
        .values("subscription")
        .annotate(number=Count("pk"))
        .values("number")
    )
    number = Coalesce(Subquery(held), 0, output_field=IntegerField())
    return Subscription.objects.annotate(machines_now=number)
