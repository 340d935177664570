"""What can be asked of VMM: keyword-only, atomic, `caller` first where it matters who asks."""

from fabric.vmm.actions import (
    accounts,
    capability,
    clouds,
    hosts,
    jobs,
    library,
    machines,
    networks,
    profiles,
    servers,
    templates,
    userroles,
)

__all__ = [
    "accounts",
    "capability",
    "clouds",
    "hosts",
    "jobs",
    "library",
    "machines",
    "networks",
    "profiles",
    "servers",
    "templates",
    "userroles",
]
