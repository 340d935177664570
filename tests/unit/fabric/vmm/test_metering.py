"""Metering: every machine and every hour once, whoever dies when, and read exactly once."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from fabric.hypervisors.base import Counters
from fabric.vmm import actions, metering, performance, tasks
from fabric.vmm.metering import METRICS, meter
from fabric.vmm.models import (
    AdapterPresence,
    Allocation,
    LastCurve,
    Meter,
    Metered,
    NetworkAdapter,
    UsageRecord,
    VirtualMachine,
)
from tests.factories.vmm import ADMINISTRATOR, acting_for, deploy, finish, make_fabric, make_role

NINE = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
TEN = NINE + timedelta(hours=1)
GIB = 1024**3


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.fixture
def machine(fabric, alice):
    """Return a machine that is there since eight, in a meter that has seen all before nine."""
    made = deploy(fabric, alice, cores=2, memory_mb=2048)
    there_since(NINE - minutes(60))
    metered_until(NINE)
    return made


def there_since(moment: datetime) -> None:
    """Have all machines be made then, in transactions that are over."""
    Allocation.objects.update(from_at=moment, made_in=0)
    AdapterPresence.objects.update(from_at=moment)


def metered_until(moment: datetime) -> None:
    Meter.objects.update_or_create(pk=1, defaults={"metered_until": moment})


def changed_at(machine, moment: datetime) -> None:
    """Have the last change of the machine's allocation be of that moment."""
    *_, before, now = Allocation.objects.filter(machine=machine.pk).order_by("pk")
    Allocation.objects.filter(pk=before.pk).update(until_at=moment)
    Allocation.objects.filter(pk=now.pk).update(from_at=moment)


def gone_at(machine, moment: datetime) -> None:
    Allocation.objects.filter(machine=machine.pk, until_at__gt=moment).update(until_at=moment)
    AdapterPresence.objects.filter(machine=machine.pk).update(until_at=moment)


def remove(caller, machine) -> None:
    finish(actions.machines.operate(caller, machine, "Stop"))
    finish(actions.machines.remove(caller, machine))


def sampled(machine, *loads: int, since: datetime = NINE) -> None:
    """Give one sample a minute: percent; a hundred times as many MB, ten times as many IOPS."""
    for minute, load in enumerate(loads):
        told = Counters(machine.pk, load, load * 100, load * 10, load * 16)
        performance.record([told], since + minutes(minute))


def told(kind: int = Metered.MACHINE, **wanted) -> list[dict[str, float | None]]:
    found = UsageRecord.objects.filter(kind=kind, **wanted).order_by("pk")
    return [dict(zip(METRICS[kind], each.figures, strict=True)) for each in found]


def test_an_hour_tells_what_was_held_and_what_was_used(machine, alice, fabric):
    sampled(machine, 10, 20, 60)
    assert meter(TEN + minutes(2)) == 3
    (record,) = UsageRecord.objects.filter(kind=Metered.MACHINE)
    assert (record.resource, record.start_at) == (machine.pk, NINE)
    assert record.subscription == alice.role.pk
    assert record.subscriber == "alice@example.net"
    (figures,) = told()
    assert figures == {
        "CPUAllocationCount-Min": 2,
        "CPUAllocationCount-Max": 2,
        "MemoryAllocated-Min": 2048,
        "MemoryAllocated-Max": 2048,
        "CrossDiskSizeAllocated-Min": 20 * GIB,
        "CrossDiskSizeAllocated-Max": 20 * GIB,
        "CPUPercentUtilization-Min": 10,
        "CPUPercentUtilization-Max": 60,
        "CPUPercentUtilization-Median": 20,
        "MemoryConsumed-Min": 1000,
        "MemoryConsumed-Max": 6000,
        "MemoryConsumed-Median": 2000,
        "CrossDiskIOPerSecond-Min": 100,
        "CrossDiskIOPerSecond-Max": 600,
        "CrossDiskIOPerSecond-Median": 200,
    }
    assert told(Metered.CLOUD, resource=fabric.cloud.pk) == [figures]


