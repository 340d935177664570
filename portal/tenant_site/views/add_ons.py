"""Add-ons of a subscription: those on offer, taking some, giving one back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from fabric.actions import subscriptions
from plans.models import AddOn, Subscription
from portal.asked import as_uuid
from portal.faults import refuse, told
from portal.tenant_site import once
from portal.tenant_site.access import own, signed_in
from portal.tenant_site.forms.subscriptions import TakeForm
from portal.tenant_site.views.subscriptions import decide, load, taken
from tenants.errors import Refused


@signed_in
@own(load, "GET", "POST")
def index(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    """List what is on offer for a subscription and what it has; a POST takes some."""
    decide(request, subscription)
    offers = AddOn.objects.on_offer(subscription.plan)
    form = TakeForm(request.POST or None, offers=offers)
    if form.is_valid():
        try:
            once.done(
                request,
                form.cleaned_data["request_key"],
                lambda: _take(request, subscription, form),
            )
        except Refused as refused:
            refuse(form, refused)
        else:
            return redirect("subscription", pk=subscription.pk)
    had = taken(subscription)
    times_of = {row["add_on"].pk: row["times"] for row in had}
    context = {
        "title": _("Add-ons for %(name)s") % {"name": subscription.name},
        "subscription": subscription,
        "offers": [
            (one, times_of.get(one.pk, 0), one.most - times_of.get(one.pk, 0)) for one in offers
        ],
        "taken": had,
        "form": form,
        "asked": str(form["add_on"].value() or ""),
    }
    return render(request, "tenant_site/subscriptions/add_ons.html", context)


def _take(request: HttpRequest, subscription: Subscription, form: TakeForm) -> str:
    add_on, times = form.cleaned_data["add_on"], form.cleaned_data["times"]
    subscriptions.add_on(by=request.user, subscription=subscription, add_on=add_on, times=times)
    messages.success(
        request, _("%(times)d × %(name)s is added.") % {"times": times, "name": add_on.name}
    )
    return reverse("subscription", args=[subscription.pk])


@signed_in
@own(load, "POST")
def drop(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    with told(request):
        one = subscription.taken.filter(pk=as_uuid(request.POST.get("taken", ""))).first()
        if one is None:
            raise Refused(_("The subscription does not have it any more."))
        name = one.add_on.name
        subscriptions.drop_add_on(by=request.user, subscription=subscription, taken=one)
        messages.success(request, _("One “%s” is given back.") % name)
    return redirect("subscription", pk=subscription.pk)
