"""The first page: what there is, what is going on, what needs somebody, and how to begin."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from fabric.limits import limits_by
from plans.actions import quota
from portal.frame import frame_of
from portal.tenant_site import overview_page
from portal.tenant_site.access import signed_in
from portal.tenant_site.operation_list import recent

MOST_OPERATIONS = 8


@signed_in
def show(request: HttpRequest) -> HttpResponse:
    """The page; to htmx only its live part."""
    frame = frame_of(request)
    frame.watch(*frame.tenant_ids)
    limits = limits_by(frame.subscriptions)
    kinds = quota.by_kind_of(frame.subscriptions)
    shares = [(one, limits[one.pk], kinds[one.pk]) for one in frame.subscriptions]
    states = overview_page.states(request.user)
    frame.machine_count = sum(one.count for one in states)
    going_on, failed = overview_page.jobs(request.user)
    used = [(one, limits, {n: sum(k) for n, k in kinds.items()}) for one, limits, kinds in shares]
    context = {
        "title": _("Overview"),
        "shares": shares,
        "states": states,
        "jobs": going_on,
        "needs": overview_page.needs(request.user, used, failed),
        "operations": recent(request.user, MOST_OPERATIONS),
        "can_create": any(one.is_usable for one in frame.subscriptions),
    }
    part = "_overview" if request.htmx else "overview"
    return render(request, f"tenant_site/{part}.html", context)
