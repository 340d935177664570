"""A large fabric at rest: hosts full of running machines, in our books and on the rack alike."""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import UUID, uuid4

CORES, MEMORY_MB, STORAGE_GB = 64, 262_144, 8_000
BATCH = 2000


@dataclass(frozen=True)
class Estate:
    """What was filled: the server's id, the cloud's, and how many hosts and machines."""

    server_id: UUID
    cloud_id: UUID
    hosts: int
    machines: int


def fill(hosts: int, each: int) -> Estate:
    """Return a new server with so many hosts and so many machines on each of them."""
    from fabric.vmm.models import Cloud, HostGroup, LogicalNetwork, Server, VMNetwork

    server = Server.objects.create(name=f"estate-{uuid4().hex[:8]}.example.net")
    group = HostGroup.objects.create(server=server, name="Estate")
    logical = LogicalNetwork.objects.create(server=server, name="Estate")
    network = VMNetwork.objects.create(server=server, logical_network=logical, name="estate")
    cloud = Cloud.objects.create(server=server, name="Estate")
    cloud.host_groups.add(group)
    cloud.logical_networks.add(logical)
    made = _hosts(server, group, hosts, each)
    _machines(server, cloud, network, made, each)
    return Estate(server.pk, cloud.pk, hosts, hosts * each)


def _hosts(server, group, count: int, each: int) -> list:
    from django.conf import settings

    from fabric.hypervisors.base import DEFAULT_VOLUME, HostFacts
    from fabric.hypervisors.simulated import add_host
    from fabric.vmm.models import Host, StorageVolume

    made = Host.objects.bulk_create(
        Host(
            server=server,
            group=group,
            name=f"h{n:04}.{server.name}",
            cores=CORES,
            memory_mb=MEMORY_MB,
            storage_gb=STORAGE_GB,
            used_cores=each,
            used_memory_mb=each * 1024,
            used_storage_gb=each * 20,
        )
        for n in range(count)
    )
    StorageVolume.objects.bulk_create(
        StorageVolume(
            host=host, name=DEFAULT_VOLUME, capacity_gb=STORAGE_GB, used_gb=host.used_storage_gb
        )
        for host in made
    )
    for host in made:
        facts = HostFacts(host.name, CORES, MEMORY_MB, STORAGE_GB, "Simulated", "1.0")
        add_host(settings.SIMULATED_RACK, facts)
    return made


def _machines(server, cloud, network, hosts: list, each: int) -> None:
    from fabric.vmm.models import DiskDrive, NetworkAdapter, StorageVolume, VirtualMachine

    volumes = dict(StorageVolume.objects.filter(host__in=hosts).values_list("host", "pk"))
    machines, drives, adapters = [], [], []
    # Another estate may be there already.
    taken = NetworkAdapter.objects.count()
    for host in hosts:
        for _ in range(each):
            machine = VirtualMachine(
                server=server,
                cloud=cloud,
                host=host,
                name=f"vm-{len(machines):06}",
                computer_name=f"vm-{len(machines):06}",
                cores=1,
                memory_mb=1024,
                storage_gb=20,
                status="Running",
                hypervisor_id=uuid4(),
            )
            machines.append(machine)
            drives.append(
                DiskDrive(
                    machine=machine,
                    volume_id=volumes[host.pk],
                    name=f"{machine.name}_disk_1",
                    image="ubuntu.vhdx",
                    size_gb=20,
                    lun=0,
                )
            )
            number = taken + len(machines)
            mac = "02:4C:" + ":".join(f"{number >> shift & 255:02X}" for shift in (24, 16, 8, 0))
            adapters.append(NetworkAdapter(machine=machine, network=network, mac=mac, slot=0))
    for model, rows in (
        (VirtualMachine, machines),
        (DiskDrive, drives),
        (NetworkAdapter, adapters),
    ):
        model.objects.bulk_create(rows, batch_size=BATCH)
    _rack(machines, drives, adapters, network.name)


def _rack(machines: list, drives: list, adapters: list, network: str) -> None:
    """Put the same onto the rack, past the driver: twenty thousand calls would take minutes."""
    from django.conf import settings

    from fabric.hypervisors.simulated.rack import Rack

    since = time.time() - 3600
    with Rack(settings.SIMULATED_RACK).writing() as rack:
        rack.executemany(
            "INSERT INTO guests (host, id, hypervisor_id, name, cores, memory_mb, definition,"
            " power, holds_memory, running_since)"
            " VALUES (?, ?, ?, ?, 1, 1024, '', 'running', 1, ?)",
            [
                (each.host.name, str(each.pk), str(each.hypervisor_id), each.name, since)
                for each in machines
            ],
        )
        rack.executemany(
            "INSERT INTO disks (host, id, source_image, size_gb, is_whole, guest, position)"
            " VALUES (?, ?, 'ubuntu.vhdx', 20, 1, ?, 0)",
            [(each.machine.host.name, str(each.pk), str(each.machine.pk)) for each in drives],
        )
        rack.executemany(
            "INSERT INTO adapters (host, id, guest, mac, mac_key, network)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    each.machine.host.name,
                    str(each.pk),
                    str(each.machine.pk),
                    each.mac,
                    each.mac.lower().replace(":", ""),
                    network,
                )
                for each in adapters
            ],
        )
