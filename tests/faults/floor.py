"""VMM alone with real workers: no portal, no SPF. This process fills its database and acts there.

Machines whose hosts are to misbehave get a bay of their own: two hosts and a cloud of just them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest.mock import patch

from celery import Celery
from django.test import override_settings
from django.utils import timezone

from fabric.durable import engine
from fabric.durable.states import LIVE
from fabric.hypervisors.simulated import clear_faults, plan_fault
from fabric.hypervisors.simulated.rack import Rack
from fabric.vault import store
from fabric.vmm import actions
from fabric.vmm.jobs import RECIPES
from fabric.vmm.models import Cloud, Host, Job, LibraryFile, LibraryShare, StorageClassification
from fabric.vmm.roles import Caller, Grant, ScopeLimits
from tests.factories.vmm import (
    ADMINISTRATOR,
    Fabric,
    acting_for,
    make_fabric,
    make_iso,
    make_role,
    make_share,
)
from tests.faults import probe
from tests.faults.cloud import LEASE_SECONDS, looking_at, until
from tests.stack import Stack, stack

ALICE, BOB = "alice@example.net", "bob@example.net"
PROCESSES = ("vmm", "beat")


@dataclass(frozen=True)
class Bay:
    """Some hosts, and the cloud that is made of them."""

    cloud: Cloud
    hosts: tuple[Host, ...]


class Floor:
    """The fabric, who acts on it, and ways to look at and upset its hosts."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.plans = Path(stack.env[probe.FOLDER])
        self.rack = stack.folder / "rack.sqlite3"
        self._bays = 0

    def fill(self) -> None:
        """Make the fabric that most machines share, and the people."""
        self.fabric: Fabric = make_fabric(
            hosts=6, cores=64, memory_mb=262_144, storage_gb=50_000, cidr="10.20.0.0/18"
        )
        self.share: LibraryShare = make_share(self.fabric)
        self.iso: LibraryFile = make_iso(self.fabric, self.share)
        self.storage: list[StorageClassification] = [
            actions.storage.add(ADMINISTRATOR, self.fabric.server, name=name)
            for name in ("Fast", "Slow")
        ]
        logical = self.fabric.network.logical_network
        self.back = actions.networks.add_network(
            ADMINISTRATOR, self.fabric.server, logical_network=logical, name="back"
        )
        actions.pools.add(
            ADMINISTRATOR,
            self.fabric.server,
            network=self.back,
            name="back pool",
            cidr="10.99.0.0/20",
            gateway="10.99.0.1",
        )
        fast, slow = self.storage
        for host in self.fabric.hosts:
            actions.volumes.change_volume(ADMINISTRATOR, host.volumes.get(), classification=slow)
            actions.volumes.add_volume(
                ADMINISTRATOR, host, name="flash", capacity_gb=50_000, classification=fast
            )
        self.common = self._equip(self.fabric.cloud, self.fabric.hosts)
        self.alice, self.bob = self._person(ALICE), self._person(BOB)

    def _person(self, name: str) -> Caller:
        role = make_role(self.fabric, name)
        seen = [Grant("VMNetwork", self.back.pk)]
        return acting_for(actions.userroles.change(ADMINISTRATOR, role, add_resources=seen), name)

    def _equip(self, cloud: Cloud, hosts: tuple[Host, ...]) -> Bay:
        """Let the cloud use both kinds of storage, and the library."""
        cloud.classifications.set(self.storage)
        cloud.library_shares.add(self.share)
        Cloud.objects.filter(pk=cloud.pk).update(store=self.share)
        return Bay(cloud, hosts)

    def add_bays(self, count: int) -> list[Bay]:
        """Make bays of two hosts each, for alice as well."""
        made = [self._bay() for _ in range(count)]
        assert self.alice.role is not None
        actions.userroles.change(
            ADMINISTRATOR,
            self.alice.role,
            add_scopes=[ScopeLimits(bay.cloud.pk) for bay in made],
        )
        return made

    def _bay(self) -> Bay:
        self._bays += 1
        server, name = self.fabric.server, f"bay{self._bays:04}"
        fast, slow = self.storage
        group = actions.groups.add(ADMINISTRATOR, server, name=name)
        hosts = tuple(
            actions.hosts.add(
                ADMINISTRATOR,
                server,
                group=group,
                name=f"{name}-{n}.example.net",
                cores=16,
                memory_mb=65_536,
                volumes=[("flash", 2_000, fast), ("data", 2_000, slow)],
            )
            for n in "ab"
        )
        logical = self.fabric.network.logical_network
        cloud = actions.clouds.add(
            ADMINISTRATOR, server, name=name, host_groups=[group], logical_networks=[logical]
        )
        return self._equip(cloud, hosts)

    def wait_until_quiet(self, within: float, meanwhile: Callable[[], Any] | None = None) -> None:
        """Return once no job of VMM is live; `meanwhile` is called while it waits."""

        def is_quiet() -> bool:
            if meanwhile is not None:
                meanwhile()
            return not Job.objects.filter(state__in=LIVE).exists()

        until(is_quiet, lambda: f"jobs to end:\n{_live()}", within)

    def planned(self, *hosts: Host) -> int:
        """Return how many faults of these hosts have not struck."""
        names = [host.name for host in hosts]
        with Rack(self.rack).reading() as rack:
            rows = rack.execute("SELECT host FROM faults").fetchall()
        return sum(1 for (name,) in rows if name in names)

    def clear(self, *hosts: Host) -> None:
        """Have these hosts behave again."""
        for host in hosts:
            clear_faults(self.rack, host.name)

    def fail(self, bay: Bay, verb: str, kind: str, ask: Callable[[], Job]) -> Job:
        """Do a job here, out of the workers' sight, with hosts that do this whenever asked so."""
        with self._silence():
            for host in bay.hosts:
                plan_fault(self.rack, host.name, verb, kind, 50)
            job = ask()
            until(lambda: _advance(job), lambda: f"{job} to fail")
            self.clear(*bay.hosts)
        assert job.state == "failed", f"{job} was to fail: {job.state}"
        return job

    @cached_property
    def _messenger(self) -> Celery:
        assert self.stack.valkey is not None
        address = self.stack.valkey.url.replace("unix://", "redis+socket://")
        return Celery(broker=address, set_as_current=False)

    def send(self, task: Any, *args: Any, after: float = 0.0) -> None:
        """Stand in for this process's own nudges, whose broker is another."""
        self._messenger.send_task(
            getattr(task, "task", None) or task.name,
            [str(arg) for arg in args],
            queue="vmm",
            ignore_result=True,
            countdown=after or None,
        )

    @contextmanager
    def _silence(self) -> Iterator[None]:
        with patch("fabric.durable.nudge.nudge", lambda *args, **kwargs: None):
            yield

    def close(self) -> None:
        self._messenger.close()


