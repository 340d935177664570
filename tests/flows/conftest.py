"""A registered cloud on a fake provider, and a worker that takes what is due, without a broker."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from fabric import registry, tasks
from fabric.actions import machines, offerings, power, providers, subscriptions
from fabric.durable import nudge
from fabric.durable.states import LIVE
from fabric.jobs import RECIPES, watch
from fabric.models import Job, Machine, Stamp
from fabric.providers.fake import FakeProvider
from fabric.states import GRANTABLE, MachineState, Verb
from fabric.sync import absence, stamps
from plans.actions import plans as plan_actions
from plans.actions import quota
from plans.models import Access, Plan, Subscription
from tests.factories.fabric import new_machine

LIMITS = {"machines": 3, "cores": 8, "memory_mb": 8192, "storage_gb": 200}


@pytest.fixture
def fake(vault, db):
    """Return the far side."""
    fake = FakeProvider(instant=True)
    with registry.use(lambda row: fake):
        yield fake


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch):
    """Lose every message: the rows alone must do."""
    monkeypatch.setattr(nudge, "nudge", lambda *args, **kwargs: None)
    monkeypatch.setattr(tasks, "nudge", lambda *args, **kwargs: None)
    monkeypatch.setattr(providers, "nudge", lambda *args, **kwargs: None)


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch):
    """Ask a stamp that is away again at once: these tests have no minutes to wait."""
    monkeypatch.setattr(absence, "FIRST_SECONDS", 0.0)


@pytest.fixture
def work() -> Callable[..., None]:
    """Return a worker: takes every live job, lets the watch look, until nothing moves."""
    from fabric.durable import engine

    def work(rounds: int = 12) -> None:
        for _round in range(rounds):
            live = list(Job.objects.filter(state__in=LIVE).values_list("pk", flat=True))
            if not live:
                return
            now = timezone.now()
            Job.objects.filter(pk__in=live).update(due_at=now, claimed_until=None)
            for job_id in live:
                engine.advance(Job, RECIPES, job_id)
            Stamp.objects.update(next_watch_at=now)
            for stamp_id in Stamp.objects.values_list("pk", flat=True):
                watch.run(str(stamp_id))

    return work


@pytest.fixture
def stamp(fake, olga):
    provider = providers.register(
        by=olga,
        name="Contoso",
        url="https://spf.example.net:8090",
        username="portal",
        password="Canary-spf-1",
    )
    stamp = providers.register_stamp(
        by=olga, provider=provider, name=fake.stamp.name, friendly_name="Frankfurt"
    )
    stamps.run(str(stamp.pk))
    stamp.refresh_from_db()
    return stamp


@pytest.fixture
def plan(stamp, olga) -> Plan:
    plan = plan_actions.create(by=olga, name="Starter", service_keys=["vmclouds"])
    cloud = stamp.clouds.get()
    content = offerings.content_of(cloud)
    offerings.configure(
        by=olga,
        plan=plan,
        cloud=cloud,
        templates=list(content.templates),
        hardware_profiles=list(content.hardware_profiles),
        networks=list(content.networks),
        media=list(content.media),
        library_disks=list(content.library_disks),
        permissions=tuple(GRANTABLE),
        limits=LIMITS,
    )
    plan_actions.change_access(by=olga, plan=plan, access=Access.PUBLIC)
    plan.refresh_from_db()
    return plan


@pytest.fixture
def subscription(plan, alice, alices, work):
    subscription = subscriptions.subscribe(by=alice, tenant=alices, plan=plan)
    work()
    subscription.refresh_from_db()
    return subscription


@pytest.fixture
def order(subscription, alice) -> Callable[..., Machine]:
    """Order a machine as alice."""

    def order(name: str = "web-01", key: str = "k1", by=alice, **more) -> Machine:
        return machines.deploy(
            by=by,
            subscription=subscription,
            order=new_machine(subscription, name, **more),
            request_key=key,
        )

    return order


@pytest.fixture
def running(order, work) -> Machine:
    machine = order()
    work()
    machine.refresh_from_db()
    assert machine.state == MachineState.RUNNING
    return machine


@pytest.fixture
def stopped(running, alice, work) -> Machine:
    power.operate(by=alice, machine=running, verb=Verb.STOP)
    work()
    running.refresh_from_db()
    assert running.state == MachineState.STOPPED
    return running


@pytest.fixture
def exact(fake, subscription) -> Callable[[], dict[str, int]]:
    """Return a check that the ledger says what the far side holds; it returns what that is."""

    def exact() -> dict[str, int]:
        there = [machine.size for machine in fake.held.values()]
        held = {name: sum(size[name] for size in there) for name in LIMITS}
        assert quota.used(Subscription.objects.get(pk=subscription.pk)) == held
        return held

    return exact
