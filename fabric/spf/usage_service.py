"""The Usage service: metering told record by record to who remembers the last one it got."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from fabric.odata.errors import MethodNotAllowed
from fabric.spf.models import Account, Group
from fabric.spf.webapi import Answer, guarded


@csrf_exempt
def usage_service(request: HttpRequest, path: str) -> HttpResponse:
    """`/usage/usage?lastID=…&batchsize=…`."""

    def work(account: Account) -> Answer:
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed("Usage is only read.")
        return Answer([], "UsageRecords")

    return guarded(request, Group.USAGE, work)