def _advance(job: Job) -> bool:
    Job.objects.filter(pk=job.pk).update(due_at=timezone.now(), nudged_at=timezone.now())
    engine.advance(Job, RECIPES, job.pk)
    job.refresh_from_db()
    return job.is_final


@contextmanager
def floor(folder: Path) -> Iterator[Floor]:
    """Yield VMM at work with a fabric to act on."""
    plans = folder / "plans"
    plans.mkdir(parents=True)
    env = {
        "KATAL_JOB_LEASE": str(LEASE_SECONDS),
        "KATAL_JOB_NUDGE_GRACE": "1",
        "KATAL_WORKERS": "3",
        probe.FOLDER: str(plans),
    }
    with ExitStack() as opened:
        running = opened.enter_context(
            stack(folder, env, dict.fromkeys(PROCESSES, "tests.faults.settings"))
        )
        it = Floor(running)
        opened.enter_context(looking_at(running))
        opened.enter_context(
            override_settings(
                SIMULATED_RACK=it.rack,
                SIMULATED_SCALE=0,
                VAULT_KEY_FILE=folder / "vault.key",
                JOB_LEASE_SECONDS=LEASE_SECONDS,
            )
        )
        opened.enter_context(patch("fabric.durable.nudge.nudge", it.send))
        opened.callback(it.close)
        opened.callback(store.forget)
        store.forget()
        store.create("a passphrase for tests", cost=2)
        it.fill()
        running.start(*PROCESSES)
        yield it


def _live() -> str:
    jobs = Job.objects.filter(state__in=LIVE)
    return "\n".join(
        f"{job.target_name}, {job.recipe}.{job.step}: {job.state} attempt {job.attempt} "
        f"“{job.message}”"
        for job in jobs[:20]
    )
