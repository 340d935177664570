"""What a host has left: memory and processors of guests that run, storage volume by volume.

Room is counted with what is on its way here, so that nothing can run out half way.
"""

from __future__ import annotations

from fabric.hypervisors.errors import Full, Rejected
from fabric.hypervisors.simulated.turn import Turn

CORES_OVERCOMMIT = 8


def require_compute(turn: Turn, host: str, cores: int, memory_mb: int) -> None:
    """Refuse with Full unless the host has this much more for a guest that runs."""
    total = turn.connection.execute(
        "SELECT memory_mb, cores FROM hosts WHERE name=?", (host,)
    ).fetchone()
    used = turn.connection.execute(
        "SELECT coalesce(sum(memory_mb), 0) AS memory_mb, coalesce(sum(cores), 0) AS cores"
        " FROM guests WHERE holds_memory AND (host=?1 OR goes_to_host=?1)",
        (host,),
    ).fetchone()
    free_mb = total["memory_mb"] - used["memory_mb"]
    free_cores = total["cores"] * CORES_OVERCOMMIT - used["cores"]
    for resource, free, wanted, unit in (
        ("memory", max(0, free_mb), memory_mb, " MB"),
        ("cores", max(0, free_cores), cores, ""),
    ):
        if wanted > free:
            raise Full(
                f"Host {host} has no room for {resource}:"
                f" {free}{unit} free, {wanted}{unit} wanted.",
                resource=resource,
                free=free,
                wanted=wanted,
            )


def choose_volume(turn: Turn, host: str, wanted_gb: int, volume: str = "") -> str:
    """The volume asked for, or the first with room; Full when there is none."""
    free = _free_gb(turn, host)
    if volume and volume not in free:
        raise Rejected(f"Host {host} has no volume {volume}.")
    for name in [volume] if volume else free:
        if wanted_gb <= free[name]:
            return name
    fullest = volume or max(free, key=lambda name: free[name], default="")
    left = max(0, free.get(fullest, 0))
    raise Full(
        f"Volume {fullest} of host {host} is full: {left} GB free, {wanted_gb} GB wanted.",
        resource="storage",
        free=left,
        wanted=wanted_gb,
    )


def _free_gb(turn: Turn, host: str) -> dict[str, int]:
    rows = turn.connection.execute(
        "SELECT v.name, v.capacity_gb"
        " - coalesce((SELECT sum(coalesce(wanted_gb, size_gb)) FROM disks"
        "   WHERE host=v.host AND volume=v.name), 0)"
        " - coalesce((SELECT sum(coalesce(wanted_gb, size_gb)) FROM disks"
        "   WHERE goes_to_host=v.host AND goes_to_volume=v.name), 0)"
        " FROM volumes v WHERE v.host=? ORDER BY v.position",
        (host,),
    )
    return dict(rows.fetchall())
