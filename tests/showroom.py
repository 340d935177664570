"""Rows that show every state a page can be in; `python -m tests.showroom` prints the pages.

No worker runs here: what is creating stays creating, so that it can be looked at.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import django

if __name__ == "__main__":
    django.setup()

from django.db import transaction
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from fabric.durable.states import JobState
from fabric.models import (
    Adapter,
    Checkpoint,
    Disk,
    Group,
    Job,
    Load,
    Machine,
    Provider,
    Schedule,
    Stamp,
    Template,
)
from fabric.spf.actions import create_account
from fabric.spf.actions.stamps import create_stamp
from fabric.spf.models import Account, ServerEntry
from fabric.states import MachineState
from fabric.vault import store
from fabric.vmm.actions import groups
from fabric.vmm.models import Health, Host, HostGroup, Server
from plans.models import AddOn, Plan, Provisioning, Subscription
from portal.admin_site.fabric.nouns import NOUNS, noun_of
from tenants.actions import operations
from tenants.actions.users import open_tenant
from tenants.models import Instance, Membership, Operation, Role, User
from tests.factories.fabric import (
    make_cloud,
    make_machine,
    make_plan,
    make_stamp,
    make_subscription,
)
from tests.factories.nouns import one_of_each
from tests.factories.vmm import ADMINISTRATOR, make_fabric
from tests.people import make_user
from tests.showroom_drafts import draft_pages, furnish_drafts
from tests.showroom_machines import furnish_machines, keep_results, machine_pages
from tests.showroom_plans import furnish_plans
from tests.showroom_team import NO_PICTURES, furnish_team, team_pages
from tests.showroom_works import furnish_works, work_pages

MACHINES = (
    ("web-01", MachineState.RUNNING, ""),
    ("web-02", MachineState.RUNNING, ""),
    ("db-primary", MachineState.STOPPED, ""),
    ("cache-01", MachineState.PAUSED, ""),
    ("mail-gateway", MachineState.CREATING, "Creating…"),
    ("wiki", MachineState.FAILED, ""),
    ("build-runner", MachineState.UPDATING, "Starting…"),
    ("ldap", MachineState.RUNNING, ""),
)
STEPS = (
    "Create virtual machine on host",
    "Reserve address and MAC",
    "Copy virtual hard disk",
    "Attach networks",
    "Start virtual machine",
    "Set up the operating system",
)
FAULT = {
    "code": "no_room",
    "message": "The disk could not be copied: host-03 has 4 GB left, 10 GB are needed.",
    "advice": "Your provider has to make room. Resume afterwards: what was made is kept.",
}
# Acts and files: nothing to look at.
NO_PAGES = ("operate", "resume", "retry", "connect", "access", "refresh", "state", "theme", "code")
NO_PAGES += ("act", "do", "live", "compare", "check", "custom", "discard", "export", "selected")
NO_PAGES += ("words", "size", "tags", "protect", "end", "eject")
NO_PAGES += ("run", "order", "switch", "drop")
AWAY = "Second site"
GROUPS = ("SPF_Admin", "SPF_VMM", "Administrator", "SPF_Provider", "SPF_Usage")


@transaction.atomic
def fill() -> None:
    """Make people, clouds, plans, subscriptions, machines, work and curves."""
    store.create("a passphrase for pictures", cost=2)
    Instance.objects.update_or_create(pk=1, defaults={"set_up_at": timezone.now()})
    alice, bob = make_user("alice@example.net"), make_user("bob@example.net")
    make_user("olga@example.net", is_operator=True)
    tenant = open_tenant(owner=alice, name="Alice Ltd")
    Membership.objects.create(tenant=tenant, user=bob, role=Role.APPLICATION)
    stamp = make_stamp()
    cloud = make_cloud(stamp)
    Template.objects.create(
        id=uuid.uuid4(),
        stamp=stamp,
        name="Windows Server 2022",
        os_name="Windows Server 2022",
        os_type="Windows",
        cores=2,
        memory_mb=4096,
        storage_gb=40,
        synced_at=timezone.now(),
    )
    starter = make_subscription(tenant, make_plan(cloud, "Starter", cores=9))
    production = make_subscription(
        tenant, make_plan(cloud, "Business", machines=80, storage_gb=None), name="Production"
    )
    make_subscription(
        tenant,
        make_plan(cloud, "Laboratory"),
        name="Lab",
        provisioning=Provisioning.OUT_OF_SYNC,
        problem="The cloud refused the user role: the cloud's own quota is used up.",
    )
    make_plan(cloud, "Evaluation", machines=2)
    for number, (name, state, said) in enumerate(MACHINES):
        has_address = state not in (MachineState.CREATING, MachineState.FAILED)
        machine = make_machine(
            (starter, production)[number % 2],
            name,
            state=state,
            status_text=said,
            addresses=[f"10.20.0.{number + 4}"] if has_address else [],
            created_at=timezone.now() - timedelta(hours=7 * number),
        )
        tell(machine, (alice, bob)[number % 2])
        measure(machine)
    work()
    furnish_machines()
    furnish_team(tenant, alice, bob)
    furnish_drafts(alice, production)
    furnish_plans(alice, production)
    endpoints(stamp)
    furnish_fabric()
    furnish_works()
    spf(stamp)


def spf(stamp: Stamp) -> None:
    """Give our SPF an account that all goes well with, one that lacks much, and a lost stamp."""
    name = Server.objects.order_by("name").values_list("name", flat=True)[0]
    entry = ServerEntry.objects.create(name=name)
    entry.stamps.add(create_stamp(name, stamp.pk))
    create_stamp("left-over")
    create_account("portal", "a-long-password")
    create_account("old-script", "a-long-password", ["SPF_VMM"], False, False)
    Account.objects.filter(username="portal").update(last_seen_at=timezone.now())


def endpoints(answering: Stamp) -> None:
    """Check the account of one endpoint, and lose another with its VMM server."""
    now = timezone.now()
    services = zip(("Admin", "VMM", "VMM rights", "Provider", "Usage"), GROUPS, strict=True)
    told = [
        {"service": service, "group": group, "ok": True, "problem": "", "advice": ""}
        for service, group in services
    ]
    told[-1] |= {
        "ok": False,
        "problem": "The account is not in the group SPF_Usage, so the Usage service refuses it.",
        "advice": "Add it to SPF_Usage on the SPF server.",
    }
    Provider.objects.filter(pk=answering.provider_id).update(
        account_check=told, checked_at=now - timedelta(minutes=4), seen_at=now
    )
    since, problem = now - timedelta(minutes=25), "spf02.example.net:8090 cannot be reached."
    lost = make_stamp(
        name="vmm02.example.net",
        friendly_name="Paris",
        synced_at=since,
        away_since=since,
        problem=problem,
    )
    Provider.objects.filter(pk=lost.provider_id).update(
        name=AWAY, seen_at=since, away_since=since, problem=problem
    )


def furnish_fabric() -> None:
    """Fill the built-in VMM server with one of each noun, and hosts in every health."""
    made = one_of_each(make_fabric(hosts=6))
    for host, health in zip(Host.objects.order_by("name"), Health.values, strict=False):
        Host.objects.filter(pk=host.pk).update(
            health=health, used_memory_mb=host.memory_mb * 0.7, used_storage_gb=1900, used_cores=40
        )
    frankfurt = HostGroup.objects.get(name="Frankfurt")
    for name in ("Rack A", "Rack B"):
        groups.add(ADMINISTRATOR, made["host"].server, name=name, parent=frankfurt)


def work() -> None:
    """Give the busy and the failed machine their jobs, and make one unreachable."""
    job(Machine.objects.get(name="mail-gateway"), JobState.RUNNING, reached=2)
    job(Machine.objects.get(name="wiki"), JobState.FAILED, reached=2, fault=FAULT)
    job(Machine.objects.get(name="build-runner"), JobState.RUNNING, reached=4, verb="Start")
    Machine.objects.filter(name="ldap").update(unreachable_since=timezone.now())


def job(
    machine: Machine, state: str, *, reached: int, verb: str = "Deploy", fault: dict | None = None
) -> None:
    """Make a job that stands at a step."""
    now = timezone.now()
    steps = []
    for number, title in enumerate(STEPS):
        step: dict = {"title": title, "state": "done" if number < reached else "pending"}
        if number <= reached:
            step["started_at"] = (now - timedelta(seconds=9 * (reached - number + 1))).isoformat()
        if number < reached:
            step["ended_at"] = (now - timedelta(seconds=9 * (reached - number))).isoformat()
        if number == reached:
            step |= {"state": "failed" if fault else "running", "percent": 62}
        steps.append(step)
    Job.objects.create(
        recipe="machine.deploy" if verb == "Deploy" else "machine.operate",
        title=f"{verb} {machine.name}",
        subject=machine.pk,
        step="wait_until_deployed",
        state=state,
        fault=fault,
        steps=steps,
        remote={"percent": 43, "steps": steps},
        message="" if fault else "Copying Ubuntu 24.04 to host-03.",
        machine=machine,
        subscription=machine.subscription,
        stamp=machine.stamp,
        started_at=now,
        ended_at=now if fault else None,
    )


def measure(machine: Machine) -> None:
    """Give a machine an hour, a day and a month of load."""
    now = timezone.now()
    for frame, step in (("hour", 60), ("day", 1440), ("month", 43200)):
        times = [(now - timedelta(seconds=step * (60 - n))).isoformat() for n in range(60)]
        for place, counter in enumerate(Load.Counter.values):
            top = (60, machine.memory_mb * 0.6, 200, 1500)[place]
            samples = [
                round(top * (0.7 + 0.25 * math.sin(n / (3 + place)) + 0.05 * math.sin(n * 2.3)))
                for n in range(60)
            ]
            Load.objects.create(
                machine=machine,
                frame=frame,
                counter=counter,
                samples=samples,
                times=times,
                synced_at=now,
            )


def tell(machine: Machine, by: User) -> None:
    """Write the deployment into the operations log."""
    entry = operations.started(
        "machine.deploy",
        by=by,
        tenant=machine.subscription.tenant,
        object_type="machine",
        object_id=machine.pk,
        object_name=machine.name,
        parameters={"name": machine.name, "template": "Ubuntu 24.04", "cloud": "Gold"},
    )
    if machine.state == MachineState.FAILED:
        operations.failed(entry, FAULT["message"])
    elif machine.state != MachineState.CREATING:
        operations.succeeded(entry)


def pages() -> dict[str, dict[str, str]]:
    """Return the addresses of every page to be looked at, by site and a name for the picture."""
    return {site: dict(addresses(f"portal.urls.{site}")) for site in ("tenant", "admin")}


def addresses(urlconf: str) -> Iterator[tuple[str, str]]:
    """Yield name and address of each page; one that shows an object, once for each sample."""
    if urlconf.endswith("admin"):
        yield from work_pages()
    else:
        yield from draft_pages()
        yield from team_pages()
        yield from machine_pages()
        yield "api-docs", reverse("api-docs", urlconf=urlconf)
        yield "api-docs-problems", reverse("api-docs-problems", urlconf=urlconf)
        yield "api-docs-tag", reverse("api-docs-tag", urlconf=urlconf, args=["new-machines"])
    for pattern in flat(get_resolver(urlconf).url_patterns):
        name = str(pattern.name)
        if (
            name in NO_PICTURES
            or name.startswith(("api", "setup", "machine-draft", "machine-selected"))
            or name.rpartition("-")[2] in NO_PAGES
            or name.rpartition("_")[2] in NO_PAGES
        ):
            continue
        arguments = list(pattern.pattern.converters)
        if not arguments and not pattern.pattern.regex.groups:
            # What stands below an address with an object in it is about that object.
            with suppress(NoReverseMatch):
                yield name, reverse(name, urlconf=urlconf)
        elif arguments:
            for title, pk in samples(name):
                yield f"{name}{title}", reverse(name, urlconf=urlconf, args=[pk])


def flat(patterns: list) -> Iterator[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from flat(pattern.url_patterns)
        else:
            yield pattern


def samples(name: str) -> Iterator[tuple[str, object]]:
    """Yield the objects worth a picture, by the noun a URL name begins with."""
    noun = name.partition("-")[0]
    if name == "machine":
        for machine in Machine.objects.filter(name__in=("mail-gateway", "wiki", "build-runner")):
            yield f"-{machine.state}", machine.pk
    models = {
        "machine": Machine.objects.filter(name="web-01"),
        "adapter": Adapter.objects.filter(machine__name="web-01"),
        "disk": Disk.objects.filter(machine__name="web-01", is_boot=False),
        "checkpoint": Checkpoint.objects.filter(name="patched"),
        "subscription": Subscription.objects.filter(name="Lab"),
        "plan": Plan.objects.filter(name="Evaluation"),
        "group": Group.objects.filter(name="Web shop"),
        "schedule": Schedule.objects.filter(name="Shop off at night"),
        "add": AddOn.objects.filter(name="Four cores more"),
        "provider": Provider.objects.all(),
        "stamp": Provider.objects.all(),
        "stamp-edit": Stamp.objects.all(),
        "cloud": Stamp.objects.get(friendly_name="Frankfurt").clouds,
        "user": User.objects.filter(email="alice@example.net"),
        "activity": Operation.objects.filter(phase="failed"),
    }
    if name == "machine-protection":
        yield "-on", Machine.objects.get(name="db-primary").pk
    if noun == "subscription":
        yield "-production", Subscription.objects.get(name="Production").pk
    if noun == "fabric":
        key = max((each.key for each in NOUNS if name.startswith(f"fabric-{each.key}")), key=len)
        models[noun] = noun_of(key).model.objects.order_by("pk")
    if name == "provider":
        yield "-away", Provider.objects.get(name=AWAY).pk
    if name == "fabric-spf-account":
        yield "-well", Account.objects.get(username="portal").pk
    about = name if name in models else noun
    if about in models:
        found = models[about].first()
        if found is not None:
            yield "", getattr(found, "operation_id", found.pk)


if __name__ == "__main__":
    fill()
    keep_results()
    print(json.dumps(pages()))
