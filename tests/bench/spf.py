"""5,000 machines as one feed of SPF, against `json.dumps` of the same rows fetched by plain SQL.

The feed comes over HTTPS from the process as it is deployed, all of it read by a client; the rows
are fetched and dumped in this process. Both in turn, so that a ratio is of the same moment.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from tests.bench.cloud import Cloud
from tests.bench.estate import fill
from tests.bench.table import Row
from tests.stack import family, process_table

HOSTS, EACH, TIMES = 100, 50, 7
GOAL_RATIO, GOAL_MB = 1.5, 80.0
USERNAME, PASSWORD = "bench", "Bench-Marked-7"
OTHERS = ("beat", "worker", "vmm", "admin", "tenant")
FORMATS = {"JSON": "application/json", "Atom": "application/atom+xml"}

# What a machine is told of; the rest of its properties are the same in all of them, or null.
SQL = """
SELECT m.id AS "ID", m.server_id AS "StampId", m.name AS "Name", m.created_at AS "AddedTime",
       m.cloud_id AS "CloudId", m.computer_name AS "ComputerName", m.cost_center AS "CostCenter",
       m.cores AS "CPUCount", m.created_at AS "CreationTime",
       m.deployment_error AS "DeploymentErrorInfo", m.description AS "Description",
       m.is_dynamic_memory AS "DynamicMemoryEnabled", m.failed_job_id AS "FailedJobID",
       m.generation AS "Generation", m.is_highly_available AS "IsHighlyAvailable",
       m.memory_mb AS "Memory", m.modified_at AS "ModifiedTime",
       m.most_recent_job_id AS "MostRecentTaskId", m.os_name AS "OperatingSystem",
       m.start_action AS "StartAction", m.status AS "Status", m.stop_action AS "StopAction",
       m.tag AS "Tag", m.storage_gb AS "TotalSize", m.hypervisor_id AS "VMId",
       m.template_id AS "VMTemplateId", h.name AS "VMHostName", r.id AS role_id,
       r.name AS role_name, m.owner_name
  FROM vmm_virtualmachine m
  LEFT JOIN vmm_userrole r ON r.id = m.role_id
  LEFT JOIN vmm_host h ON h.id = m.host_id
 WHERE m.role_id = %s AND m.server_id = %s
 ORDER BY m.id
"""


def measure(cloud: Cloud) -> list[Row]:
    """Fill a role with machines; read them all in either format."""
    from django.db import connection

    server_id, role_id = _prepare()
    # Nobody else may have the cores meanwhile.
    for name in OTHERS:
        cloud.stack.kill(name)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    client = _Client(cloud, role_id)
    for accept in FORMATS.values():
        client.read("VirtualMachines?$top=3", accept)
    memory = {name: _growth(cloud, client, accept) for name, accept in FORMATS.items()}
    plain: list[float] = []
    taken: dict[str, list[float]] = {name: [] for name in FORMATS}
    for _ in range(TIMES):
        plain.append(_timed(lambda: _dump(server_id, role_id)))
        for name, accept in FORMATS.items():
            taken[name].append(_timed(lambda a=accept: client.read("VirtualMachines", a)))
    cloud.stack.start(*OTHERS)
    least = statistics.median(plain)
    rows = [Row(f"{HOSTS * EACH:,} machines by SQL and json.dumps, median", _ms(least))]
    for name, accept in FORMATS.items():
        median = statistics.median(taken[name])
        size = client.read("VirtualMachines", accept) / 1e6
        ratio = median / least
        rows += [
            Row(f"  as a feed over HTTPS, {name}, {size:.0f} MB", _ms(median)),
            Row("    ratio", f"{ratio:.2f}", f"≤ {GOAL_RATIO}", ratio <= GOAL_RATIO),
            Row(
                "    memory above idle at its peak",
                f"{memory[name]:.0f} MB",
                f"< {GOAL_MB:.0f} MB",
                memory[name] < GOAL_MB,
            ),
        ]
    return rows


def _prepare() -> tuple[UUID, UUID]:
    """Return a VMM server with the machines, and the role all of them belong to."""
    from fabric.spf.actions import create_account, register_vmm_server
    from fabric.vmm.models import Server, UserRole, VirtualMachine

    estate = fill(HOSTS, EACH)
    register_vmm_server(Server.objects.get(pk=estate.server_id).name)
    create_account(USERNAME, PASSWORD)
    role = UserRole.objects.create(name=f"bench-{estate.server_id}")
    VirtualMachine.objects.filter(server=estate.server_id).update(
        role=role, owner_name="bench@example.net", os_name="Ubuntu 24.04", os_type="Linux"
    )
    return estate.server_id, role.pk


class _Client:
    """One connection to SPF, at the door of a role."""

    def __init__(self, cloud: Cloud, role_id: UUID) -> None:
        trust = ssl.create_default_context(cafile=cloud.stack.authority)
        self._http = http.client.HTTPSConnection(
            "localhost", cloud.stack.ports["spf"], context=trust, timeout=60
        )
        pair = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
        self._headers = {"Authorization": f"Basic {pair}", "x-ms-principal-id": "bench"}
        self._root = f"/SC2012R2/VMM/{role_id}/Microsoft.Management.Odata.svc"
        self._room = bytearray(1 << 20)

    def read(self, path: str, accept: str) -> int:
        """Return how long an answer is, once all of it has come."""
        self._http.request(
            "GET", f"{self._root}/{path}", headers={**self._headers, "Accept": accept}
        )
        answer = self._http.getresponse()
        size = 0
        while got := answer.readinto(self._room):
            size += got
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}: {bytes(self._room[:300])!r}")
        return size


def _dump(server_id: UUID, role_id: UUID) -> int:
    from django.db import connection

    from fabric.spf.edm import VMM

    blank = dict.fromkeys(prop.name for prop in VMM.sets["VirtualMachines"].type.props)
    with connection.cursor() as cursor:
        cursor.execute(SQL, [role_id, server_id])
        names = [column.name for column in cursor.description]
        rows = [{**blank, **dict(zip(names, row, strict=True))} for row in cursor.fetchall()]
    return len(json.dumps(rows, default=str))


def _growth(cloud: Cloud, client: _Client, accept: str) -> float:
    """Return by how many MB the process grows above what it had, while it answers once."""
    pids = family(cloud.stack.running["spf"].pid, process_table()[1])
    before = sum(_memory(pid, "VmRSS") for pid in pids)
    for pid in pids:
        # The mark of the most it ever had is put down to what it has.
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    client.read("VirtualMachines", accept)
    return (sum(_memory(pid, "VmHWM") for pid in pids) - before) / 1000


def _memory(pid: int, what: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(what)), 0)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
