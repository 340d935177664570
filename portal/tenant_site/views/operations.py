"""The operations log of the person's tenants."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from portal.frame import frame_of
from portal.tenant_site.access import signed_in
from portal.tenant_site.operation_list import OperationList, outcome_choices


@signed_in
def index(request: HttpRequest) -> HttpResponse:
    frame = frame_of(request)
    frame.watch(*frame.tenant_ids)
    subscriptions = frame.subscriptions
    context = {
        "title": _("Activity"),
        "listed": OperationList(request.user, subscriptions, request.GET),
        "outcomes": outcome_choices(),
        "subscriptions": subscriptions,
    }
    part = "_list" if request.htmx else "index"
    return render(request, f"tenant_site/operations/{part}.html", context)
