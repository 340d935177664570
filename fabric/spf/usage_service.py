"""The Usage service: metering told record by record to who remembers the last one it got.

It speaks JSON. What is unknown of an hour is left out; a record without samples says what was held.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from fabric.odata.errors import BadRequest, MethodNotAllowed, NotFound
from fabric.spf.models import Account, Group
from fabric.spf.webapi import Answer, guarded
from fabric.vmm import metering
from fabric.vmm.models import Metered, UsageRecord

PAGE: Final = 1_000
MOST: Final = 10_000
_WHOLE = re.compile(r"[0-9]{1,19}")
_LARGEST_ID: Final = 2**63 - 1


@csrf_exempt
def usage_service(request: HttpRequest, path: str) -> HttpResponse:
    """`/usage/usage?lastID=…&batchsize=…`."""

    def work(account: Account) -> Answer:
        if path.strip("/").lower() not in ("", "usage"):
            raise NotFound("Usage is at /usage/usage.")
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed("Usage is only read.")
        return told(request.GET)

    return guarded(request, Group.USAGE, work)


def told(query: Mapping[str, str]) -> Answer:
    """The records after `lastID`, at most `batchsize` of them; names are taken in any case."""
    given = {name.lower(): value for name, value in query.items()}
    after = _number(given, "lastID", 0, _LARGEST_ID)
    most = _number(given, "batchsize", PAGE, _LARGEST_ID)
    if not most:
        raise BadRequest("The parameter batchsize is a number from 1.")
    records = metering.records(after, min(most, MOST))
    return Answer([_record(each) for each in records], "UsageRecords")


def _number(given: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = given.get(name.lower(), "").strip()
    if not text:
        return default
    number = int(text) if _WHOLE.fullmatch(text) else -1
    if not 0 <= number <= most:
        raise BadRequest(f"The parameter {name} is a whole number from 0 to {most}.")
    return number


def _record(record: UsageRecord) -> dict[str, Any]:
    is_cloud = record.kind == Metered.CLOUD
    pairs = zip(metering.METRICS[record.kind], record.figures, strict=True)
    return {
        "EventId": record.pk,
        "ResourceId": str(record.resource),
        "StartTime": _moment(record.start_at),
        "EndTime": _moment(record.start_at + timedelta(hours=1)),
        "ServiceType": "Cloud" if is_cloud else "VirtualMachine",
        "SubscriptionId": str(record.subscription),
        "Properties": {
            "Subscriber": record.subscriber,
            "Metered Service": "Cloud Utilization" if is_cloud else "VM Utilization",
            "VMName": "" if is_cloud else str(record.resource),
            "VNIC": str(record.adapter or ""),
        },
        "Resources": {name: _figure(value) for name, value in pairs if value is not None},
    }


def _moment(moment: datetime) -> str:
    """Hours are whole and UTC, and the wire says neither."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def _figure(value: float) -> str:
    return str(int(value)) if value.is_integer() else f"{value:.4f}".rstrip("0").rstrip(".")
