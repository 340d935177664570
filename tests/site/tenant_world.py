"""Alice's world for walking the tenant site: one of everything an address can be about, and the
people who meet it: nobody signed in, alice (Tenant Admin), bob (Application Administrator), frank
(the same, but with one machine only, which is not the one here), dora (Reader), charlie (of another
tenant), olga (operator, of no tenant). Their initials stand for them.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from allauth.usersessions.models import UserSession
from django.test import Client

from fabric.actions.bulk import Outcome
from fabric.durable.states import JobState
from fabric.models import Group, GroupMember, Job, Machine, MachineGrant, Schedule
from plans.models import Access, AddOn, Subscription, SubscriptionAddOn
from portal.models import Draft, SshKey
from portal.tenant_site import machine_sent
from tenants.actions import api_keys, invitations
from tenants.authority import Place
from tenants.models import Role, Tenant, TenantRole, User
from tests.factories import devices
from tests.factories import fabric as rows
from tests.people import join, make_user

INITIALS = "nabfdco"


def people(alices: Tenant, *known: User) -> dict[str, Client]:
    """Return a browser for each initial. `known` are alice, bob, dora, charlie and olga."""
    alice, bob, dora, charlie, olga = known
    frank = make_user("frank@example.net")
    join(alices, frank, Role.APPLICATION, all_machines=False)
    persons = {"a": alice, "b": bob, "f": frank, "d": dora, "c": charlie, "o": olga}
    browsers = {initial: Client(raise_request_exception=False) for initial in INITIALS}
    for initial, person in persons.items():
        browsers[initial].force_login(person)
    return browsers


def furnish(alice: User, bob: User, alices: Tenant) -> dict[str, Any]:
    """Make one of everything; return it by the first words of the addresses about it."""
    cloud = rows.make_cloud(rows.make_stamp())
    plan = rows.make_plan(cloud)
    subscription = rows.make_subscription(alices, plan)
    machine = rows.make_machine(subscription)
    job = _job(machine)
    add_on = AddOn.objects.create(name="More", access=Access.PUBLIC, cores=4)
    add_on.plans.add(plan)
    taken = SubscriptionAddOn.objects.create(subscription=subscription, add_on=add_on)
    group = Group.objects.create(subscription=subscription, name="Web")
    GroupMember.objects.create(group=group, machine=machine, position=0)
    role = TenantRole.objects.create(tenant=alices, name="Night", rights=["Start"])
    invitation, token = invitations.invite(
        by=alice, tenant=alices, email="new@example.net", place=Place(Role.READER)
    )
    key, _text = api_keys.issue(by=alice, tenant=alices, name="k", scopes=["read"], days=1)
    frank = User.objects.filter(email="frank@example.net").first()
    if frank is not None:
        other = rows.make_machine(subscription, "db-01")
        MachineGrant.objects.create(membership=frank.memberships.get(), machine=other)
    disk, adapter = devices.make_disk(machine), devices.make_adapter(machine)
    checkpoint = devices.make_checkpoint(machine)
    session = UserSession.objects.create(user=alice, ip="192.0.2.1", session_key="elsewhere")
    schedule = _schedule(subscription, machine, alice)
    return {
        "machine": machine.pk,
        "machine-draft": Draft.objects.create(user=alice).pk,
        "machine-selected-result": _results(alice, machine),
        "ssh-key": SshKey.objects.create(user=alice, name="laptop").pk,
        "subscription": subscription.pk,
        "plan": plan.pk,
        "job": job.pk,
        "job-cancel": _job(rows.make_machine(subscription, "mail-01"), JobState.WAITING).pk,
        "disk": disk.pk,
        "adapter": adapter.pk,
        "checkpoint": checkpoint.pk,
        "group": group.pk,
        "schedule": schedule.pk,
        "member": bob.memberships.get().pk,
        "role": role.pk,
        "invitation": invitation.pk,
        "key": key.pk,
        "session": session.pk,
        "mfa": 1,
        "token": token,
        "taken": taken.pk,
    }


def bodies(found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what is posted where an empty form would be refused from everybody alike."""
    machine = str(found["machine"])
    return {
        "machine-operate": {"verb": "stop"},
        "machine-protect": {"on": "1"},
        "machine-tags": {"tags": "web"},
        "group-order": {"act": f"remove:{machine}"},
        "group-run": {"verb": "stop"},
        "schedule-switch": {"act": "pause"},
        "subscription-rename": {"name": "Renamed"},
        "subscription-add-on-drop": {"taken": str(found["taken"])},
        "team-settings": {"name": "Alice and others"},
    }


def _results(user: User, machine: Machine) -> uuid.UUID:
    """Return what the results of an act on several machines are known by."""
    key = uuid.uuid4()
    _key, sending = machine_sent.begin(user, key, "start", [machine])
    sending.note(Outcome(machine))
    sending.end()
    return key


def _job(machine: Machine, state: str = JobState.FAILED) -> Job:
    return Job.objects.create(
        recipe="machine.operate",
        title="Stop web-01",
        subject=machine.pk,
        step="ensure_asked",
        inputs={"verb": "stop", "was": "running"},
        state=state,
        fault={"code": "x", "message": "x", "advice": ""},
        machine=machine,
        subscription=machine.subscription,
        stamp=machine.stamp,
    )


def _schedule(subscription: Subscription, machine: Machine, by: User) -> Schedule:
    return Schedule.objects.create(
        subscription=subscription,
        name="Nightly",
        action="stop",
        machine=machine,
        cron="0 22 * * *",
        time_zone="UTC",
        created_by=by,
    )
