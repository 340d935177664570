"""The providers under test, each with a cloud behind it, and the levers a test needs.

A provider joins by adding a function to BENCHES that makes a Bench.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from fabric.providers.abilities import ABSENT, R2, Description
from fabric.providers.base import (
    Accepted,
    Devices,
    MachineOrder,
    OrderedAdapter,
    Provider,
    RemotePool,
    TenantOrder,
)
from fabric.providers.changes import Change
from fabric.providers.fake import FakeProvider
from fabric.providers.spf import SPFProvider
from tests.contract.provider import generations
from tests.contract.provider.inprocess import InProcess

ALICE, BOB, CHARLIE = "alice@example.net", "bob@example.net", "charlie@example.net"
PERMISSIONS = (
    "AllowLocalAdmin",
    "Author",
    "Checkpoint",
    "Create",
    "CreateFromVHDOrTemplate",
    "PauseAndResume",
    "Remove",
    "Save",
    "Shutdown",
    "Start",
    "Stop",
    "Store",
)
BACK_POOL = RemotePool(
    "10.30.0.50",
    "10.30.0.199",
    reserved=(("10.30.0.60", "10.30.0.69"), ("10.30.0.90", "10.30.0.90")),
    gateways=("10.30.0.51",),
    dns_servers=("10.30.0.53",),
)


@dataclass
class Bench:
    """A provider, what its stamp holds, and how to make it go on or go wrong."""

    provider: Provider
    stamp_id: uuid.UUID
    stamp_name: str
    cloud_id: uuid.UUID
    template_id: uuid.UUID
    network_id: uuid.UUID
    second_network_id: uuid.UUID
    library_disk_id: uuid.UUID
    media_id: uuid.UUID
    settle: Callable[[], None]
    """Let every job on the far side come to its end."""
    lose_reply: Callable[[str], None]
    """Let the next call of this verb be done, and its answer be lost."""
    fail_next: Callable[[str], None]
    """Let the work of the next call of this verb fail on the host."""
    lacks: frozenset[str] = frozenset()
    """The abilities this kind of server does not have."""
    generation: str = R2
    transport: InProcess | None = None
    tenant_id: uuid.UUID | None = None

    def needs(self, ability: str) -> None:
        """Skip the test where this kind of server cannot do it."""
        if ability in self.lacks:
            pytest.skip(ABSENT[ability])

    def tenant_order(self, **fields: Any) -> TenantOrder:
        id = uuid.uuid4()
        values = {
            "id": id,
            "name": f"{ALICE}_{id}",
            "people": (ALICE, BOB),
            "stamp_id": self.stamp_id,
            "cloud_id": self.cloud_id,
            "limits": {"machines": 3, "cores": 8, "memory_mb": None, "storage_gb": 500},
            "permissions": PERMISSIONS,
            "resources": (
                ("VMTemplate", self.template_id),
                ("VMNetwork", self.network_id),
                ("VMNetwork", self.second_network_id),
                ("VirtualHardDisk", self.library_disk_id),
                ("ISO", self.media_id),
            ),
        }
        return TenantOrder(**(values | fields))

    def tenant(self, **fields: Any) -> uuid.UUID:
        """Bring a tenant into being; return its id."""
        order = self.tenant_order(**fields)
        self.provider.ensure_tenant(order)
        return order.id

    def order(self, **fields: Any) -> MachineOrder:
        values = {
            "tag": str(uuid.uuid4()),
            "name": "web-01",
            "description": "first web server",
            "stamp_id": self.stamp_id,
            "cloud_id": self.cloud_id,
            "template_id": self.template_id,
            "adapters": (OrderedAdapter("front"),),
            "cores": 2,
            "memory_mb": 2048,
            "admin_user": "root",
            "password": "Guest-secret-2",
        }
        return MachineOrder(**(values | fields))

    def deploy(self, tenant: uuid.UUID, **fields: Any) -> tuple[MachineOrder, uuid.UUID]:
        """Return the order and the id of a machine that runs."""
        order = self.order(**fields)
        made = self.provider.ensure_machine(order, tenant=tenant, person=ALICE, first_try=True)
        self.settle()
        assert made.object_id is not None
        return order, made.object_id

    def status(self, machine_id: uuid.UUID) -> str | None:
        """Return the machine's status as the administrator sees it, None when it is gone."""
        found = self.provider.machines(self.stamp_id, [machine_id])
        return found[0].status if found else None

    def devices(self, machine_id: uuid.UUID) -> Devices:
        """Return what hangs on a machine."""
        (found,) = self.provider.devices(self.stamp_id, [machine_id])
        return found

    def ask(
        self, change: Change, tenant: uuid.UUID, *, first_try: bool = True, key: str = "key-1"
    ) -> Accepted | None:
        """Ask for a change, and let its job go on for as long as the test wants."""
        return self.provider.change(
            change,
            stamp_id=self.stamp_id,
            tenant=tenant,
            person=ALICE,
            first_try=first_try,
            key=key,
        )

    def change(self, change: Change, tenant: uuid.UUID) -> uuid.UUID | None:
        """Carry a change out; return what it has made."""
        accepted = self.ask(change, tenant, key=str(uuid.uuid4()))
        self.settle()
        assert accepted is not None
        if accepted.job_id is not None:
            (job,) = self.provider.jobs(self.stamp_id, [accepted.job_id])
            assert job.succeeded, job.problem
        return accepted.object_id

    def operate(self, machine_id: uuid.UUID, operation: str, tenant: uuid.UUID) -> None:
        """Carry an operation out."""
        self.provider.operate(
            machine_id, operation, stamp_id=self.stamp_id, tenant=tenant, person=ALICE
        )
        self.settle()