def test_points_of_other_hours_are_not_counted(machine):
    sampled(machine, 99, since=NINE - minutes(1))
    sampled(machine, *range(1, 61))
    sampled(machine, 99, 99, since=TEN)
    meter(TEN + minutes(2))
    (figures,) = told()
    assert figures["CPUPercentUtilization-Min"] == 1
    assert figures["CPUPercentUtilization-Max"] == 60
    assert figures["CPUPercentUtilization-Median"] == 30.5


def test_the_network_is_shared_out_among_adapters_and_directions(machine, alice, fabric):
    sampled(machine, 10, 20)
    second = NetworkAdapter.objects.create(machine=machine, network=fabric.network, slot=1)
    AdapterPresence.objects.filter(adapter=second.pk).update(from_at=NINE + minutes(1))
    meter(TEN + minutes(2))
    first, late = told(Metered.ADAPTER)
    if UsageRecord.objects.filter(kind=Metered.ADAPTER).first().adapter == second.pk:
        first, late = late, first
    # 160 and 320 kbit/s are 20 and 40 KB/s, half of them sent; the second minute is for two.
    for direction in ("Sent", "Received"):
        name = f"PerNICKB{direction}PerSecond"
        assert (first[f"{name}-Max"], first[f"{name}-Min"]) == (10, 10)
        assert (late[f"{name}-Median"], late[f"{name}-Average"]) == (10, 10)
    NetworkAdapter.objects.filter(pk=second.pk).delete()
    sampled(machine, 10, since=TEN)
    AdapterPresence.objects.filter(adapter=second.pk).update(until_at=TEN)
    meter(TEN + minutes(62))
    assert len(told(Metered.ADAPTER, start_at=TEN)) == 1


def test_without_samples_what_was_held_is_told_all_the_same(machine):
    meter(TEN + minutes(2))
    (figures,) = told()
    assert figures["CPUAllocationCount-Max"] == 2
    assert figures["CPUPercentUtilization-Max"] is None
    assert told(Metered.ADAPTER) == []
    (cloud,) = told(Metered.CLOUD)
    assert (cloud["MemoryAllocated-Max"], cloud["MemoryConsumed-Max"]) == (2048, None)


def test_twice_in_one_hour_is_once(machine):
    sampled(machine, 5)
    assert meter(TEN + minutes(2)) == 3
    assert meter(TEN + minutes(3)) == meter(TEN + minutes(59)) == 0
    assert UsageRecord.objects.count() == 3


def test_the_task_meters_by_the_clock_of_the_database(machine, monkeypatch):
    monkeypatch.setattr(metering, "clock", lambda: TEN + minutes(2))
    tasks.meter()
    assert len(told()) == 1
    monkeypatch.undo()
    assert abs(metering.clock() - datetime.now(UTC)) < minutes(1)
    scheduled = settings.CELERY_BEAT_SCHEDULE.values()
    assert tasks.meter.name in {each["task"] for each in scheduled}


def test_an_hour_that_still_runs_waits(machine):
    assert meter(NINE + minutes(59)) == meter(TEN + minutes(0.5)) == 0
    assert meter(TEN + minutes(1)) == 2


def test_five_hours_without_metering_are_made_up_for(machine):
    sampled(machine, *range(30, 90), since=TEN + minutes(4 * 60))
    meter(TEN + timedelta(hours=5, minutes=2))
    starts = [NINE + timedelta(hours=n) for n in range(6)]
    found = UsageRecord.objects.filter(kind=Metered.MACHINE).order_by("pk")
    assert [each.start_at for each in found] == starts
    figures = told()
    assert {each["CPUAllocationCount-Max"] for each in figures} == {2}
    # What the curve has still is told, what is gone is not made up.
    assert [each["CPUPercentUtilization-Max"] for each in figures] == [None] * 5 + [89]


def test_an_hour_that_breaks_off_is_metered_whole_the_next_time(machine, monkeypatch):
    sampled(machine, 5)

    class Killed(BaseException):
        pass

    def dying():
        yield "DELETE FROM vmm_allocation"
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(metering.meteringsql, "DONE_WITH", dying())
        with pytest.raises(Killed):
            meter(TEN + minutes(2))
    assert UsageRecord.objects.count() == 0
    assert Meter.objects.get().metered_until == NINE
    assert meter(TEN + minutes(3)) == 3


