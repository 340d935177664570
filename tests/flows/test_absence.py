"""Two endpoints: the loss of one, dead or hanging, leaves the other as it was."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.utils import timezone

from fabric import registry, tasks
from fabric.actions import machines as machine_actions
from fabric.jobs import watch
from fabric.models import Machine, Provider, Stamp
from fabric.providers.errors import Unreachable
from fabric.providers.fake import FakeProvider
from fabric.providers.spf import SPFProvider
from fabric.states import MachineState
from fabric.sync import absence, stamps
from tests.factories.fabric import make_cloud, make_machine, make_plan, make_stamp, new_machine
from tests.factories.fabric import make_subscription as subscribe

TIMEOUT = 0.3


class Nobody:
    """An endpoint that takes connections and never says a word."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listening.getsockname()[1]}"
        self._callers: list[socket.socket] = []
        self._names: list[tuple[str, int]] = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            try:
                caller, name = self.listening.accept()
            except OSError:
                return
            self._callers.append(caller)
            self._names.append(name)

    @property
    def asked(self) -> int:
        """Return how many have called so far. They are taken in their order, ours as the last."""
        with socket.create_connection(self.listening.getsockname()) as ours:
            while ours.getsockname() not in self._names:
                time.sleep(0.001)
            own = self._names.index(ours.getsockname())
            del self._names[own]
            return own

    def die(self) -> None:
        # Closing alone would leave the thread waiting for ever.
        with suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        for each in self._callers:
            each.close()


@pytest.fixture
def nobody() -> Iterator[Nobody]:
    nobody = Nobody()
    yield nobody
    nobody.die()


@pytest.fixture
def lost(nobody, fake, vault, alices, monkeypatch) -> Iterator[Stamp]:
    """A stamp behind an endpoint that hangs, with a machine; the other endpoint is the fake."""
    monkeypatch.setattr(absence, "FIRST_SECONDS", 60.0)
    stamp = make_stamp(friendly_name="Lost", full_sync_at=timezone.now())
    Provider.objects.filter(pk=stamp.provider_id).update(url=nobody.url)
    subscription = subscribe(alices, make_plan(make_cloud(stamp, "Lead"), "On the lost one"))
    make_machine(subscription, "away-01", stamp=stamp)
    client = SPFProvider(nobody.url, "portal", "secret", timeout=TIMEOUT)
    with registry.use(lambda row: client if row.url == nobody.url else fake):
        yield stamp
    client.close()


Order = Callable[..., Machine]


@pytest.fixture
def deploy(subscription, alice, work) -> Order:
    def deploy(name: str) -> Machine:
        machine = machine_actions.deploy(
            by=alice,
            subscription=subscription,
            order=new_machine(subscription, name),
            request_key=uuid.uuid4().hex,
        )
        work()
        machine.refresh_from_db()
        return machine

    return deploy


@pytest.mark.parametrize("way", ["hangs", "is dead"])
def test_a_machine_is_deployed_while_another_endpoint_is_lost(deploy, lost, nobody, way):
    if way == "is dead":
        nobody.die()
    assert not stamps.run(str(lost.pk))
    asked = nobody.asked if way == "hangs" else 0
    assert deploy("web-01").state == MachineState.RUNNING
    if way == "hangs":
        assert nobody.asked == asked, "nobody waited for it"


def test_machines_there_are_unreachable_and_never_missing(lost):
    for _pass in range(3):
        Stamp.objects.update(next_probe_at=None)
        stamps.run(str(lost.pk))
    away = Machine.objects.get(name="away-01")
    assert away.state == MachineState.RUNNING
    assert away.unreachable_since is not None
    lost.refresh_from_db()
    assert lost.away_since is not None
    assert lost.provider.away_since is not None
    assert lost.failures == 3
    assert "127.0.0.1" in lost.problem


