"""One of every noun of the fabric, made as an administrator makes them."""

from __future__ import annotations

from typing import Any

from fabric.spf.actions import create_account
from fabric.vmm.actions import (
    accounts,
    affinity,
    balancers,
    capability,
    clouds,
    groups,
    library,
    macs,
    networks,
    profiles,
    sites,
    storage,
    templates,
    userroles,
    volumes,
)
from fabric.vmm.roles import Grant, ScopeLimits
from tests.factories.vmm import ADMINISTRATOR, Fabric

SECRET = "Tr0ub4dor-and-3"


def one_of_each(fabric: Fabric) -> dict[str, Any]:
    """Return a row of each noun by its key; most are in use. The vault must be open."""
    by, server = ADMINISTRATOR, fabric.server
    made: dict[str, Any] = {"server": server, "host-group": fabric.group, "cloud": fabric.cloud}
    made["vm-network"], made["logical-network"] = fabric.network, fabric.network.logical_network
    made["subnet"], made["pool"] = fabric.network.subnets.get(), fabric.network.pools.get()
    made["site"] = sites.add(
        by,
        server,
        logical_network=made["logical-network"],
        name="Everywhere",
        host_groups=[fabric.group],
        vlans=[{"vlan": 120, "cidr": "10.120.0.0/24"}],
    )
    networks.add_network(
        by,
        server,
        logical_network=made["logical-network"],
        name="back",
        isolation="VLANNetwork",
        vlan=120,
    )
    made["mac-pool"] = macs.add(
        by,
        server,
        name="Ours",
        first="02:00:00:00:00:01",
        last="02:00:00:00:FF:FF",
        host_groups=[fabric.group],
    )
    made["load-balancer"] = balancers.add_balancer(
        by, server, name="edge", address="edge.example.net", manufacturer="HAProxy"
    )
    made["vip-template"] = balancers.add_vip(by, server, name="Web", protocol="HTTPS", port=443)
    made["host"] = fabric.hosts[0]
    made["classification"] = fast = storage.add(by, server, name="Fast", description="NVMe.")
    made["volume"] = volumes.add_volume(
        by, fabric.hosts[0], name="nvme", capacity_gb=500, classification=fast
    )
    groups.add(by, server, name="Frankfurt", parent=fabric.group, reserved_memory_mb=2048)
    made["library-server"] = store = library.add_server(by, server, name="library.example.net")
    made["library-share"] = share = library.add_share(
        by, server, library_server=store, name="images", path="D:\\Images"
    )
    made["disk"] = fabric.template.disk
    library.change_disk(by, fabric.template.disk, share=share)
    made["file"] = library.add_file(
        by,
        server,
        share=share,
        kind="answer_file",
        name="linux.yaml",
        os_type="Linux",
        content=f"password: {SECRET}",
    )
    library.add_file(by, server, share=share, kind="iso", name="Rescue", path="rescue.iso")
    made["capability-profile"] = small = capability.add(by, server, name="Small", most_cores=4)
    made["hardware-profile"] = profiles.add_hardware(
        by, server, name="Medium", cores=2, memory_mb=4096, capability_profile=small
    )
    made["guest-profile"] = guest = profiles.add_guest(
        by,
        server,
        name="Linux guest",
        os_type="Linux",
        answer_file=made["file"],
        admin_password=SECRET,
    )
    made["template"] = templates.change(
        by,
        fabric.template,
        guest_profile=guest,
        cloud=fabric.cloud,
        classification=fast,
        data_disks=[{"size_gb": 40, "name": "logs"}],
    )
    made["affinity-set"] = affinity.add(by, server, name="Web apart")
    made["account"] = accounts.add(
        by, server, name="Join domain", username="joiner", password=SECRET, domain="example"
    )
    made["spf-account"] = create_account("billing", SECRET, ["SPF_Usage"], False)
    clouds.change(
        by,
        fabric.cloud,
        classifications=[fast],
        library_shares=[share],
        capability_profiles=[small],
        load_balancers=[made["load-balancer"]],
        vip_templates=[made["vip-template"]],
    )
    made["role"] = userroles.add(
        by,
        name="Alice Ltd",
        members=["alice@example.net"],
        permissions=["Start", "Stop"],
        scopes=[ScopeLimits(fabric.cloud.pk, vm_count=10, memory_mb=65_536, member_vm_count=2)],
        resources=[Grant("VMTemplate", fabric.template.pk)],
    )
    userroles.add(
        by,
        name="Alice Ltd, web",
        profile="SelfServiceUser",
        parent=made["role"],
        scopes=[ScopeLimits(fabric.cloud.pk, vm_count=4)],
    )
    return made