def test_a_machine_removed_in_the_hour_is_told_with_what_it_used(machine, alice):
    sampled(machine, 10, 30)
    remove(alice, machine)
    assert not VirtualMachine.objects.exists()
    gone_at(machine, NINE + minutes(2))
    meter(TEN + minutes(2))
    (figures,) = told()
    assert (figures["CPUAllocationCount-Max"], figures["CPUPercentUtilization-Max"]) == (2, 30)
    assert len(told(Metered.ADAPTER)) == 1
    (cloud,) = told(Metered.CLOUD)
    assert (cloud["CPUAllocationCount-Min"], cloud["CPUAllocationCount-Max"]) == (0, 2)

    assert meter(TEN + minutes(62)) == 0, "and is not there the hour after"
    for log in (Allocation, AdapterPresence, LastCurve):
        assert not log.objects.exists(), "nor is anything of it kept"


def test_a_machine_made_and_removed_within_the_hour_is_told(fabric, alice):
    metered_until(NINE)
    brief = deploy(fabric, alice, cores=4)
    there_since(NINE + minutes(20))
    remove(alice, brief)
    gone_at(brief, NINE + minutes(21))
    meter(TEN + minutes(2))
    (figures,) = told(resource=brief.pk)
    assert figures["CPUAllocationCount-Max"] == 4


def test_a_machine_resized_in_the_hour_is_told_with_both_sizes(machine, alice):
    VirtualMachine.objects.filter(pk=machine.pk).update(cores=8, memory_mb=1024, storage_gb=50)
    changed_at(machine, NINE + minutes(30))
    meter(TEN + timedelta(hours=1, minutes=2))
    during, after = told()
    assert (during["CPUAllocationCount-Min"], during["CPUAllocationCount-Max"]) == (2, 8)
    assert (during["MemoryAllocated-Min"], during["MemoryAllocated-Max"]) == (1024, 2048)
    assert during["CrossDiskSizeAllocated-Max"] == 50 * GIB
    assert (after["CPUAllocationCount-Min"], after["CPUAllocationCount-Max"]) == (8, 8)


def test_what_changes_twice_at_once_was_never_in_between(machine):
    with transaction.atomic():
        for cores in (100, 3):
            VirtualMachine.objects.filter(pk=machine.pk).update(cores=cores)
        VirtualMachine.objects.filter(pk=machine.pk).update(description="only words")
    held = Allocation.objects.filter(machine=machine.pk).order_by("pk")
    assert [each.cores for each in held] == [2, 3]


def test_a_machine_given_away_is_told_for_both_each_with_its_part(machine, alice, charlie):
    sampled(machine, 10, 20, 70, 90)
    actions.owners.give(ADMINISTRATOR, machine, role=charlie.role, owner_name="charlie@example.net")
    changed_at(machine, NINE + minutes(2))
    meter(TEN + minutes(2))
    (hers,) = told(subscription=alice.role.pk)
    (his,) = told(subscription=charlie.role.pk)
    assert (hers["CPUPercentUtilization-Max"], his["CPUPercentUtilization-Min"]) == (20, 70)


def test_a_subscription_is_the_outer_role_of_those_inside(fabric, machine, alice, charlie):
    inner = actions.userroles.add(ADMINISTRATOR, name="a team", profile="SelfServiceUser")
    VirtualMachine.objects.filter(pk=machine.pk).update(role=inner)
    changed_at(machine, NINE)
    there_is = Allocation.objects.filter(until_at=None)
    assert there_is.get().subscription == inner.pk
    Allocation.objects.update(made_in=0)
    for outer, minute in ((alice.role, 20), (charlie.role, 40)):
        actions.userroles.change(ADMINISTRATOR, inner, parent=outer)
        changed_at(machine, NINE + minutes(minute))
        assert there_is.get().subscription == outer.pk
    sampled(machine, *range(1, 61))
    meter(TEN + minutes(2))
    loads = [
        [each["CPUPercentUtilization-Min"] for each in told(subscription=pk)]
        for pk in (inner.pk, alice.role.pk, charlie.role.pk)
    ]
    assert loads == [[1], [21], [41]]