def test_one_that_hangs_is_asked_once_and_then_left_alone(lost, nobody):
    stamps.run(str(lost.pk))
    asked = nobody.asked
    assert asked
    for _pass in range(20):
        assert not stamps.run(str(lost.pk))
        watch.run(str(lost.pk))
    assert nobody.asked == asked


def test_its_turn_comes_later_and_later_and_never_at_the_same_time(lost):
    waits = []
    for _pass in range(4):
        Stamp.objects.update(next_probe_at=None)
        stamps.run(str(lost.pk))
        lost.refresh_from_db()
        waits.append((lost.next_probe_at - timezone.now()).total_seconds())
    assert all(
        absence.LONGEST_SECONDS * 0.7 < wait < absence.LONGEST_SECONDS * 1.3 for wait in waits
    )
    assert len(set(waits)) == len(waits)
    Stamp.objects.filter(pk=lost.pk).update(next_sync_at=timezone.now() - timedelta(hours=1))
    assert str(lost.pk) not in stamps.claim_due()


def test_orders_that_hang_hold_a_worker_no_longer_than_questions_do(stamp, monkeypatch):
    """An order that timed out tells nothing, but the next one would hang as long."""
    Stamp.objects.update(away_since=timezone.now(), next_probe_at=None)
    stamp.refresh_from_db()
    clock = iter((0.0, 15.0))
    monkeypatch.setattr(absence, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with pytest.raises(Unreachable), absence.watching(stamp):
        raise Unreachable("It did not answer within 15 seconds.")
    stamp.refresh_from_db()
    assert stamp.next_probe_at - timezone.now() > timedelta(seconds=40)


def test_only_one_asks_whether_it_is_back(lost):
    stamps.run(str(lost.pk))
    Stamp.objects.update(next_probe_at=timezone.now())
    lost.refresh_from_db()
    absence.require_there(lost)
    with pytest.raises(absence.Away, match="Lost has not answered since"):
        absence.require_there(lost)


def test_who_presses_refresh_need_not_wait(lost, nobody):
    stamps.run(str(lost.pk))
    asked = nobody.asked
    stamps.soon(lost.provider)
    stamps.run(str(lost.pk))
    assert nobody.asked > asked


def test_what_comes_back_is_read_in_full_at_once(stamp, fake, monkeypatch):
    monkeypatch.setattr(absence, "FIRST_SECONDS", 0.0)
    stamps.run(str(stamp.pk))
    fake.is_down = True
    tasks.sync_stamp(str(stamp.pk))
    stamp.refresh_from_db()
    assert stamp.away_since is not None
    fake.is_down = False
    fake.calls.clear()
    tasks.sync_stamp(str(stamp.pk))
    stamp.refresh_from_db()
    assert "machines" in fake.calls
    assert (stamp.away_since, stamp.failures, stamp.problem) == (None, 0, "")
    stamp.provider.refresh_from_db()
    assert stamp.provider.away_since is None


def test_a_reply_that_breaks_off_is_no_absence(stamp, fake):
    fake.plan("inventory", "lose_reply")
    assert not stamps.run(str(stamp.pk))
    stamp.refresh_from_db()
    assert stamp.away_since is None
    assert stamp.problem


@pytest.mark.django_db(transaction=True)
def test_one_pass_at_a_time_reads_a_stamp(vault):
    """A slow one would write what was over what is, and hold a second worker."""
    stamp = make_stamp(synced_at=None)
    reading, may_end = threading.Event(), threading.Event()

    class Slow(FakeProvider):
        def inventory(self, stamp_id):
            reading.set()
            assert may_end.wait(60)
            return super().inventory(stamp_id)

    slow, outcome = Slow(), []

    def first() -> None:
        try:
            outcome.append(stamps.run(str(stamp.pk)))
        finally:
            connection.close()

    with registry.use(lambda row: slow):
        worker = threading.Thread(target=first)
        worker.start()
        assert reading.wait(60)
        assert not stamps.run(str(stamp.pk))
        may_end.set()
        worker.join(60)
        assert outcome == [True]
        assert stamps.run(str(stamp.pk)), "the next one has its turn"
