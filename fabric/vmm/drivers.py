"""From a host's row to the driver that obeys: the only place that knows the kinds."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings

from fabric.hypervisors.base import HostFacts, Hypervisor, VolumeFacts
from fabric.hypervisors.simulated import add_host, open_host, remove_host


def _simulated(name: str) -> Hypervisor:
    return open_host(settings.SIMULATED_RACK, name, scale=settings.SIMULATED_SCALE)


KINDS: dict[str, Callable[[str], Hypervisor]] = {"simulated": _simulated}
# What platforms of capability profiles a kind can be. The simulated ones play any.
PLATFORMS: dict[str, frozenset[str]] = {"simulated": frozenset({"Hyper-V", "Katal"})}


def open_driver(kind: str, host_name: str) -> Hypervisor:
    """Return the driver of a host. Opening asks the host nothing."""
    return KINDS[kind](host_name)


def platforms(kind: str) -> frozenset[str]:
    """Return the platforms of capability profiles that hosts of a kind can be."""
    return PLATFORMS.get(kind, frozenset())


def add_simulated(name: str, cores: int, memory_mb: int, volumes: tuple[VolumeFacts, ...]) -> None:
    """Put a host into the simulated rack; repeatable."""
    storage_gb = sum(volume.capacity_gb for volume in volumes)
    facts = HostFacts(name, cores, memory_mb, storage_gb, "Simulated", "1.0", volumes)
    add_host(settings.SIMULATED_RACK, facts)


def remove_simulated(name: str) -> None:
    """Take a host out of the simulated rack; Rejected while anything is on it."""
    remove_host(settings.SIMULATED_RACK, name)
