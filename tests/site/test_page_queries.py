"""Every page of the tenant site asks the database at most twelve times, however much there is.

What Django's `CaptureQueriesContext` captures is counted, the sign-in's two queries included;
savepoints are not, they ask nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from fabric.durable.states import JobState
from fabric.models import (
    Group,
    GroupMember,
    HardwareProfile,
    Job,
    Machine,
    Network,
    Offering,
    Template,
)
from plans.models import Access, AddOn, Subscription, SubscriptionAddOn
from portal.models import Draft, SshKey
from portal.tenant_site.creating.wizard import SLUGS
from tenants.actions import api_keys, invitations, operations
from tenants.authority import Place
from tenants.models import Instance, Role, Tenant, TenantRole, User
from tests.factories import devices
from tests.factories import fabric as rows
from tests.people import join, make_user
from tests.site import tenant_world
from tests.site.tenant.visitor import Visitor
from tests.site.test_tenant_roles import addresses, url_of

MOST = 12
FEW, MANY = 2, 14
NO_QUESTION = ("SAVEPOINT", "RELEASE", "ROLLBACK")


@pytest.fixture
def world(vault, alice, bob, alices) -> dict[str, Any]:
    """Return one of everything, with a draft that has seen all pages."""
    Instance.objects.create(id=1, name="Contoso Cloud", set_up_at=timezone.now())
    found = tenant_world.furnish(alice, bob, alices)
    browser = Client()
    browser.force_login(alice)
    visitor = Visitor(browser, Draft.objects.get(pk=found["machine-draft"]))
    visitor.choose(Subscription.objects.get(pk=found["subscription"]))
    visitor.send("disks", **{"rows": 1, "size-0": 20, "name-0": "data"})
    visitor.name("app##", 2)
    return {"browser": browser, "found": found}


@pytest.mark.slow
def test_no_page_asks_more_than_twelve_times_and_none_more_for_more_rows(
    world, alice, alices
) -> None:
    add_more(alice, alices, world["found"], range(FEW))
    few = asked_by_page(world)
    add_more(alice, alices, world["found"], range(FEW, MANY))
    many = asked_by_page(world)
    assert {page: count for page, count in many.items() if count > MOST} == {}
    grown = {page: (few[page], many[page]) for page in many if many[page] > few[page]}
    assert grown == {}
    assert many["machines"] > 3  # they were looked at, not led away from


def asked_by_page(world: Mapping[str, Any]) -> dict[str, int]:
    """Return how often each page asks, as a whole and as the part that htmx fetches."""
    counts = {}
    for page, url in pages(world["found"]).items():
        counts[page] = asked(world["browser"], url)
        counts[f"{page} (part)"] = asked(world["browser"], url, {"HX-Request": "true"})
    return counts


def pages(found: Mapping[str, Any]) -> dict[str, str]:
    """Return every address there is something to look at, by its name."""
    urls = {name: url_of(name, keys, found) for name, keys in addresses().items()}
    draft = urls.pop("machine-draft")
    for slug in SLUGS:
        urls[f"machine-draft {slug}"] = reverse("machine-draft", args=[draft.split("/")[-3], slug])
    return urls


def asked(browser: Client, url: str, headers: Mapping[str, str] | None = None) -> int:
    """Return how many queries an answer takes; what it writes is undone."""
    connection.queries_log.clear()
    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        answer = browser.get(url, headers=headers)
        transaction.set_rollback(True)
    assert answer.status_code < 500, url
    return sum(not query["sql"].startswith(NO_QUESTION) for query in captured)


def add_more(alice: User, alices: Tenant, found: Mapping[str, Any], numbers: range) -> None:
    """Make more of all that pages list, one for each number."""
    one = Machine.objects.get(pk=found["machine"])
    first, group = one.subscription, Group.objects.get(pk=found["group"])
    Offering.objects.update(machines=None, cores=None, memory_mb=None, storage_gb=None)
    for number in numbers:
        machine = rows.make_machine(Subscription.objects.get(pk=first.pk), f"more-{number:02}")
        GroupMember.objects.create(group=group, machine=machine, position=number + 1)
        rows.make_group(first, one, machine, name=f"Group {number}")
        rows.make_schedule(first, name=f"Schedule {number}", machine=machine)
        _work_on(machine)
        _fill(one, machine.name, alice)
        _fill(machine, "", alice)
        _share(first, alices, number)
        _admit(alice, alices, number)
        SshKey.objects.create(user=alice, name=f"laptop {number}", fingerprint=f"{number}")
        Draft.objects.create(user=alice)
        UserSession.objects.create(user=alice, ip="192.0.2.1", session_key=f"elsewhere-{number}")


def _fill(machine: Machine, suffix: str, alice: User) -> None:
    """Give a machine one more of each device, and an act in the log."""
    devices.make_disk(machine, f"disk-{suffix}")
    devices.make_adapter(machine)
    devices.make_checkpoint(machine, f"before {suffix}")
    devices.make_media(machine, f"{machine.name}-{suffix}.iso")
    devices.make_library_disk(machine, f"{machine.name}-{suffix}.vhdx")
    entry = operations.started(
        "machine.deploy",
        by=alice,
        tenant=machine.subscription.tenant,
        object_type="machine",
        object_id=machine.pk,
        object_name=machine.name,
        parameters={},
    )
    operations.succeeded(entry)


def _work_on(machine: Machine) -> None:
    Job.objects.create(
        recipe="machine.operate",
        title=f"Stop {machine.name}",
        subject=machine.pk,
        step="ensure_asked",
        inputs={"verb": "stop", "was": "running"},
        state=JobState.RUNNING,
        machine=machine,
        subscription=machine.subscription,
        stamp=machine.stamp,
    )


def _share(first: Subscription, alices: Tenant, number: int) -> None:
    """Offer one more plan, add-on and choice of what to make; of some subscribe to the plan."""
    offering = first.plan.offering
    plan = rows.make_plan(offering.cloud, f"Plan {number}")
    bought = AddOn.objects.create(name=f"Add-on {number}", access=Access.PUBLIC, machines=1)
    bought.plans.add(plan, first.plan)
    SubscriptionAddOn.objects.create(subscription=first, add_on=bought)
    common = {"stamp": offering.cloud.stamp, "synced_at": timezone.now()}
    for model, held in (
        (Template, offering.templates),
        (HardwareProfile, offering.hardware_profiles),
        (Network, offering.networks),
    ):
        sized = {} if model is Network else {"cores": 1, "memory_mb": 512}
        held.add(model.objects.create(id=uuid.uuid4(), name=f"z{number}", **sized, **common))
    if number % 3 == 0:
        second = rows.make_subscription(alices, plan, name=f"Share {number}")
        rows.make_machine(second, f"there-{number}")


def _admit(alice: User, alices: Tenant, number: int) -> None:
    """Take one more colleague in, with a role of their own, and invite another."""
    composed = TenantRole.objects.create(tenant=alices, name=f"Role {number}", rights=["Start"])
    colleague = make_user(f"colleague{number}@example.net")
    join(alices, colleague, Role.CUSTOM, custom_role=composed)
    place = Place(Role.READER)
    invitations.invite(by=alice, tenant=alices, email=f"n{number}@example.net", place=place)
    api_keys.issue(by=alice, tenant=alices, name=f"key {number}", scopes=["read"], days=1)
