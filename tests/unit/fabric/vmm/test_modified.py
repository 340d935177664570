"""Whatever is written of a machine moves its modification time, whoever writes it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from fabric.vmm import placement
from fabric.vmm.models import VirtualMachine
from tests.factories.vmm import finish, make_fabric


@pytest.fixture
def machine(db, vault, settings, tmp_path, monkeypatch) -> VirtualMachine:
    from fabric.vmm.actions import machines
    from fabric.vmm.roles import Caller

    settings.SIMULATED_RACK = tmp_path / "rack.sqlite3"
    settings.SIMULATED_SCALE = 0
    monkeypatch.setattr("fabric.durable.nudge.nudge", lambda *args, **kwargs: None)
    made = make_fabric()
    machine, job = machines.create(
        Caller(is_administrator=True, principal="root"),
        server=made.server,
        cloud_id=made.cloud.pk,
        name="web-01",
        template_id=made.template.pk,
    )
    finish(job)
    long_ago = timezone.now() - timedelta(days=1)
    VirtualMachine.objects.filter(pk=machine.pk).update(modified_at=long_ago)
    machine.refresh_from_db()
    return machine


def is_touched(machine: VirtualMachine) -> bool:
    before = machine.modified_at
    machine.refresh_from_db()
    return machine.modified_at > before


def test_a_time_given_is_the_one_written(machine):
    assert timezone.now() - machine.modified_at > timedelta(hours=23)


@pytest.mark.parametrize("field", ["status", "storage_gb", "cores", "host", "most_recent_job_id"])
def test_any_column_written_tells_the_time(machine, field):
    rows = VirtualMachine.objects.filter(pk=machine.pk)
    rows.update(**{field: getattr(machine, field)})
    assert is_touched(machine)


def test_a_machine_that_loses_its_host_is_modified(machine):
    placement.release(machine)
    assert is_touched(machine)


def test_rows_reached_through_a_relation_as_well(machine):
    machine.cloud.machines_here.update(description="moved")
    assert is_touched(machine)
