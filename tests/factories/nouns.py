"""One of every noun of the fabric, made as an administrator makes them."""

from __future__ import annotations

from typing import Any

from fabric.vmm.actions import (
    accounts,
    capability,
    clouds,
    groups,
    library,
    profiles,
    storage,
    templates,
    volumes,
)
from tests.factories.vmm import ADMINISTRATOR, Fabric

SECRET = "Tr0ub4dor-and-3"


def one_of_each(fabric: Fabric) -> dict[str, Any]:
    """Return a row of each noun by its key; most are in use. The vault must be open."""
    by, server = ADMINISTRATOR, fabric.server
    made: dict[str, Any] = {"host-group": fabric.group, "cloud": fabric.cloud}
    made |= {"vm-network": fabric.network, "logical-network": fabric.network.logical_network}
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
    made["account"] = accounts.add(
        by, server, name="Join domain", username="joiner", password=SECRET, domain="example"
    )
    clouds.change(
        by,
        fabric.cloud,
        classifications=[fast],
        library_shares=[share],
        capability_profiles=[small],
    )
    return made
