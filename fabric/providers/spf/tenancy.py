"""Stamps and tenants: the verbs that go through the Admin service and VMM's user roles."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Final

from fabric.odata import filter
from fabric.odata.uri import entity_url
from fabric.providers.base import RemoteStamp, TenantOrder
from fabric.providers.errors import Missing, Rejected, Throttled
from fabric.providers.spf import members, orders, reading
from fabric.providers.spf.faults import Conflict
from fabric.providers.spf.orders import Resource
from fabric.providers.spf.reading import Row
from fabric.providers.spf.session import Session, query

VMM_SERVER: Final = 0
# The words of UserRoles for what can be granted, and the sets it is in.
GRANTED: Final = {
    "VMTemplate": "VMTemplates",
    "HardwareProfile": "HardwareProfiles",
    "VMNetwork": "VMNetworks",
    "ISO": "ISOs",
}
# A service without them has nothing to take away.
OPTIONAL: Final = frozenset({"ISO"})


def stamps(session: Session) -> tuple[RemoteStamp, ...]:
    """Read the registered stamps."""
    return reading.each(reading.stamp, session.rows(session.admin("Stamps")), "Stamps")


def ensure_stamp(session: Session, name: str) -> RemoteStamp:
    """Return the stamp that stands for this VMM server.

    The server is made before the stamp: one that SPF cannot reach leaves nothing behind.
    """
    row = _stamp_of(session, name)
    if row is not None and any(_is_vmm(server) for server in _servers(session, row)):
        return reading.stamp(row)
    server_id = _ensure_server(session, name)
    if row is None:
        made = session.create(session.admin("Stamps"), {"Name": name})
        row = {"Name": name, **made.row, "ID": made.id}
    found = reading.stamp(row)
    url = session.admin(f"{entity_url('Stamps', {'ID': found.id})}/$links/Servers")
    _link(session, url, session.admin(entity_url("Servers", {"ID": server_id})))
    return found


def _stamp_of(session: Session, name: str) -> Row | None:
    """The row of the stamp called like the server, or with the server behind it."""
    url = session.admin("Stamps")
    try:
        rows = session.rows(url + query(expand="Servers"))
    except Rejected:
        rows = session.rows(url)
    for row in rows:
        servers = [each for each in reading.several(row, "Servers") if _is_vmm(each)]
        names = [reading.text(each, "Name").casefold() for each in (row, *servers)]
        if name.casefold() in names and reading.guid(row, "ID"):
            return row
    return None


def _servers(session: Session, stamp: Row) -> list[Row]:
    """The servers of a stamp: expanded, or asked for where that is not spoken."""
    if isinstance(stamp.get("Servers"), list):
        return reading.several(stamp, "Servers")
    url = entity_url("Stamps", {"ID": reading.own_id(stamp)})
    return session.rows(session.admin(f"{url}/Servers"))


def _is_vmm(server: Row) -> bool:
    return reading.whole(server, "ServerType", VMM_SERVER) == VMM_SERVER


def _ensure_server(session: Session, name: str) -> uuid.UUID:
    for row in session.rows(session.admin("Servers") + query(filter=filter.eq("Name", name))):
        if _is_vmm(row) and reading.text(row, "Name").casefold() == name.casefold():
            return reading.own_id(row)
    made = session.create(session.admin("Servers"), {"Name": name, "ServerType": VMM_SERVER})
    return reading.own_id({"ID": made.id})


def ensure_tenant(
    session: Session, order: TenantOrder, without: Collection[str] = frozenset()
) -> None:
    """Bring the SPF tenant and its user role to what is ordered; `without` is what this
    generation's roles do not have."""
    is_new = _ensure_linked(session, order)
    role_url = session.vmm(entity_url("UserRoles", {"ID": order.id}))
    try:
        known = session.row(role_url)
        granted = set() if is_new else _granted(session, order)
        body = orders.fit(orders.role(order, known, granted), "UserRoles", without)
        session.merge(role_url, body)
    except Missing:
        # VMM makes the role in its own time after the tenant was linked.
        raise Throttled("The cloud has not made the tenant's user role yet.") from None


def ensure_gone_tenant(session: Session, order: TenantOrder) -> None:
    """Remove the roles inside the tenant's role, and the tenant, with which SPF removes that.

    Repeatable; a role that another SPF left behind in VMM is removed by itself.
    """
    members.remove_all(session, order)
    for url in (
        session.admin(entity_url("Tenants", {"ID": order.id})),
        session.vmm(entity_url("UserRoles", {"ID": order.id})),
    ):
        try:
            session.send("DELETE", url)
        except Missing:
            continue


def _ensure_linked(session: Session, order: TenantOrder) -> bool:
    """Have the tenant, linked to its stamp; tell whether it was only made now."""
    tenant_url = session.admin(entity_url("Tenants", {"ID": order.id}))
    linked: set[uuid.UUID | None] = set()
    is_new = False
    try:
        row = session.row(tenant_url + query(expand="Stamps"))
        linked = {reading.guid(stamp, "ID") for stamp in reading.several(row, "Stamps")}
    except Missing:
        is_new = True
        _create_tenant(session, order, tenant_url)
    if order.stamp_id not in linked:
        stamp_url = session.admin(entity_url("Stamps", {"ID": order.stamp_id}))
        _link(session, f"{tenant_url}/$links/Stamps", stamp_url)
    return is_new


def _create_tenant(session: Session, order: TenantOrder, tenant_url: str) -> None:
    """Make the tenant; a conflict is fine if it is this very tenant that was made meanwhile."""
    try:
        session.send("POST", session.admin("Tenants"), body=orders.tenant(order))
    except Conflict as conflict:
        try:
            session.row(tenant_url)
        except Missing:
            raise conflict from None


def _link(session: Session, url: str, target: str) -> None:
    """Link two entities; that they are linked already is as good."""
    try:
        session.send("POST", url, body={"url": target})
    except Conflict:
        pass


def _granted(session: Session, order: TenantOrder) -> set[Resource]:
    """Return what the role was granted so far: what it sees and does not own itself."""
    found: set[Resource] = set()
    of_templates: set[uuid.UUID | None] = set()
    of_stamp = filter.eq("StampId", order.stamp_id)
    for kind, name in GRANTED.items():
        for row in _rows(session, kind, session.vmm(name, order.id) + query(filter=of_stamp)):
            of_templates.add(reading.guid(row, "VirtualHardDiskId"))
            id = reading.guid(row, "ID")
            if id is not None and reading.guid(reading.inside(row, "Owner"), "RoleID") != order.id:
                found.add((kind, id))
    disks = {id for id in _disks(session, order, of_stamp) if id not in of_templates}
    return found | {("VirtualHardDisk", id) for id in disks}


def _rows(session: Session, kind: str, url: str) -> list[Row]:
    try:
        return session.rows(url)
    except (Missing, Rejected):
        if kind not in OPTIONAL:
            raise
        return []


def _disks(session: Session, order: TenantOrder, of_stamp: str) -> list[uuid.UUID]:
    """The disks of the library that the role sees; those of its templates come with these."""
    url = session.vmm("VirtualHardDisks", order.id)
    try:
        rows = session.rows(url + query(filter=filter.all_of(of_stamp, "VMId eq null")))
    except (Missing, Rejected):
        return []
    here = [row for row in rows if reading.guid(row, "VMId") is None]
    return [id for row in here if (id := reading.guid(row, "ID"))]
