"""A small cloud to click through, built by the actions a person would use.

Every part looks whether it is there already, so a demo that was interrupted goes on. The commands
`demo` and the tests' own clouds are made from these parts.
"""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from allauth.account.models import EmailAddress

from fabric.actions import machines, offerings, providers, subscriptions
from fabric.models import Cloud, Provider, Stamp
from fabric.orders import Guest, NewMachine
from fabric.spf.actions.accounts import create_account
from fabric.spf.models import Account
from fabric.states import GRANTED_BY_DEFAULT
from fabric.vmm.actions import (
    clouds,
    groups,
    hosts,
    library,
    networks,
    pools,
    profiles,
    servers,
    templates,
)
from fabric.vmm.models import Cloud as VMMCloud
from fabric.vmm.models import LibraryShare, Server
from fabric.vmm.roles import Caller
from plans.actions import plans as plan_actions
from plans.models import Access, Plan, Provisioning, Subscription
from tenants.actions import users
from tenants.models import User

CALLER = Caller(is_administrator=True, principal="demo")

VMM_SERVER = "vmm01.katal.local"
SPF_ACCOUNT = "portal"
SPF_GROUPS = ("SPF_Admin", "SPF_VMM", "SPF_Provider", "SPF_Usage")
LIMITS = {"machines": 10, "cores": 16, "memory_mb": 32 * 1024, "storage_gb": 500}
# Only who is stuck takes so long, or a machine with much else to do.
PATIENCE = 300.0


@dataclass(frozen=True)
class Image:
    """A template and its disk: sizes in MB and GB."""

    name: str
    os_name: str
    os_type: str
    cores: int
    memory_mb: int
    disk_gb: int


IMAGES = (
    Image("Ubuntu 24.04 LTS", "Ubuntu 24.04 LTS (64 bit)", "Linux", 1, 2048, 20),
    Image("Debian 12", "Debian GNU/Linux 12 (64 bit)", "Linux", 1, 1024, 10),
    Image("Windows Server 2022", "Windows Server 2022 Datacenter", "Windows", 2, 4096, 60),
)
DATA_DISK = "Empty data disk"
PROFILES = (("Small", 1, 2048), ("Medium", 2, 4096), ("Large", 4, 8192))


def password() -> str:
    """Return a password that fits every rule and is read out without mistakes."""
    letters = "abcdefghijkmnpqrstuvwxyz"
    body = "".join(secrets.choice(letters + string.digits[2:]) for _n in range(12))
    return f"{body[:4]}-{body[4:8].upper()}-{body[8:]}{secrets.randbelow(8) + 2}"


def fill_vmm(
    *, host_count: int = 3, cores: int = 32, memory_gb: int = 128, storage_gb: int = 4000
) -> VMMCloud:
    """Return the cloud *Gold* of our own VMM with hosts, a library and a network."""
    server = servers.ensure(VMM_SERVER)
    found = server.clouds.filter(name="Gold").first()
    if found is not None:
        return found
    group = server.host_groups.filter(name="Frankfurt").first() or groups.add(
        CALLER, server, name="Frankfurt"
    )
    for n in range(1, host_count + 1):
        name = f"host{n:02}.katal.local"
        if not group.hosts.filter(name=name).exists():
            hosts.add(
                CALLER,
                server,
                group=group,
                name=name,
                cores=cores,
                memory_mb=memory_gb * 1024,
                storage_gb=storage_gb,
            )
    logical = server.logical_networks.filter(name="Tenants").first() or networks.add_logical(
        CALLER, server, name="Tenants", description="Where tenants' machines live"
    )
    if not server.vm_networks.exists():
        front = networks.add_network(CALLER, server, logical_network=logical, name="front")
        pools.add(
            CALLER,
            server,
            network=front,
            name="front-v4",
            cidr="10.20.0.0/20",
            gateway="10.20.0.1",
            dns=("10.20.0.2",),
        )
    for image in IMAGES:
        _add_image(server, image)
    share = _fill_library(server)
    for name, count, memory in PROFILES:
        if not server.hardware_profiles.filter(name=name).exists():
            profiles.add_hardware(CALLER, server, name=name, cores=count, memory_mb=memory)
    return clouds.add(
        CALLER,
        server,
        name="Gold",
        host_groups=[group],
        logical_networks=[logical],
        library_shares=[share],
        store=share,
        description="General purpose machines in Frankfurt",
    )


def _fill_library(server: Server) -> LibraryShare:
    """Return a share with an image to rescue machines from; machines are stored on it as well."""
    shelf = server.library_servers.first() or library.add_server(
        CALLER, server, name="library01.katal.local"
    )
    share = shelf.shares.first() or library.add_share(
        CALLER,
        server,
        library_server=shelf,
        name="Library",
        path="\\\\library01.katal.local\\Library",
    )
    if not server.library_files.filter(kind="iso").exists():
        library.add_file(
            CALLER, server, share=share, kind="iso", name="rescue.iso", path="ISO\\rescue.iso"
        )
    if not server.library_disks.filter(name=DATA_DISK).exists():
        library.add_disk(CALLER, server, name=DATA_DISK, size_gb=20)
    return share


