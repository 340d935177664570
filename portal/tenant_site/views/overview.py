"""The first page: what there is, what is going on, and how to begin."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from fabric.models import Machine, Offering
from plans.actions import quota
from portal.frame import frame_of
from portal.tenant_site.access import signed_in
from portal.tenant_site.operation_list import recent

MOST_MACHINES = 6
MOST_OPERATIONS = 8


@signed_in
def show(request: HttpRequest) -> HttpResponse:
    subscriptions = frame_of(request).subscriptions
    offerings = Offering.objects.filter(plan__in=[one.plan_id for one in subscriptions])
    limits = {offering.plan_id: offering.limits for offering in offerings}
    used = quota.used_by(subscriptions)
    machines = Machine.objects.visible_to(request.user).select_related("subscription")
    context = {
        "title": _("Overview"),
        "shares": [(one, limits.get(one.plan_id, {}), used[one.pk]) for one in subscriptions],
        "machines": machines.order_by("-created_at")[:MOST_MACHINES],
        "operations": recent(request.user, MOST_OPERATIONS),
        "is_member": request.user.memberships.exists(),
        "can_create": any(one.is_usable for one in subscriptions),
    }
    return render(request, "tenant_site/overview.html", context)
