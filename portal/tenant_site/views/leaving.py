"""Leaving a subscription: what is lost, and the name typed."""

from __future__ import annotations

from django.db.models import Count, Exists, OuterRef, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from fabric.actions import subscriptions
from fabric.models import Checkpoint, Disk, Machine
from fabric.states import GONE
from plans.models import Subscription, SubscriptionState
from portal.faults import refuse, told
from portal.tenant_site.access import own, signed_in
from portal.tenant_site.forms.subscriptions import LeaveForm
from portal.tenant_site.views.subscriptions import decide, load
from tenants.errors import Refused
from tenants.models import User

NAMED = 20


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


def losses(subscription: Subscription, user: User) -> dict:
    """Return what goes with it: the machines that a person sees by name, disks and checkpoints.
    Three queries."""
    machines = Machine.objects.filter(subscription=subscription).exclude(state__in=GONE)
    seen = Exists(Machine.objects.granted_to(user).filter(pk=OuterRef("pk")))
    named = machines.annotate(is_seen=seen).order_by("name")
    rows = list(named.values_list("name", "is_protected", "storage_gb", "is_seen"))
    names = [name for name, _protected, _size, is_seen in rows if is_seen]
    held = {"machine__in": machines}
    disks = Disk.objects.filter(**held).aggregate(count=Count("pk"), size=Sum("size_gb"))
    return {
        "names": names[:NAMED],
        "more": len(rows) - len(names[:NAMED]),
        "machines": len(rows),
        "protected": [
            name for name, is_protected, _size, is_seen in rows if is_protected and is_seen
        ],
        "disks": disks["count"],
        # Devices are read a while after a machine was made; its order says as much before.
        "disk_gb": max(disks["size"] or 0, sum(size for _name, _protected, size, _seen in rows)),
        "checkpoints": Checkpoint.objects.filter(**held).count(),
        "schedules": subscription.schedules.count(),
        "groups": subscription.groups.count(),
    }
