"""What a stopped machine costs and keeps (features D042, D048)."""

from __future__ import annotations

from fabric.vmm import actions, performance
from fabric.vmm.metering import meter
from fabric.vmm.models import AddressLease, UsageRecord
from tests.factories.vmm import deploy, finish
from tests.unit.fabric.vmm.test_metering import (
    NINE,
    TEN,
    metered_until,
    minutes,
    there_since,
    told,
)


def test_D048_a_stopped_machine_is_not_metered_as_running(fabric, alice):
    """What it holds is told, what it uses is nothing: no processor, no memory, no disk traffic."""
    on, off = deploy(fabric, alice, "on-01"), deploy(fabric, alice, "off-01")
    finish(actions.machines.operate(alice, off, "Stop"))
    there_since(NINE - minutes(60))
    metered_until(NINE)
    performance.sample(NINE + minutes(5))
    meter(TEN + minutes(2))
    (running,), (stopped,) = (told(resource=machine.pk) for machine in (on, off))
    for name in ("CPUPercentUtilization", "MemoryConsumed", "CrossDiskIOPerSecond"):
        assert running[f"{name}-Max"] is not None
        assert not stopped[f"{name}-Max"]
    assert running["MemoryConsumed-Max"] > 0
    assert stopped["CPUAllocationCount-Max"] == running["CPUAllocationCount-Max"]
    assert UsageRecord.objects.filter(resource=off.pk).exists()


def test_D042_addresses_after_stop_and_start_are_those_before(fabric, alice):
    machines = [deploy(fabric, alice, name) for name in ("db-01", "web-01")]

    def addresses() -> dict[str, list]:
        return {
            machine.name: list(
                AddressLease.objects.filter(adapter__machine=machine)
                .order_by("address")
                .values_list("address", "adapter__mac")
            )
            for machine in machines
        }

    before = addresses()
    assert all(before.values())
    for machine in machines:
        finish(actions.machines.operate(alice, machine, "Stop"))
    for machine in reversed(machines):
        machine.refresh_from_db()
        finish(actions.machines.operate(alice, machine, "Start"))
    assert addresses() == before
