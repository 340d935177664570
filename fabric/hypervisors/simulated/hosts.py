"""Hosts of a rack: putting them in, changing what they are, taking them out, their journal."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from fabric.hypervisors.base import DEFAULT_VOLUME, HostFacts, VolumeFacts
from fabric.hypervisors.errors import Rejected
from fabric.hypervisors.simulated.rack import Rack
from fabric.hypervisors.simulated.turn import Turn


def add_host(rack: Path, facts: HostFacts) -> None:
    """Put a host into the rack, or change the facts of the one of that name.

    Disks on a volume that is no longer named stay where they are.
    """
    volumes = facts.volumes or (VolumeFacts(DEFAULT_VOLUME, facts.storage_gb),)
    with Rack(rack).writing() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO hosts"
            " (name, cores, memory_mb, storage_gb, hypervisor, version) VALUES (?, ?, ?, ?, ?, ?)",
            (
                *(facts.name, facts.cores, facts.memory_mb, facts.storage_gb),
                *(facts.hypervisor, facts.version),
            ),
        )
        connection.execute("DELETE FROM volumes WHERE host=?", (facts.name,))
        connection.executemany(
            "INSERT INTO volumes (host, position, name, capacity_gb) VALUES (?, ?, ?, ?)",
            [(facts.name, at, v.name, v.capacity_gb) for at, v in enumerate(volumes)],
        )


def remove_host(rack: Path, name: str) -> None:
    """Take a host out of the rack; Rejected while anything is on it or on its way to it."""
    with Rack(rack).writing() as connection:
        Turn(connection, name, time.time(), 0).settle()
        guests, disks = connection.execute(
            "SELECT (SELECT count(*) FROM guests WHERE host=?1 OR goes_to_host=?1),"
            " (SELECT count(*) FROM disks WHERE host=?1 OR goes_to_host=?1)",
            (name,),
        ).fetchone()
        if guests or disks:
            raise Rejected(f"Host {name} still has {guests} guests and {disks} disks.")
        for statement in (
            "DELETE FROM hosts WHERE name=?",
            "DELETE FROM volumes WHERE host=?",
            "DELETE FROM work WHERE host=?",
            "DELETE FROM faults WHERE host=?",
        ):
            connection.execute(statement, (name,))


def journal(rack: Path, host: str) -> list[tuple[str, str]]:
    """The effects really made on a host, repeats not among them: (verb, id), oldest first."""
    with Rack(rack).reading() as connection:
        rows = connection.execute(
            "SELECT verb, subject FROM journal WHERE host=? ORDER BY id", (host,)
        ).fetchall()
    return [(verb, subject) for verb, subject in rows]


def facts(turn: Turn) -> HostFacts:
    """What the host is, with its volumes."""
    row = turn.row(
        "SELECT name, cores, memory_mb, storage_gb, hypervisor, version FROM hosts WHERE name=?1"
    )
    assert row is not None
    volumes = turn.run("SELECT name, capacity_gb FROM volumes WHERE host=?1 ORDER BY position")
    return replace(HostFacts(*row), volumes=tuple(VolumeFacts(*volume) for volume in volumes))
