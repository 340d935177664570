"""A registered cloud, a plan made from it, subscriptions and machines, as rows only."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.utils import timezone

from fabric.models import (
    Cloud,
    Group,
    GroupMember,
    HardwareProfile,
    Machine,
    Network,
    Offering,
    Provider,
    Schedule,
    Stamp,
    Template,
)
from fabric.orders import Guest, NewMachine
from fabric.states import GRANTED_BY_DEFAULT, MachineState
from plans.actions import quota
from plans.models import Access, Plan, PlanService, Provisioning, Subscription
from tenants.models import Tenant


def make_stamp(**fields: Any) -> Stamp:
    """Return a stamp behind an endpoint; the vault must be open."""
    provider = Provider(
        name="Contoso SPF",
        url=f"https://spf-{uuid.uuid4().hex[:8]}.example.net:8090",
        username="portal",
    )
    provider.seal_password("spf-password")
    provider.save()
    values = {
        "id": uuid.uuid4(),
        "provider": provider,
        "name": "vmm01.example.net",
        "friendly_name": "Frankfurt",
        "synced_at": timezone.now(),
    }
    return Stamp.objects.create(**values | fields)


def make_cloud(stamp: Stamp, name: str = "Gold") -> Cloud:
    """Return a cloud with a template, a hardware profile and a network."""
    now, logical = timezone.now(), uuid.uuid4()
    cloud = Cloud.objects.create(
        id=uuid.uuid4(), stamp=stamp, name=name, synced_at=now, logical_network_ids=[str(logical)]
    )
    common = {"stamp": stamp, "synced_at": now}
    Template.objects.create(
        id=uuid.uuid4(),
        name="Ubuntu 24.04",
        os_name="Ubuntu 24.04",
        os_type="Linux",
        cores=1,
        memory_mb=1024,
        storage_gb=10,
        only_cloud=cloud.pk,
        **common,
    )
    HardwareProfile.objects.create(id=uuid.uuid4(), name="Small", cores=2, memory_mb=2048, **common)
    Network.objects.create(
        id=uuid.uuid4(), name="front", logical_network_id=logical, isolation="NoIsolation", **common
    )
    return cloud


def make_plan(cloud: Cloud, name: str = "Starter", **limits: int | None) -> Plan:
    """Return a public plan with everything the cloud has."""
    plan = Plan.objects.create(name=name, access=Access.PUBLIC)
    PlanService.objects.create(plan=plan, key="vmclouds", is_configured=True)
    limits = {"machines": 10, "cores": 20, "memory_mb": 40960, "storage_gb": 500} | limits
    offering = Offering.objects.create(
        plan=plan, cloud=cloud, permissions=list(GRANTED_BY_DEFAULT), **limits
    )
    offering.templates.set(cloud.stamp.templates.all())
    offering.hardware_profiles.set(cloud.stamp.hardwareprofiles.all())
    offering.networks.set(cloud.stamp.networks.all())
    return plan


def make_subscription(tenant: Tenant, plan: Plan, **fields: Any) -> Subscription:
    """Return an active, provisioned subscription."""
    values = {"name": plan.name, "owner_email": "alice@example.net"}
    values |= {"provisioning": Provisioning.IN_SYNC}
    return Subscription.objects.create(tenant=tenant, plan=plan, **values | fields)


def new_machine(
    subscription: Subscription,
    name: str = "web-01",
    password: str = "Canary-Guest-9",
    **fields: Any,
) -> NewMachine:
    """Return an order from the plan's only template; guest fields go to the guest."""
    told = {key: fields.pop(key) for key in list(fields) if key in Guest.__dataclass_fields__}
    values: dict[str, Any] = {
        "name": name,
        "template": subscription.plan.offering.templates.first(),
        "guest": Guest(password=password, **told),
    }
    return NewMachine(**values | fields)


def make_machine(subscription: Subscription, name: str = "web-01", **fields: Any) -> Machine:
    """Return a running machine whose quota is committed."""
    offering = subscription.plan.offering
    template = offering.templates.first()
    values: dict[str, Any] = {
        "stamp": offering.cloud.stamp,
        "cloud": offering.cloud,
        "template": template,
        "network": offering.networks.first(),
        "remote_id": uuid.uuid4(),
        "state": MachineState.RUNNING,
        "os_name": template.os_name,
        "os_type": template.os_type,
        "cores": template.cores,
        "memory_mb": template.memory_mb,
        "storage_gb": template.storage_gb,
        "addresses": ["10.20.0.4"],
        "synced_at": timezone.now(),
    }
    machine = Machine.objects.create(subscription=subscription, name=name, **values | fields)
    quota.reserve(
        subscription,
        holding=machine.pk,
        wanted={
            "machines": 1,
            "cores": machine.cores,
            "memory_mb": machine.memory_mb,
            "storage_gb": machine.storage_gb,
        },
        limits=offering.limits,
    )
    quota.commit(machine.pk)
    return machine


def make_group(subscription: Subscription, *machines: Machine, name: str = "Shop") -> Group:
    """Return an ordered group of these machines."""
    group = Group.objects.create(subscription=subscription, name=name)
    for position, machine in enumerate(machines, start=1):
        GroupMember.objects.create(group=group, machine=machine, position=position)
    return group


def make_schedule(subscription: Subscription, **fields: Any) -> Schedule:
    """Return a schedule that is due in an hour; name what it acts on."""
    values = {
        "name": "Off at night",
        "action": "stop",
        "cron": "0 20 * * 1-5",
        "time_zone": "Europe/Berlin",
        "next_at": timezone.now() + dt.timedelta(hours=1),
    }
    return Schedule.objects.create(subscription=subscription, **values | fields)