def fake(request: pytest.FixtureRequest) -> Bench:
    """The fake in memory."""
    provider = FakeProvider()
    front = provider.networks[0]
    provider.networks.append(
        replace(front, id=uuid.uuid4(), name="back", subnets=("10.30.0.0/24",), pools=(BACK_POOL,))
    )
    return Bench(
        provider=provider,
        stamp_id=provider.stamp.id,
        stamp_name=provider.stamp.name,
        cloud_id=provider.clouds[0].id,
        template_id=provider.templates[0].id,
        network_id=provider.networks[0].id,
        second_network_id=provider.networks[1].id,
        library_disk_id=provider.library_disks[0].id,
        media_id=provider.media[0].id,
        settle=provider.settle,
        lose_reply=lambda verb: provider.plan(verb, "lose_reply"),
        fail_next=lambda verb: provider.plan(verb, "fail"),
    )


def spf(request: pytest.FixtureRequest, kind: Callable[[], InProcess] = InProcess) -> Bench:
    """Our SPF over our VMM over simulated hosts, all in process; `kind` is what stands before."""
    request.getfixturevalue("db")
    request.getfixturevalue("vault")
    settings = request.getfixturevalue("settings")
    settings.ROOT_URLCONF = "portal.urls.spf"
    settings.MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
    settings.SIMULATED_RACK = request.getfixturevalue("tmp_path") / "rack.sqlite3"
    settings.SIMULATED_SCALE = 0
    request.getfixturevalue("monkeypatch").setattr(
        "fabric.durable.nudge.nudge", lambda *args, **kwargs: None
    )
    return _over(kind(), request)


# What a kind of server says of itself, read once, as the portal does when one is registered.
_described: dict[type[InProcess], Description] = {}


def _over(transport: InProcess, request: pytest.FixtureRequest) -> Bench:
    from fabric.hypervisors.simulated import plan_fault
    from fabric.spf.actions import create_account, register_vmm_server
    from tests.factories.vmm import make_fabric

    made = make_fabric()
    second_network, library_disk, image = _stock(made)
    create_account("portal", "Wap-secret-1")
    provider = SPFProvider(
        "https://spf.test:8090",
        "portal",
        "Wap-secret-1",
        transport=transport,
        described=_described.get(type(transport)),
    )
    request.addfinalizer(provider.close)
    found = _described.setdefault(type(transport), provider.described or provider.describe())

    def fail_next(verb: str) -> None:
        from django.conf import settings

        word = {"ensure_machine": "ensure_defined", "operate": "ensure_power"}[verb]
        plan_fault(settings.SIMULATED_RACK, made.hosts[0].name, word, "fail")

    return Bench(
        provider=provider,
        stamp_id=register_vmm_server(made.server.name).pk,
        stamp_name=made.server.name,
        cloud_id=made.cloud.pk,
        template_id=made.template.pk,
        network_id=made.network.pk,
        second_network_id=second_network,
        library_disk_id=library_disk,
        media_id=image,
        settle=_settle_vmm,
        lose_reply=lambda verb: setattr(transport, "loses_next_write", True),
        fail_next=fail_next,
        lacks=found.lacks,
        generation=found.generation,
        transport=transport,
    )


def _stock(made: Any) -> tuple[uuid.UUID, uuid.UUID, uuid.UUID]:
    """Give a fabric a second network, a disk and an image to choose; return their ids."""
    from fabric.vmm import actions
    from tests.factories.vmm import ADMINISTRATOR, make_iso, make_share

    back = actions.networks.add_network(
        ADMINISTRATOR,
        made.server,
        logical_network=made.network.logical_network,
        name="back",
    )
    actions.pools.add(
        ADMINISTRATOR,
        made.server,
        network=back,
        name="back pool",
        cidr="10.30.0.0/24",
        first=BACK_POOL.first,
        last=BACK_POOL.last,
        reserved=BACK_POOL.reserved,
        gateway=BACK_POOL.gateways[0],
        dns=BACK_POOL.dns_servers,
    )
    disk = actions.library.add_disk(ADMINISTRATOR, made.server, name="data", size_gb=5)
    return back.pk, disk.pk, make_iso(made, make_share(made)).pk


def _settle_vmm() -> None:
    from fabric.durable.states import LIVE
    from fabric.vmm.models import Job
    from tests.factories.vmm import finish

    for job in Job.objects.filter(state__in=LIVE):
        finish(job)


BENCHES: dict[str, Callable[[pytest.FixtureRequest], Bench]] = {
    "fake": fake,
    "spf": spf,
    "spf-atom-only": partial(spf, kind=generations.PagingAtom),
    "spf-r2": partial(spf, kind=generations.R2),
    "spf-strict": partial(spf, kind=generations.Strict),
    "spf-sp1": partial(spf, kind=generations.PagingSP1),
}
