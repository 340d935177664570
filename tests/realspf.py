"""Our SPF as a real process over HTTPS, for clients that nobody here wrote and for the fuzzer.

Behind it stands a VMM with one cloud and two tenants, alice and charlie; with `vmm` among the
processes the jobs are done as well.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from tests.stack import Stack, stack

ACCOUNT, PASSWORD = "portal", "a-long-password"
ALICE, CHARLIE = "alice@example.net", "charlie@example.net"


@dataclass(frozen=True)
class World:
    """What stands behind it; ids as text."""

    stamp: str
    cloud: str
    template: str
    network: str
    alice: str
    charlie: str


@dataclass(frozen=True)
class RealSPF:
    """A running SPF, and what stands behind it."""

    stack: Stack
    world: World

    def root(self, tenant: str | None = None, service: str = "VMM") -> str:
        """Return the root of a service; with a tenant, that of the tenant's own door."""
        inside = f"{tenant}/" if tenant else ""
        url = f"{self.stack.url('spf')}/SC2012R2/{service}/{inside}"
        return f"{url}Microsoft.Management.Odata.svc/"

    def client(self, root: str, principal: str = ALICE) -> httpx.Client:
        """Return a client of a service that verifies its certificate."""
        return httpx.Client(
            base_url=root,
            auth=(ACCOUNT, PASSWORD),
            headers={"x-ms-principal-id": principal, "Accept": "application/json"},
            verify=ssl.create_default_context(cafile=self.stack.authority),
            timeout=30,
        )


@contextmanager
def real_spf(folder: Path, *processes: str, fill: str = "") -> Iterator[RealSPF]:
    """Yield a running SPF; other processes of the Procfile run beside it.

    `fill` is what Python shall do where Django is, after `seed` and before anything runs.
    """
    with stack(folder) as cloud:
        code = f"from tests.realspf import seed; seed(); {fill}"
        world = World(**json.loads(cloud.manage("shell", "-v", "0", "-c", code)))
        cloud.start("spf", *processes)
        yield RealSPF(cloud, world)


def seed() -> None:
    """Fill an empty VMM and print the world; runs where Django does."""
    from fabric.spf.actions import create_account, register_vmm_server
    from fabric.vault import store
    from tests.factories.vmm import make_fabric, make_role

    store.create("only for tests", cost=2)
    made = make_fabric(hosts=2, cores=64, memory_mb=262_144)
    create_account(ACCOUNT, PASSWORD)
    limits = {"vm_count": 50, "cpu_count": 100, "memory_mb": 200_000, "storage_gb": 2_000}
    world = World(
        stamp=str(register_vmm_server(made.server.name).pk),
        cloud=str(made.cloud.pk),
        template=str(made.template.pk),
        network=str(made.network.pk),
        alice=str(make_role(made, ALICE, **limits).pk),
        charlie=str(make_role(made, CHARLIE, **limits).pk),
    )
    print(json.dumps(asdict(world)))
