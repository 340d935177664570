"""The Usage service, as a billing system reads it: from the last record it remembers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fabric.hypervisors.base import Counters
from fabric.spf.actions import create_account
from fabric.spf.models import Group
from fabric.vmm import metering, performance
from fabric.vmm.models import AdapterPresence, Allocation, Meter, UsageRecord
from tests.contract.spf_service.conftest import Caller, basic
from tests.factories.vmm import acting_for, deploy

NINE = datetime(2026, 2, 3, 9, 0, tzinfo=UTC)


@pytest.fixture
def billing(stamp) -> Caller:
    """Return a caller that is in the group of the Usage service alone."""
    create_account("billing", "a-long-password", [Group.USAGE])
    return Caller(authorization=basic("billing", "a-long-password"), principal="")


def read(billing: Caller, query: str = "lastID=0&batchsize=1000") -> list[dict]:
    answer = billing.get(f"usage/usage?{query}", root="")
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "application/json;charset=utf-8"
    return json.loads(answer.content)


@pytest.fixture
def machine(fabric, role):
    """Return alice's machine, metered for two hours and sampled in the first."""
    made = deploy(fabric, acting_for(role), cores=4, memory_mb=8192)
    Allocation.objects.update(from_at=NINE)
    AdapterPresence.objects.update(from_at=NINE)
    Meter.objects.create(pk=1, metered_until=NINE)
    for minute, load in enumerate((3, 4)):
        told = Counters(made.pk, load, 1710 + minute, 15, 160)
        performance.record([told], NINE + timedelta(minutes=minute))
    metering.meter(NINE + timedelta(minutes=122))
    return made


def test_a_record_is_what_the_protocol_shows(billing, machine, role, fabric):
    found = read(billing)
    assert found[0] == {
        "EventId": found[0]["EventId"],
        "ResourceId": str(machine.pk),
        "StartTime": "2026-02-03T09:00:00",
        "EndTime": "2026-02-03T10:00:00",
        "ServiceType": "VirtualMachine",
        "SubscriptionId": str(role.pk),
        "Properties": {
            "Subscriber": "alice@example.net",
            "Metered Service": "VM Utilization",
            "VMName": str(machine.pk),
            "VNIC": "",
        },
        "Resources": {
            "CPUAllocationCount-Min": "4",
            "CPUAllocationCount-Max": "4",
            "CPUPercentUtilization-Min": "3",
            "CPUPercentUtilization-Max": "4",
            "CPUPercentUtilization-Median": "3.5",
            "MemoryAllocated-Min": "8192",
            "MemoryAllocated-Max": "8192",
            "MemoryConsumed-Min": "1710",
            "MemoryConsumed-Max": "1711",
            "MemoryConsumed-Median": "1710.5",
            "CrossDiskIOPerSecond-Min": "15",
            "CrossDiskIOPerSecond-Max": "15",
            "CrossDiskIOPerSecond-Median": "15",
            "CrossDiskSizeAllocated-Min": str(20 * 1024**3),
            "CrossDiskSizeAllocated-Max": str(20 * 1024**3),
        },
    }
    adapter, cloud = found[1:3]
    assert adapter["Properties"]["VNIC"] == str(machine.adapters.get().pk)
    assert adapter["Properties"]["VMName"] == str(machine.pk)
    assert adapter["Resources"]["PerNICKBSentPerSecond-Average"] == "10"
    assert len(adapter["Resources"]) == 8
    assert (cloud["ServiceType"], cloud["ResourceId"]) == ("Cloud", str(fabric.cloud.pk))
    assert cloud["Properties"]["Metered Service"] == "Cloud Utilization"
    # Of the hour after nobody has samples.
    later = next(each for each in found if each["StartTime"] == "2026-02-03T10:00:00")
    assert "CPUAllocationCount-Max" in later["Resources"]
    assert "CPUPercentUtilization-Max" not in later["Resources"]


def test_who_remembers_the_last_record_gets_every_one_once(billing, machine):
    every = [each["EventId"] for each in read(billing)]
    assert every == sorted(UsageRecord.objects.values_list("pk", flat=True))
    found: list[int] = []
    while page := read(billing, f"lastid={found[-1] if found else 0}&BatchSize=2"):
        assert len(page) <= 2
        found += [each["EventId"] for each in page]
    assert found == every
    assert read(billing, f"lastID={every[-1]}") == []
    assert read(billing, "lastID=9223372036854775807") == []


@pytest.mark.parametrize(
    "query",
    [
        "lastID=x",
        "lastID=-1",
        "lastID=1.5",
        "lastID=9223372036854775808",
        "lastID=٣",
        "lastID=1;drop",
        "batchsize=0",
        "batchsize=-5",
        "batchsize=all",
    ],
)
def test_what_is_no_number_is_refused_in_words(billing, query):
    answer = billing.get(f"usage/usage?{query}", root="")
    assert answer.status_code == 400
    told = json.loads(answer.content)
    assert told["Code"] == "BadRequest"
    assert query.partition("=")[0] in told["Message"]
    assert told["Details"] == []


def test_a_batch_is_bounded(billing, machine, monkeypatch):
    monkeypatch.setattr("fabric.spf.usage_service.MOST", 2)
    assert len(read(billing, "batchsize=1000000")) == 2
    monkeypatch.setattr("fabric.spf.usage_service.PAGE", 1)
    assert len(read(billing, "")) == 1


def test_many_records_cost_no_more_queries_than_one(billing, machine):
    def queries(count: int) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert len(read(billing, f"batchsize={count}")) == count
        return len(asked)

    read(billing)
    assert queries(1) == queries(5) == 2


def test_usage_is_only_read_and_only_there(billing, stamp):
    assert billing.send("POST", "usage/usage", {}, root="").status_code == 405
    assert billing.get("usage/other", root="").status_code == 404
    assert read(billing, "") == []


def test_whoever_bills_may_do_nothing_else(billing, stamp):
    portal = Caller()
    assert portal.get("usage/usage", root="").status_code == 200
    refused = billing.get("provider/usage", root="")
    assert refused.status_code == 403
    assert json.loads(refused.content)["Code"] == "Forbidden"
    assert billing.get("Clouds").status_code == 403
    told = billing.get("provider/usage", root="", accept="application/xml")
    assert told["Content-Type"].startswith("application/xml")
    assert b"<Error" in told.content
    assert b"<Severity>Error</Severity>" in told.content
