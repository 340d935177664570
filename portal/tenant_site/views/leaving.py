"""Leaving a subscription: what is lost, and the name typed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from fabric.actions import subscriptions
from plans.models import Subscription, SubscriptionState
from portal.faults import refuse, told
from portal.leaving import LeaveForm, losses
from portal.tenant_site.access import own, signed_in
from portal.tenant_site.views.subscriptions import decide, load
from tenants.errors import Refused


@signed_in
@own(load, "GET", "POST")
def leave(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    decide(request, subscription)
    form = LeaveForm(request.POST or None, name=subscription.name)
    if form.is_valid():
        try:
            subscriptions.leave(by=request.user, subscription=subscription)
        except Refused as refused:
            refuse(form, refused)
        else:
            return redirect("subscription", pk=subscription.pk)
    context = {
        "title": _("Leave %(name)s") % {"name": subscription.name},
        "subscription": subscription,
        "form": form,
        "lost": losses(subscription, request.user),
        "is_leaving": subscription.state == SubscriptionState.DELETING,
    }
    return render(request, "tenant_site/subscriptions/leave.html", context)


@signed_in
@own(load, "POST")
def go_on(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    """Resume a leaving that failed halfway."""
    with told(request):
        if subscription.state != SubscriptionState.DELETING:
            raise Refused(_("There is nothing to go on with."))
        subscriptions.leave(by=request.user, subscription=subscription)
    return redirect("subscription", pk=subscription.pk)