def test_machines_of_the_fabrics_own_people_are_nobodys_to_pay_for(fabric):
    deploy(fabric, ADMINISTRATOR)
    metered_until(NINE)
    assert meter(TEN + minutes(2)) == 0


def test_a_cloud_is_told_for_each_subscription_with_the_sum_of_its_machines(
    fabric, machine, alice, charlie
):
    other = deploy(fabric, alice, "web-02", cores=6, memory_mb=1024)
    his = deploy(fabric, charlie, "db-01", cores=1)
    there_since(NINE)
    Allocation.objects.filter(machine=other.pk).update(from_at=NINE + minutes(40))
    sampled(machine, 10, 10)
    sampled(other, 50)
    meter(TEN + minutes(2))
    (hers,) = told(Metered.CLOUD, subscription=alice.role.pk)
    assert (hers["CPUAllocationCount-Min"], hers["CPUAllocationCount-Max"]) == (2, 8)
    assert hers["MemoryAllocated-Max"] == 3072
    # The other was not hers yet in the minutes it was seen in.
    assert hers["CPUPercentUtilization-Max"] == 10
    (for_him,) = told(Metered.CLOUD, subscription=charlie.role.pk)
    assert for_him["CPUAllocationCount-Max"] == his.cores
    assert for_him["MemoryConsumed-Max"] is None


def test_processors_of_a_cloud_weigh_by_their_number(fabric, machine, alice):
    other = deploy(fabric, alice, "web-02", cores=6)
    there_since(NINE)
    for each, load in ((machine, 100), (other, 20)):
        sampled(each, load)
    meter(TEN + minutes(2))
    (cloud,) = told(Metered.CLOUD)
    assert cloud["CPUPercentUtilization-Max"] == pytest.approx((100 * 2 + 20 * 6) / 8)
    assert cloud["MemoryConsumed-Max"] == 12_000


def test_old_records_go_when_their_time_is_over(machine, settings):
    settings.USAGE_RETENTION_DAYS = 1
    meter(TEN + minutes(2))
    meter(TEN + timedelta(hours=23, minutes=2))
    assert UsageRecord.objects.order_by("pk").first().start_at == NINE
    meter(TEN + timedelta(hours=24, minutes=2))
    assert UsageRecord.objects.order_by("pk").first().start_at == TEN
    # After a long pause only what would still be kept is metered.
    meter(TEN + timedelta(days=9, minutes=2))
    assert UsageRecord.objects.filter(kind=Metered.MACHINE).count() <= 25 + 24


def test_a_meter_that_never_ran_begins_with_the_first_machine(machine):
    Meter.objects.all().delete()
    assert meter(TEN + minutes(2)) == 4, "eight and nine"
    assert Meter.objects.get().metered_until == TEN


def test_many_machines_cost_no_more_statements_than_one(fabric, machine, alice):
    def statements(now: datetime) -> int:
        with CaptureQueriesContext(connection) as queries:
            meter(now)
        return len(queries)

    few = statements(TEN + minutes(2))
    for n in range(4):
        deploy(fabric, alice, f"app-{n}")
    there_since(NINE)
    assert statements(TEN + minutes(62)) == few
    assert len(told(start_at=TEN)) == 5