def _add_image(server, image: Image) -> None:
    if server.templates.filter(name=image.name).exists():
        return
    disk = server.library_disks.filter(name=image.name).first() or library.add_disk(
        CALLER,
        server,
        name=image.name,
        size_gb=image.disk_gb,
        os_name=image.os_name,
        os_type=image.os_type,
    )
    templates.add(
        CALLER,
        server,
        name=image.name,
        disk=disk,
        os_type=image.os_type,
        cores=image.cores,
        memory_mb=image.memory_mb,
    )


def register(*, by: User, url: str, authority: Path) -> Stamp:
    """Return our own SPF and VMM, registered as anybody's would be."""
    provider = Provider.objects.filter(url=url).first()
    if provider is None:
        secret = password()
        Account.objects.filter(username=SPF_ACCOUNT).delete()
        create_account(
            username=SPF_ACCOUNT, password=secret, groups=SPF_GROUPS, is_vmm_administrator=True
        )
        provider = providers.register(
            by=by,
            name="Built-in SPF",
            url=url,
            username=SPF_ACCOUNT,
            password=secret,
            authority_pem=authority.read_text(),
        )
    stamp = provider.stamps.filter(name=VMM_SERVER).first()
    if stamp is None:
        stamp = providers.register_stamp(
            by=by, provider=provider, name=VMM_SERVER, friendly_name="Frankfurt"
        )
    return stamp


def offer(*, by: User, cloud: Cloud, name: str, limits: Mapping[str, int | None] = LIMITS) -> Plan:
    """Return a public plan with everything the cloud has."""
    plan = Plan.objects.filter(name=name).first()
    if plan is None:
        plan = plan_actions.create(
            by=by,
            name=name,
            description="Virtual machines in Frankfurt, by the hour.",
            service_keys=["vmclouds"],
        )
    if not plan.is_configured:
        content = offerings.content_of(cloud)
        offerings.configure(
            by=by,
            plan=plan,
            cloud=cloud,
            templates=list(content.templates),
            hardware_profiles=list(content.hardware_profiles),
            networks=list(content.networks),
            media=list(content.media),
            library_disks=list(content.library_disks.filter(name=DATA_DISK)),
            permissions=GRANTED_BY_DEFAULT,
            limits=limits,
        )
    if plan.access != Access.PUBLIC:
        plan_actions.change_access(by=by, plan=plan, access=Access.PUBLIC)
    return plan


def person(*, by: User, email: str, name: str, secret: str) -> User:
    """Return a tenant's owner; one who exists keeps everything but the password."""
    user = User.objects.filter(email=email).first()
    if user is None:
        return users.create_user(by=by, email=email, password=secret, name=name)
    user.set_password(secret)
    user.save(update_fields=["password"])
    EmailAddress.objects.get_or_create(
        user=user, email=email, defaults={"verified": True, "primary": True}
    )
    return user


def subscribe(*, by: User, plan: Plan) -> Subscription:
    """Return the person's subscription to the plan."""
    tenant = by.tenants.get()
    return tenant.subscriptions.filter(plan=plan).first() or subscriptions.subscribe(
        by=by, tenant=tenant, plan=plan
    )


def order(*, by: User, subscription: Subscription, name: str, image: str) -> None:
    """Have a machine made, once."""
    if subscription.machines.filter(name=name).exclude(state="deleted").exists():
        return
    machines.deploy(
        by=by,
        subscription=subscription,
        order=NewMachine(
            name,
            subscription.plan.offering.templates.get(name=image),
            Guest(password=password()),
        ),
        request_key=f"demo:{name}",
    )


def wait_for_cloud(stamp: Stamp, name: str = "Gold") -> Cloud:
    """Return the projected cloud once the workers have read it."""
    wait(lambda: stamp.clouds.filter(name=name).exists(), f"the cloud {name} to be read")
    return stamp.clouds.get(name=name)


def wait_until_in_sync(subscription: Subscription) -> None:
    """Return once the workers have provisioned the subscription."""

    def in_sync() -> bool:
        subscription.refresh_from_db()
        return subscription.provisioning == Provisioning.IN_SYNC

    wait(in_sync, f"{subscription.owner_email}'s subscription to be provisioned")


def wait(done: Callable[[], bool], what: str) -> None:
    """Return once it is so; raise TimeoutError naming what did not come."""
    deadline = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {PATIENCE:.0f} s for {what}.")
        time.sleep(0.1)
