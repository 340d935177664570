"""Stamps and tenants: the verbs that go through the Admin service and VMM's user roles."""

from __future__ import annotations

import uuid
from typing import Final

from fabric.odata import filter
from fabric.odata.uri import entity_url
from fabric.providers.base import RemoteStamp, TenantOrder
from fabric.providers.errors import Missing, Throttled
from fabric.providers.spf import orders, reading
from fabric.providers.spf.faults import Conflict
from fabric.providers.spf.orders import Resource
from fabric.providers.spf.reading import Row
from fabric.providers.spf.session import Session, query

VMM_SERVER: Final = 0
# The sets whose rows tell which roles they were granted to, by their word in UserRoles.
GRANTED_IN: Final = {
    "VMTemplate": "VMTemplates",
    "HardwareProfile": "HardwareProfiles",
    "VMNetwork": "VMNetworks",
}


def stamps(session: Session) -> tuple[RemoteStamp, ...]:
    """Read the registered stamps."""
    return reading.each(reading.stamp, session.rows(session.admin("Stamps")), "Stamps")


def ensure_stamp(session: Session, name: str) -> RemoteStamp:
    """Return the stamp of this name with a server of type VMM behind it, made where missing."""
    found = next((s for s in stamps(session) if s.name.casefold() == name.casefold()), None)
    if found is None:
        answer = session.create(session.admin("Stamps"), {"Name": name})
        found = reading.stamp({"Name": name, **answer.row, "ID": answer.id})
    stamp_url = entity_url("Stamps", {"ID": found.id})
    if not _has_server(session.rows(session.admin(f"{stamp_url}/Servers"))):
        server_id = _ensure_server(session, name)
        url = session.admin(entity_url("Servers", {"ID": server_id}))
        _link(session, session.admin(f"{stamp_url}/$links/Servers"), url)
    return found


def _has_server(servers: list[Row]) -> bool:
    return any(reading.whole(row, "ServerType", VMM_SERVER) == VMM_SERVER for row in servers)


def _ensure_server(session: Session, name: str) -> uuid.UUID:
    known = session.rows(session.admin("Servers") + query(filter=filter.eq("Name", name)))
    for row in known:
        if _has_server([row]):
            return reading.own_id(row)
    answer = session.create(session.admin("Servers"), {"Name": name, "ServerType": VMM_SERVER})
    return reading.own_id({"ID": answer.id})


def ensure_tenant(session: Session, order: TenantOrder) -> None:
    """Bring the SPF tenant and its user role to what is ordered."""
    is_new = _ensure_linked(session, order)
    role_url = session.vmm(entity_url("UserRoles", {"ID": order.id}))
    try:
        known = session.row(role_url)
        granted = set() if is_new else _granted(session, order)
        session.merge(role_url, orders.role(order, known, granted))
    except Missing:
        # VMM makes the role in its own time after the tenant was linked.
        raise Throttled("The cloud has not made the tenant's user role yet.") from None


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
    """Return what the role has been granted so far; the role's own row does not tell it."""
    found: set[Resource] = set()
    for kind, name in GRANTED_IN.items():
        url = session.vmm(name) + query(filter=filter.eq("StampId", order.stamp_id))
        for row in session.rows(url):
            id = reading.guid(row, "ID")
            roles = {reading.guid(r, "RoleID") for r in reading.several(row, "GrantedToList")}
            if id is not None and order.id in roles:
                found.add((kind, id))
    return found
