"""What VMM says of machines, in the words people read."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from django.utils import timezone

from fabric.models import Machine
from fabric.providers.base import RemoteMachine
from fabric.states import POSSIBLE, Verb
from fabric.sync import machines
from tests.factories.fabric import make_machine

TOLD = RemoteMachine(
    id=uuid.UUID(int=7),
    tag="",
    name="web-01",
    status="Running",
    status_text="Running",
    cores=1,
    memory_mb=1024,
    os_name="",
    addresses=(),
    host_name="",
    job_id=None,
    owner_role_id=None,
)


@pytest.fixture
def machine(subscription) -> Machine:
    return make_machine(subscription, remote_id=TOLD.id, state="running")


def tell(machine: Machine, status: str, text: str = "") -> Machine:
    machines.apply(machine.stamp_id, [replace(TOLD, status=status, status_text=text or status)])
    machine.refresh_from_db()
    return machine


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("Stored", "stored"),
        ("UpdateFailed", "failed"),
        ("UnderMigration", "updating"),
        ("Storing", "updating"),
        ("UnderUpdate", "updating"),
        ("CreatingCheckpoint", "updating"),
        ("HostNotResponding", "unreachable"),
        ("SomethingNew", "running"),
    ],
)
def test_statuses_have_words(machine, status, state):
    assert tell(machine, status).state == state


def test_work_begun_elsewhere_passes(machine):
    """Nobody here has a job for it, so nobody but the far side says that it is over."""
    now = tell(machine, "UnderMigration", "Migrating...")
    assert (now.is_busy, now.status_text) == (True, "Migrating...")
    now = tell(machine, "Running")
    assert (now.state, now.status_text) == ("running", "")


def test_a_machine_lost_while_it_was_worked_on_elsewhere_is_missing(machine):
    tell(machine, "UnderMigration")
    machines.mark_missing(machine.stamp_id, set(), timezone.now())
    machine.refresh_from_db()
    assert machine.state == "missing"


def test_a_stored_machine_can_be_deleted_and_not_started(machine):
    state = tell(machine, "Stored").state
    assert machine.get_state_display() == "In library"
    assert state in POSSIBLE[Verb.DELETE][0]
    assert state not in POSSIBLE[Verb.START][0]
