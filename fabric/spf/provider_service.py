"""The Provider service: what a portal tells of its subscriptions and their quotas."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from fabric.odata.errors import ODataError
from fabric.spf.models import Account, Group
from fabric.spf.webapi import Answer, guarded


@csrf_exempt
def provider_service(request: HttpRequest, path: str) -> HttpResponse:
    """`/provider/…`."""

    def work(account: Account) -> Answer:
        if request.method not in ("GET", "HEAD"):
            raise ODataError("This server does not take notifications.", status=501)
        return Answer([], "Subscriptions")

    return guarded(request, Group.PROVIDER, work)