def in_thread(work) -> threading.Thread:
    def guarded() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=guarded)
    thread.start()
    return thread


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_reader_beside_many_meters_gets_every_record_once(vault):
    """Four processes meter forty hours at once while one reads on from the last id it got."""
    fabric = make_fabric()
    alice = acting_for(make_role(fabric), "alice@example.net")
    for n in range(3):
        deploy(fabric, alice, f"web-{n}")
    there_since(NINE)
    metered_until(NINE)
    end = NINE + timedelta(hours=40, minutes=2)
    read: list[int] = []
    ready = threading.Barrier(5)

    def metering_on() -> None:
        ready.wait()
        for _ in range(40):
            meter(end)

    def reading() -> None:
        ready.wait()
        idle = 0
        while idle < 50:
            page = metering.records(read[-1] if read else 0, 7)
            idle = 0 if page else idle + 1
            read.extend(each.pk for each in page)
            if idle and Meter.objects.get().metered_until < end - timedelta(hours=1):
                idle = 0

    threads = [*(in_thread(metering_on) for _ in range(4)), in_thread(reading)]
    for thread in threads:
        thread.join(300)
    assert read == sorted(read)
    assert read == list(UsageRecord.objects.order_by("pk").values_list("pk", flat=True))
    found = list(UsageRecord.objects.values_list("start_at", "kind", "resource"))
    assert len(found) == len(set(found)) == 40 * (3 + 1)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_metering_waits_for_who_noted_a_change_of_the_hour(vault):
    """A machine resized before ten is told with both sizes, though that was written after ten."""
    fabric = make_fabric()
    machine = deploy(fabric, acting_for(make_role(fabric), "alice@example.net"), cores=2)
    there_since(NINE)
    metered_until(NINE)
    has_written, may_end = threading.Event(), threading.Event()

    def resizing() -> None:
        with transaction.atomic():
            VirtualMachine.objects.filter(pk=machine.pk).update(cores=8)
            changed_at(machine, NINE + minutes(59))
            has_written.set()
            may_end.wait(60)

    resizer = in_thread(resizing)
    assert has_written.wait(60)
    meterer = in_thread(lambda: meter(TEN + minutes(2)))
    meterer.join(0.5)
    assert meterer.is_alive(), "it waits"
    may_end.set()
    for thread in (resizer, meterer):
        thread.join(60)
    (figures,) = told()
    assert figures["CPUAllocationCount-Max"] == 8


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_nobody_waits_long_behind_a_meter_that_waits(vault):
    fabric = make_fabric()
    alice = acting_for(make_role(fabric), "alice@example.net")
    slow, quick = (deploy(fabric, alice, name, cores=2) for name in ("slow", "quick"))
    there_since(NINE)
    metered_until(NINE)
    with transaction.atomic():
        VirtualMachine.objects.filter(pk=slow.pk).update(cores=8)
        meterer = in_thread(lambda: meter(TEN + minutes(2)))
        stalled: list[Exception] = []

        def resizing() -> None:
            try:
                for cores in range(3, 13):
                    with transaction.atomic(), connection.cursor() as cursor:
                        cursor.execute("SET LOCAL lock_timeout = '5s'")
                        VirtualMachine.objects.filter(pk=quick.pk).update(cores=cores)
                    time.sleep(0.05)
            except OperationalError as error:
                stalled.append(error)

        resizer = in_thread(resizing)
        resizer.join(90)
    meterer.join(60)
    assert not stalled
    assert not resizer.is_alive()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_role_that_moves_takes_along_what_is_just_made_and_changed_in_it(vault):
    fabric = make_fabric()
    outer = make_role(fabric)
    inner = actions.userroles.add(ADMINISTRATOR, name="a team", profile="SelfServiceUser")
    changed, late = (deploy(fabric, acting_for(outer, "alice"), name) for name in ("a", "b"))
    VirtualMachine.objects.filter(pk=changed.pk).update(role=inner)
    failed: list[Exception] = []

    def moving() -> None:
        try:
            actions.userroles.change(ADMINISTRATOR, inner, parent=outer)
        except Exception as error:
            failed.append(error)

    with transaction.atomic():
        VirtualMachine.objects.filter(pk=changed.pk).update(cores=7)
        VirtualMachine.objects.filter(pk=late.pk).update(role=inner)
        mover = in_thread(moving)
        mover.join(0.5)
    mover.join(60)
    assert not failed
    there_are = Allocation.objects.filter(until_at=None).values_list("machine", "subscription")
    assert dict(there_are) == {changed.pk: outer.pk, late.pk: outer.pk}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_what_is_undone_leaves_no_trace(vault):
    fabric = make_fabric()
    machine = deploy(fabric, acting_for(make_role(fabric), "alice@example.net"), cores=2)
    with transaction.atomic():
        VirtualMachine.objects.filter(pk=machine.pk).update(cores=8)
        transaction.set_rollback(True)
    assert [each.cores for each in Allocation.objects.all()] == [2]
