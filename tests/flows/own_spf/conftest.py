"""Our own SPF, VMM and simulated hosts, all in this process, and a subscription in them.

These fixtures take the place of those the other flows have, with a fake cloud.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from fabric import registry
from fabric.actions import offerings as offering_actions
from fabric.actions import providers
from fabric.actions import subscriptions as subscription_actions
from fabric.durable import engine
from fabric.durable.states import LIVE, JobState
from fabric.jobs import RECIPES, watch
from fabric.models import Job, Machine, Stamp
from fabric.states import GRANTABLE
from fabric.sync import stamps
from fabric.vmm import quota as vmm_quota
from fabric.vmm.actions import profiles
from fabric.vmm.models import Cloud as VMMCloud
from fabric.vmm.models import Server, UserRole
from plans.actions import plans as plan_actions
from plans.actions import quota
from plans.models import Access, Subscription
from tests.contract.provider import benches
from tests.factories.vmm import ADMINISTRATOR
from tests.flows.conftest import LIMITS


@pytest.fixture
def bench(request, vault, db):
    bench = benches.spf(request)
    server = Server.objects.get()
    profiles.add_hardware(ADMINISTRATOR, server, name="Small", cores=1, memory_mb=1024)
    with registry.use(lambda row: bench.provider):
        yield bench


@pytest.fixture
def work(bench) -> Callable[[], None]:
    """Return the workers of both planes: they go on until nothing moves."""

    def work() -> None:
        for _round in range(40):
            live = list(Job.objects.filter(state__in=LIVE).values_list("pk", flat=True))
            if not live:
                return
            now = timezone.now()
            Job.objects.filter(pk__in=live).update(due_at=now, claimed_until=None)
            for job_id in live:
                engine.advance(Job, RECIPES, job_id)
            bench.settle()
            Stamp.objects.update(next_watch_at=now)
            for stamp_id in Stamp.objects.values_list("pk", flat=True):
                watch.run(str(stamp_id))
        raise AssertionError(f"still at work: {list(Job.objects.filter(state__in=LIVE))}")

    return work


@pytest.fixture
def subscription(bench, olga, alice, alices, work) -> Subscription:
    provider = providers.register(
        by=olga, name="Own", url="https://spf.test:8090", username="portal", password="Wap-secret-1"
    )
    stamp = providers.register_stamp(
        by=olga, provider=provider, name=bench.stamp_name, friendly_name="Frankfurt"
    )
    stamps.run(str(stamp.pk))
    plan = plan_actions.create(by=olga, name="Starter", service_keys=["vmclouds"])
    cloud = stamp.clouds.get()
    content = offering_actions.content_of(cloud)
    offering_actions.configure(
        by=olga,
        plan=plan,
        cloud=cloud,
        templates=list(content.templates),
        hardware_profiles=list(content.hardware_profiles),
        networks=list(content.networks),
        media=list(content.media),
        library_disks=list(content.library_disks),
        permissions=tuple(GRANTABLE),
        limits=LIMITS | {"storage_gb": 500},
    )
    plan_actions.change_access(by=olga, plan=plan, access=Access.PUBLIC)
    plan.refresh_from_db()
    made = subscription_actions.subscribe(by=alice, tenant=alices, plan=plan)
    work()
    made.refresh_from_db()
    assert made.is_usable
    return made


@pytest.fixture
def books(bench, subscription) -> Callable[[], dict[str, int]]:
    """Return a check that portal and VMM count the same; it returns what."""

    def books() -> dict[str, int]:
        held = quota.used(subscription)
        role = UserRole.objects.get(pk=subscription.pk)
        usage = vmm_quota.usage(role, VMMCloud.objects.get(pk=bench.cloud_id))[: len(LIMITS)]
        assert [each.used for each in usage] == [held[name] for name in LIMITS]
        return held

    return books


@pytest.fixture
def ask(subscription, work):
    """Have something done; return the machine as it is then, its last job well ended."""

    def ask(found: Machine | Job) -> Machine:
        machine = found if isinstance(found, Machine) else found.machine
        assert machine is not None
        work()
        job = machine.jobs.latest("created_at")
        assert job.state == JobState.SUCCEEDED, job.fault
        machine.refresh_from_db()
        return machine

    return ask
