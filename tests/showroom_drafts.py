"""Drafts of custom create for the showroom: one that is ready, one for Windows with slips."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from fabric.durable.states import JobState
from fabric.models import HardwareProfile, Job, Machine, Offering, Template
from fabric.sshkeys import read
from plans.models import Subscription
from portal.models import Draft, SshKey
from portal.tenant_site.creating.wizard import SLUGS
from tenants.models import User

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
TEMPLATES = (
    ("Debian 12", "Debian 12", "Linux", 1, 1024, 8, "Small and quiet: nothing runs but SSH."),
    ("SQL Server 2022", "Windows Server 2022", "Windows", 4, 16384, 120, "Standard edition."),
)
SIZES = (("Medium", 4, 8192), ("Large", 8, 16384))


def furnish_drafts(alice: User, subscription: Subscription) -> None:
    """Give the plan more to choose from, and alice two drafts and a key."""
    offering = subscription.plan.offering
    stamp, now = offering.cloud.stamp, timezone.now()
    common = {"stamp": stamp, "synced_at": now}
    for name, system, kind, cores, memory_mb, storage_gb, description in TEMPLATES:
        Template.objects.create(
            id=uuid.uuid4(),
            name=name,
            os_name=system,
            os_type=kind,
            cores=cores,
            memory_mb=memory_mb,
            storage_gb=storage_gb,
            description=description,
            min_cores=1,
            max_cores=16,
            **common,
        )
    for name, cores, memory_mb in SIZES:
        HardwareProfile.objects.create(
            id=uuid.uuid4(), name=name, cores=cores, memory_mb=memory_mb, **common
        )
    for one in Offering.objects.filter(cloud=offering.cloud):
        one.templates.set(stamp.templates.all())
        one.hardware_profiles.set(stamp.hardwareprofiles.all())
    was_made(Machine.objects.filter(subscription=subscription).first())
    key = read(f"{KEY} alice@laptop")
    SshKey.objects.create(
        user=alice, name="laptop", text=key.text, kind=key.kind, fingerprint=key.fingerprint
    )
    _ready(alice, subscription)
    _with_slips(alice, subscription)


def was_made(machine: Machine | None) -> None:
    """Have the template been deployed often enough to say how long it takes."""
    assert machine is not None
    now = timezone.now()
    for number in range(8):
        begun = now - timedelta(days=number + 1)
        made = Job.objects.create(
            recipe="machine.deploy",
            title=f"Deploy {machine.name}",
            subject=machine.pk,
            step="wait_until_deployed",
            state=JobState.SUCCEEDED,
            machine=machine,
            subscription=machine.subscription,
            stamp=machine.stamp,
            ended_at=begun + timedelta(seconds=70 + 9 * number),
        )
        Job.objects.filter(pk=made.pk).update(created_at=begun)


def _ready(alice: User, subscription: Subscription) -> None:
    offering = subscription.plan.offering
    ubuntu = offering.templates.get(name="Ubuntu 24.04")
    draft = Draft(
        user=alice,
        typed={
            "template": {"subscription": [str(subscription.pk)], "template": [str(ubuntu.pk)]},
            "size": {"size": [str(offering.hardware_profiles.get(name="Small").pk)]},
            "disks": {
                "rows": ["2"],
                **{"size-0": ["40"], "name-0": ["data"], "size-1": ["10"], "name-1": ["logs"]},
            },
            "networks": {"rows": ["1"], "network-0": [str(offering.networks.first().pk)]},
            "identity": {"name": ["web##"], "count": ["3"], "admin_user": ["root"]},
            "options": {"tags": ["web, customer-7"], "end_action": ["stop"]},
        },
    )
    draft.keep_secrets({"password": "Correct-Horse-7", "user_data": "#cloud-config\na: 1\n"})
    draft.save()


def _with_slips(alice: User, subscription: Subscription) -> None:
    windows = subscription.plan.offering.templates.get(name="Windows Server 2022")
    draft = Draft(
        user=alice,
        wrong=["identity"],
        typed={
            "template": {"subscription": [str(subscription.pk)], "template": [str(windows.pk)]},
            "size": {"size": ["own"], "cores": ["4"], "memory_gb": ["8"]},
            "identity": {
                "name": ["intranet-portal-01"],
                "count": ["1"],
                "membership": ["domain"],
                "domain": ["CORP"],
                "account_domain": ["CORP"],
                "domain_user": ["joiner"],
                "ou": ["CN=Computers,DC=corp,DC=example,DC=net"],
            },
        },
    )
    draft.save()


def draft_pages() -> Iterator[tuple[str, str]]:
    """Yield the pages of both drafts."""
    ready, slips = Draft.objects.order_by("wrong", "pk")
    urlconf = "portal.urls.tenant"
    for slug in SLUGS:
        yield f"draft-{slug}", reverse("machine-draft", urlconf=urlconf, args=[ready.pk, slug])
    for slug in ("size", "identity"):
        url = reverse("machine-draft", urlconf=urlconf, args=[slips.pk, slug])
        yield f"draft-{slug}-windows", url
