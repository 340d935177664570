"""Which SPF this is: its generation and abilities, read from both `$metadata` documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from fabric.odata import metadata
from fabric.odata.errors import ODataError
from fabric.odata.metadata import SetDescription
from fabric.odata.xml import local_name, parse
from fabric.providers import abilities
from fabric.providers.abilities import Description
from fabric.providers.errors import BrokenAnswer, Missing
from fabric.providers.spf import faults, orders
from fabric.providers.spf.session import Session

VERSIONS: Final = ("SC2012R2", "SC2012", "SC2016")
ADMIN_SETS: Final = ("Stamps", "Tenants")
VMM_SETS: Final = ("Clouds", "VirtualMachines", "Jobs")

Sets = Mapping[str, SetDescription]


def describe(session: Session) -> Description:
    """Read what the endpoint says of itself; leaves the session at the version it speaks."""
    find_version(session)
    _sets(session, session.admin("$metadata"), ADMIN_SETS)
    body = session.document(session.vmm("$metadata"))
    sets = _read(session, body, VMM_SETS)
    return Description(
        abilities=_abilities(sets, body),
        generation=_generation(sets, body),
        version=session.version,
        without=_without(sets),
    )


def _without(sets: Sets) -> frozenset[str]:
    return frozenset(
        f"{name}.{prop}"
        for name, props in orders.SENT.items()
        for prop in props
        if name in sets and prop not in sets[name]["properties"]
    )


def find_version(session: Session) -> None:
    """Have the session use the version of addresses that answers; the first fault is the one told.

    2012 SP1 knows no other than its own.
    """
    first = session.version
    told: BrokenAnswer | Missing | None = None
    for version in dict.fromkeys((first, *VERSIONS)):
        session.version = version
        try:
            session.rows(session.admin("Stamps"))
            return
        except (BrokenAnswer, Missing) as fault:
            told = told or fault
    session.version = first
    assert told is not None
    raise told if isinstance(told, BrokenAnswer) else faults.no_spf(session.place)


def _sets(session: Session, url: str, needed: Sequence[str]) -> Sets:
    return _read(session, session.document(url), needed)


def _read(session: Session, body: bytes, needed: Sequence[str]) -> Sets:
    try:
        sets = metadata.read(body)
    except ODataError:
        raise faults.no_spf(session.place) from None
    if any(name not in sets for name in needed):
        raise faults.no_spf(session.place)
    return sets


def _abilities(sets: Sets, body: bytes) -> frozenset[str]:
    machine = sets["VirtualMachines"]
    adapter = sets.get("VirtualNetworkAdapters")
    is_ours = "JobSteps" in sets or "Steps" in sets["Jobs"]["navigations"]
    copies = is_ours and "SourceVMId" in machine["properties"]
    found = {
        abilities.JOB_STEPS: is_ours,
        abilities.LOAD: "PerformanceData" in sets,
        abilities.CONSOLE: "VMConnection" in machine["properties"],
        abilities.CHECKPOINTS: "VMCheckPoints" in sets,
        abilities.ADAPTER_ADDRESSES: bool(adapter and "IPv4Addresses" in adapter["properties"]),
        abilities.CHANGES: "ModifiedTime" in machine["properties"],
        abilities.SSH_KEYS: "LinuxAdministratorSSHKeyString" in machine["properties"],
        abilities.USER_DATA: "UserData" in machine["properties"],
        abilities.DOMAIN_OU: "MachineObjectOU" in machine["properties"],
        abilities.CLONE: copies,
        abilities.FROM_CHECKPOINT: "SourceCheckpointId" in machine["properties"],
        abilities.FIXED_ADDRESS: _has(body, "NewVMVirtualNetworkAdapterInput", "IPv4Address"),
        # No words of a description tell these: they came together with copies.
        abilities.REBUILD: copies,
        abilities.MEMBER_ROLES: copies,
        abilities.EMPTY_DISKS: is_ours,
    }
    return frozenset(name for name, is_there in found.items() if is_there)


def _generation(sets: Sets, body: bytes) -> str:
    """Told by what each generation added; reference order: newest first."""
    if "VMShieldingData" in sets:
        return abilities.LATER
    if "VMNetworkGateways" not in sets:
        return abilities.SP1
    # The rollups gave the quota of networks a limit of NAT connections.
    has_rollups = _has(body, "VMNetworkQuota", "NATConnectionMaximum")
    return abilities.R2_ROLLUPS if has_rollups else abilities.R2


def _has(body: bytes, structure: str, name: str) -> bool:
    """Tell whether a structured value has a property of that name."""
    return any(
        local_name(prop) == "Property" and prop.get("Name") == name
        for kind in parse(body).iter()
        if local_name(kind) == "ComplexType" and kind.get("Name") == structure
        for prop in kind
    )
