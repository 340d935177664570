"""What a stamp offers, read as the administrator: one query per set, however many clouds."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping

from fabric.odata import filter
from fabric.odata.uri import entity_url
from fabric.providers.base import Inventory, RemoteCloud, RemoteNetwork, RemoteTemplate
from fabric.providers.errors import Forbidden, Missing, NoAnswer, Rejected, Unreachable
from fabric.providers.spf import networks, reading, sizes
from fabric.providers.spf.pools import pools_of
from fabric.providers.spf.reading import Row
from fabric.providers.spf.session import Session, query

NOTHING = Inventory(clouds=(), templates=(), profiles=(), networks=(), lacks_rights=True)

Networks = Mapping[uuid.UUID, Collection[uuid.UUID]]


def read(session: Session, stamp_id: uuid.UUID, username: str, *, with_usage: bool) -> Inventory:
    """Read clouds with capacity, templates, hardware profiles, networks, disks and images.

    Microsoft's SPF tells the usage of the caller's role, not of the cloud: there it is left out.
    """
    of_stamp = filter.eq("StampId", stamp_id)
    try:
        clouds, logical = _clouds(session, stamp_id, with_usage)
    except Forbidden:
        return NOTHING
    if not clouds and lacks_rights(session, username):
        return NOTHING
    capacities = {
        reading.guid(row, "CloudId"): row for row in _rows(session, "CloudCapacities", of_stamp)
    }

    def read_cloud(row: Row) -> RemoteCloud:
        id = reading.own_id(row)
        return reading.cloud(row, capacities.get(id, {}), logical.get(id, ()))

    def all_of(name: str) -> list[Row]:
        return _rows(session, name, of_stamp)

    tell = sizes.of_templates(clouds, _optional(session, "CapabilityProfiles", of_stamp))

    def read_template(row: Row) -> RemoteTemplate:
        return reading.template(row, tell(row))

    disks = _library_disks(session, of_stamp)
    images = _optional(session, "ISOs", of_stamp)
    return Inventory(
        clouds=reading.each(read_cloud, clouds, "Clouds"),
        templates=reading.each(read_template, all_of("VMTemplates"), "VMTemplates"),
        profiles=reading.each(reading.profile, all_of("HardwareProfiles"), "HardwareProfiles"),
        networks=_networks(session, of_stamp, all_of("VMNetworks")),
        lacks_rights=False,
        library_disks=reading.each(reading.library_disk, disks, "VirtualHardDisks"),
        media=reading.each(reading.media, images, "ISOs"),
    )


def _networks(session: Session, of_stamp: str, rows: list[Row]) -> tuple[RemoteNetwork, ...]:
    """The networks with their address pools and subnets, as far as these are told."""
    # In this order: a pool that is made meanwhile has a subnet that is read.
    of_pools = _spared(session, "StaticIPAddressPools", of_stamp)
    of_subnets = _spared(session, "VMSubnets", of_stamp) or []
    subnets = networks.subnets_of(of_subnets)
    pools = None if of_pools is None else pools_of(of_pools, of_subnets)
    return reading.each(lambda row: networks.network(row, subnets, pools), rows, "VMNetworks")


def _spared(session: Session, name: str, of_stamp: str) -> list[Row] | None:
    """The rows of a set, None where it is not told: by a service that fails at it alone, too."""
    try:
        return _rows(session, name, of_stamp)
    except NoAnswer:
        raise
    except (Forbidden, Missing, Rejected, Unreachable):
        return None


def _library_disks(session: Session, of_stamp: str) -> list[Row]:
    """The disks that no machine has; where that cannot be asked, they are picked from all."""
    of_library = filter.all_of(of_stamp, "VMId eq null")
    rows = _optional(session, "VirtualHardDisks", of_library, of_stamp)
    return [row for row in rows if reading.guid(row, "VMId") is None]


def _optional(session: Session, name: str, *filters: str) -> list[Row]:
    """The rows of a set that one can do without, asked for by the first filter understood."""
    for condition in filters:
        try:
            rows = _rows(session, name, condition)
            return [row for row in rows if reading.flag(row, "Enabled") is not False]
        except (Forbidden, Missing):
            return []
        except Rejected:
            continue
    return []


def _rows(session: Session, name: str, condition: str) -> list[Row]:
    return session.rows(session.vmm(name) + query(filter=condition))


def _clouds(session: Session, stamp_id: uuid.UUID, with_usage: bool) -> tuple[list[Row], Networks]:
    """Return the clouds and the ids of the logical networks of each."""
    of_stamp = filter.eq("StampId", stamp_id)
    url = session.vmm("Clouds")
    try:
        usage = ",QuotaAndUsageComponents" if with_usage else ""
        expand = f"LogicalNetworks,CapabilityProfiles{usage}"
        clouds = session.rows(url + query(filter=of_stamp, expand=expand))
    except Rejected:
        clouds = session.rows(url + query(filter=of_stamp))
    if all(isinstance(row.get("LogicalNetworks"), list) for row in clouds):
        return clouds, {
            id: _ids(reading.several(row, "LogicalNetworks"))
            for row in clouds
            if (id := reading.guid(row, "ID"))
        }
    return clouds, _logical_networks(session, stamp_id, clouds)


def _logical_networks(session: Session, stamp_id: uuid.UUID, clouds: list[Row]) -> Networks:
    """Where clouds cannot be expanded: ask for all logical networks, or cloud by cloud where these
    do not tell whose they are."""
    rows = session.rows(
        session.vmm("LogicalNetworks") + query(filter=filter.eq("StampId", stamp_id))
    )
    found: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    for row in rows:
        cloud_id = reading.guid(row, "CloudId")
        if cloud_id is not None:
            found[cloud_id] += _ids([row])
    if found or not rows:
        return found
    for cloud in clouds:
        id = reading.guid(cloud, "ID")
        if id is not None:
            at = entity_url("Clouds", {"ID": id, "StampId": stamp_id})
            found[id] = _ids(session.rows(session.vmm(f"{at}/LogicalNetworks")))
    return found


def _ids(rows: list[Row]) -> list[uuid.UUID]:
    return [id for id in (reading.guid(row, "ID") for row in rows) if id is not None]


def lacks_rights(session: Session, username: str) -> bool:
    """Tell whether an empty stamp is one we may not see: an administrator of VMM always sees the
    administrators' role, with itself in it."""
    try:
        roles = session.rows(session.vmm("UserRoles"))
    except Forbidden:
        return True
    except (Missing, Rejected):
        return False
    own = _account(username)
    return not any(
        reading.text(row, "UserRoleProfile", "Profile").casefold() == "administrator"
        and own in map(_account, reading.texts(row, "Members"))
        for row in roles
    )


def _account(name: str) -> str:
    r"""The account without the machine or domain it belongs to: `SPF01\portal`, `portal@SPF01`."""
    return name.rpartition("\\")[2].partition("@")[0].casefold()
