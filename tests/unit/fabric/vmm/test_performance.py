"""Load curves: a point at once, bounded, averaged, and one statement a host and frame."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fabric.hypervisors.base import Counters
from fabric.hypervisors.simulated import plan_fault
from fabric.vmm import performance
from fabric.vmm.models import Performance
from fabric.vmm.performance import curves
from tests.factories.vmm import acting_for, deploy, make_role

NOON = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)


@pytest.fixture
def machine(fabric, alice):
    return deploy(fabric, alice)


def shown(machine, frame: str = "hour") -> dict[str, list[int]]:
    return {name: values for name, values, _ in curves(machine, frame)}


def test_a_new_machine_has_a_point_after_the_first_sample(machine):
    assert shown(machine)["CPUUsage"] == []
    performance.sample(timezone.now())
    for frame in ("hour", "Day", "MONTH"):
        for _, values, times in curves(machine, frame):
            assert len(values) == len(times) == 1
            assert values[0] > 0


def record(machine, at: datetime, cpu: int) -> None:
    performance.record([Counters(machine.pk, cpu, 512, 10, 20)], at)


def test_samples_of_one_minute_are_one_point(machine, monkeypatch):
    monkeypatch.setattr(performance.timezone, "now", lambda: NOON)
    for seconds, cpu in ((0, 10), (20, 20), (40, 60), (60, 99)):
        record(machine, NOON + timedelta(seconds=seconds), cpu)
    (_, values, times), *_ = curves(machine, "hour")
    assert values == [30, 99]
    assert times == [NOON, NOON + timedelta(seconds=60)]


def test_an_hour_is_sixty_points_at_most(machine, monkeypatch):
    for minute in range(90):
        record(machine, NOON + timedelta(minutes=minute), minute)
    monkeypatch.setattr(performance.timezone, "now", lambda: NOON + timedelta(minutes=89))
    assert shown(machine)["CPUUsage"] == list(range(30, 90))
    # Ten more are kept for who meters the hour before.
    row = Performance.objects.get(machine=machine, frame="hour")
    assert row.cpu_percent == list(range(20, 90))
    assert len(row.times) == len(row.network_kbps) == 70


def test_points_older_than_the_frame_are_not_shown(machine, monkeypatch):
    record(machine, NOON, 10)
    record(machine, NOON + timedelta(minutes=70), 20)
    monkeypatch.setattr(performance.timezone, "now", lambda: NOON + timedelta(minutes=71))
    assert shown(machine)["CPUUsage"] == [20]


def test_a_guest_that_is_no_machine_of_ours_is_left_out(machine):
    record(machine, NOON, 10)
    performance.record([Counters(machine.server_id, 1, 1, 1, 1)], NOON)
    assert Performance.objects.count() == 3


def test_a_silent_host_does_not_hold_up_the_others(fabric, alice):
    machines = [deploy(fabric, alice, f"web-{i}") for i in range(2)]
    plan_fault(settings.SIMULATED_RACK, machines[0].host.name, "counters", "unreachable")
    assert performance.sample(timezone.now()) == 1
    assert len(shown(machines[1])["CPUUsage"]) == 1


def test_many_guests_cost_no_more_statements_than_one(fabric, alice):
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            performance.sample(timezone.now())
        return len(queries)

    for i in range(2):
        deploy(fabric, alice, f"web-{i}")
    few = statements()
    for i in range(4):
        deploy(fabric, alice, f"app-{i}")
    assert statements() == few


def test_a_host_that_tells_twice_or_too_much_spoils_nothing(fabric, machine):
    other = deploy(fabric, acting_for(make_role(fabric)), "web-02")
    told = [
        Counters(machine.pk, 5, 512, 10, 20),
        Counters(machine.pk, 7, 512, -10, 2**31 - 1),
        Counters(other.pk, 10**12, 512, 10, 20),
    ]
    for seconds in (0, 20):
        performance.record(told, NOON + timedelta(seconds=seconds))
    kept = Performance.objects.get(machine=machine, frame="hour")
    assert (kept.cpu_percent, kept.storage_iops, kept.network_kbps) == ([7], [0], [2**31 - 1])
    assert Performance.objects.filter(machine=other).count() == 3


def test_a_driver_that_breaks_costs_only_its_own_host(fabric, machine, monkeypatch):
    ask = performance.open_driver

    def broken(kind, name):
        if name == machine.host.name:
            return ask(kind, name)
        raise ValueError("an answer nobody understands")

    monkeypatch.setattr(performance, "open_driver", broken)
    assert performance.sample(timezone.now()) == 1
