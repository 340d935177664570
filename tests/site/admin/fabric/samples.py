"""What is typed for each noun: a good form, one bad value, a change, and who keeps it in use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Made = Mapping[str, Any]


@dataclass(frozen=True)
class Sample:
    """`good` is a whole form. `bad` is what its form refuses, `spoils` what VMM refuses,
    `more` makes further ones."""

    good: Callable[[Made], dict[str, Any]]
    bad: dict[str, Any]
    change: dict[str, Any]
    is_used: bool = True
    spoils: Callable[[Made], dict[str, Any]] | None = None
    more: Callable[[int], dict[str, Any]] = lambda number: {"name": f"more{number}.example.net"}


def taken(key: str) -> Callable[[Made], dict[str, Any]]:
    """Return the name of the row that is there already: VMM refuses it, the form does not."""
    return lambda made: {"name": made[key].name}


SAMPLES: dict[str, Sample] = {
    "server": Sample(
        lambda made: {"name": "vmm99.example.net"},
        bad={"name": ""},
        change={"description": "The second site."},
        spoils=taken("server"),
    ),
    "host": Sample(
        lambda made: {
            "name": "host99.example.net",
            "group": made["host-group"].pk,
            "cores": 8,
            "memory_mb": 16384,
            "volumes-0-name": "ssd",
            "volumes-0-capacity_gb": 400,
            "volumes-0-classification": made["classification"].pk,
            "volumes-1-name": "hdd",
            "volumes-1-capacity_gb": 4000,
            "is_available": "on",
        },
        bad={"cores": 0},
        change={"cluster": "cluster-1", "tags": "ssd\ngold", "own_reserved_memory_mb": 1024},
        is_used=False,
        spoils=taken("host"),
    ),
    "host-group": Sample(
        lambda made: {
            "name": "Berlin",
            "parent": made["host-group"].pk,
            "reserved_memory_mb": 8192,
            "placement_rules": "database must ssd",
        },
        bad={"placement_rules": "database ought ssd"},
        change={"cores_per_core": 4, "placement_rules": "web should_not ssd"},
        spoils=taken("host-group"),
    ),
    "classification": Sample(
        lambda made: {"name": "Archive", "description": "Slow and large."},
        bad={"name": ""},
        change={"description": "Slower."},
        spoils=taken("classification"),
    ),
    "volume": Sample(
        lambda made: {
            "host": made["host"].pk,
            "name": "archive",
            "capacity_gb": 900,
            "classification": made["classification"].pk,
        },
        bad={"capacity_gb": "many"},
        change={"capacity_gb": 950},
        is_used=False,
        spoils=taken("volume"),
    ),
    "library-server": Sample(
        lambda made: {"name": "library2.example.net"},
        bad={"name": "x" * 300},
        change={"description": "The second one."},
        spoils=taken("library-server"),
    ),
    "library-share": Sample(
        lambda made: {
            "library_server": made["library-server"].pk,
            "name": "iso",
            "path": "D:\\Iso",
        },
        bad={"path": ""},
        change={"path": "E:\\Iso"},
        spoils=taken("library-share"),
    ),
    "disk": Sample(
        lambda made: {
            "name": "debian.vhdx",
            "share": made["library-share"].pk,
            "size_gb": 20,
            "os_type": "Linux",
            "os_name": "Debian 13",
            "is_enabled": "on",
        },
        bad={"size_gb": 0},
        change={"release": "13.1"},
        spoils=taken("disk"),
    ),
    "file": Sample(
        lambda made: {
            "kind": "script",
            "name": "join.sh",
            "share": made["library-share"].pk,
            "size_mb": 0,
            "os_type": "Linux",
            "content": "echo Tr0ub4dor",
            "is_enabled": "on",
        },
        bad={"share": ""},
        change={"description": "Joins the cluster."},
        spoils=lambda made: {"kind": "iso", "content": ""},
    ),
    "template": Sample(
        lambda made: {
            "name": "Ubuntu large",
            "disk": made["disk"].pk,
            "os_type": "Linux",
            "cores": 2,
            "memory_mb": 4096,
            "generation": 2,
            "adapters": 1,
            "quota_point": 1,
            "tenant_may_change": ["name", "cores"],
            "tags": "web",
            "is_enabled": "on",
            "data_disks-0-size_gb": 100,
            "data_disks-0-name": "data",
            "data_disks-2-size_gb": 10,
        },
        bad={"cores": "two"},
        change={"memory_mb": 8192, "tags": "gold\nweb", "data_disks-1-size_gb": 20},
        is_used=False,
        spoils=lambda made: {"product_key": "ABCDE-ABCDE-ABCDE-ABCDE-ABCDE"},
    ),
    "hardware-profile": Sample(
        lambda made: {
            "name": "Large",
            "cores": 4,
            "memory_mb": 16384,
            "generation": 2,
            "capability_profile": made["capability-profile"].pk,
        },
        bad={"memory_mb": ""},
        change={"cores": 3},
        is_used=False,
        spoils=lambda made: {"cores": 8},
    ),
    "guest-profile": Sample(
        lambda made: {
            "name": "Linux web",
            "os_type": "Linux",
            "computer_name_pattern": "web-##",
            "admin_user": "root",
            "admin_password": "Tr0ub4dor-and-3",
            "answer_file": made["file"].pk,
        },
        bad={"os_type": "BeOS"},
        change={"time_zone": "Europe/Berlin"},
        spoils=lambda made: {"workgroup": "HOME", "domain": "example.net"},
    ),
    "capability-profile": Sample(
        lambda made: {
            "name": "Tiny",
            "platform": "Hyper-V",
            "least_cores": 1,
            "most_cores": 2,
            "least_memory_mb": 32,
            "least_adapters": 0,
            "may_have_checkpoints": "on",
        },
        bad={"least_cores": ""},
        change={"most_dvds": 1},
        spoils=lambda made: {"least_cores": 3},
    ),
    "cloud": Sample(
        lambda made: {
            "name": "Silver",
            "host_groups": [made["host-group"].pk],
            "logical_networks": [made["logical-network"].pk],
            "library_shares": [made["library-share"].pk],
            "store": made["library-share"].pk,
            "strategy": "packed",
            "machines": 10,
        },
        bad={"host_groups": []},
        change={"memory_mb": 65536},
        spoils=lambda made: {"library_shares": []},
    ),
    "vm-network": Sample(
        lambda made: {
            "name": "web",
            "logical_network": made["logical-network"].pk,
            "isolation": "NoIsolation",
        },
        bad={"isolation": "Moat"},
        change={"description": "For web servers."},
        spoils=lambda made: {"isolation": "VLANNetwork", "vlan": 999},
    ),
    "subnet": Sample(
        lambda made: {"network": made["vm-network"].pk, "name": "six", "cidr": "fd00:20::/64"},
        bad={"cidr": ""},
        change={"name": "sixth"},
        spoils=lambda made: {"cidr": made["subnet"].cidr},
        more=lambda number: {"name": f"more {number}", "cidr": f"fd00:4{number}::/64"},
    ),
    "logical-network": Sample(
        lambda made: {"name": "Storage", "is_virtualized": "on"},
        bad={"name": ""},
        change={"description": "iSCSI."},
        spoils=taken("logical-network"),
    ),
    "site": Sample(
        lambda made: {
            "logical_network": made["logical-network"].pk,
            "name": "Frankfurt",
            "host_groups": [made["host-group"].pk],
            "vlans": "130 10.130.0.0/24\n0",
        },
        bad={"vlans": "green"},
        change={"vlans": "131 10.130.0.0/24"},
        spoils=lambda made: {"vlans": "5000"},
        is_used=False,
    ),
    "pool": Sample(
        lambda made: {
            "name": "six pool",
            "network": made["vm-network"].pk,
            "cidr": "fd00:30::/64",
            "first": "fd00:30::10",
            "last": "fd00:30::ff",
            "reserved": "fd00:30::20 - fd00:30::2f",
            "dns": "fd00:30::53",
            "quarantine_minutes": 5,
        },
        bad={"reserved": "fd00:30::20 -"},
        change={"quarantine_minutes": 60},
        is_used=False,
        spoils=lambda made: {"first": "fd00:31::1"},
        more=lambda number: {
            "name": f"more {number}",
            "cidr": f"10.5{number}.0.0/24",
            **dict.fromkeys(("first", "last", "reserved", "dns"), ""),
        },
    ),
    "mac-pool": Sample(
        lambda made: {
            "name": "Second",
            "first": "02:00:00:01:00:00",
            "last": "02:00:00:01:FF:FF",
            "host_groups": [made["host-group"].pk],
        },
        bad={"first": ""},
        change={"last": "02:00:00:01:FF:00"},
        is_used=False,
        spoils=lambda made: {"first": "02:00:00:00:F0:00"},
        more=lambda number: {
            "name": f"more {number}",
            "first": f"02:00:0{number}:03:00:00",
            "last": f"02:00:0{number}:03:FF:FF",
        },
    ),
    "load-balancer": Sample(
        lambda made: {
            "name": "core",
            "address": "10.0.0.9",
            "logical_networks": [made["logical-network"].pk],
        },
        bad={"address": ""},
        change={"manufacturer": "Contoso"},
        spoils=lambda made: {"address": "not a host"},
    ),
    "vip-template": Sample(
        lambda made: {
            "name": "DNS",
            "protocol": "UDP",
            "port": 53,
            "method": "RoundRobin",
            "is_persistent": "on",
        },
        bad={"port": "dns"},
        change={"method": "LeastConnections"},
        spoils=lambda made: {"port": 70_000},
    ),
    "role": Sample(
        lambda made: {
            "name": "Bob GmbH",
            "profile": "TenantAdmin",
            "members": "bob@example.net\ncharlie@example.net",
            "permissions": ["Start", "Stop"],
            "templates": [made["template"].pk],
            "scopes-0-cloud": made["cloud"].pk,
            "scopes-0-vm_count": 5,
            "scopes-0-member_memory_mb": 4096,
        },
        bad={"most_networks": -1},
        change={"most_networks": 3, "scopes-0-vm_count": 6},
        spoils=taken("role"),
    ),
    "affinity-set": Sample(
        lambda made: {"name": "Databases apart", "kind": "apart", "is_strict": "on"},
        bad={"machines": "no-such-machine"},
        change={"kind": "together"},
        is_used=False,
        spoils=taken("affinity-set"),
    ),
    "account": Sample(
        lambda made: {
            "name": "Back up",
            "username": "backup",
            "password": "Tr0ub4dor-and-3",
            "domain": "example",
            "is_enabled": "on",
        },
        bad={"password": ""},
        change={"description": "For the back-up."},
        is_used=False,
        spoils=taken("account"),
    ),
}
