"""The Admin service's sets: stamps, servers, tenants, and the links between them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import QuerySet

from fabric.odata.literals import Value
from fabric.spf.actions import stamps, tenants
from fabric.spf.models import ServerEntry, Stamp, Tenant
from fabric.spf.schema import Create, Join, Link, Resource, Row, Table, Update, Written, names
from fabric.spf.scope import Scope
from fabric.spf.sets.columns import plain


def _stamps(scope: Scope) -> QuerySet[Any]:
    return Stamp.objects.order_by("name")


def _stamp(scope: Scope, stamp: Stamp) -> Row:
    return {"ID": stamp.pk, "Name": stamp.name}


def _servers(scope: Scope) -> QuerySet[Any]:
    return ServerEntry.objects.order_by("name")


def _server(scope: Scope, entry: ServerEntry) -> Row:
    return {"ID": entry.pk, "Name": entry.name, "ServerType": entry.server_type}


def _tenants(scope: Scope) -> QuerySet[Any]:
    return Tenant.objects.order_by("name")


def _tenant(scope: Scope, tenant: Tenant) -> Row:
    return {
        "ID": tenant.pk,
        "Name": tenant.name,
        "AccountStatus": tenant.account_status,
        "IssuerName": tenant.issuer_name or None,
        "Key": tenant.key or None,
    }


def _pairs(through: Any, here: str, there: str) -> Any:
    def read(scope: Scope, values: Collection[Value]) -> Iterable[tuple[Value, Value]]:
        rows = through.objects.filter(**{f"{here}__in": values}).order_by("pk")
        return list(rows.values_list(here, there))

    return read


def _create_stamp(scope: Scope, body: Row) -> Written:
    return Written(stamps.create_stamp(body["Name"], body.get("ID")))


def _update_stamp(scope: Scope, stamp: Stamp, body: Row) -> None:
    if "Name" in body:
        stamps.rename_stamp(stamp, body["Name"])


def _delete_stamp(scope: Scope, stamp: Stamp) -> None:
    stamps.remove_stamp(stamp)


def _create_server(scope: Scope, body: Row) -> Written:
    entry = stamps.create_server(body["Name"], body.get("ServerType", 0), body.get("ID"))
    return Written(entry)


def _delete_server(scope: Scope, entry: ServerEntry) -> None:
    stamps.remove_server(entry)


def _create_tenant(scope: Scope, body: Row) -> Written:
    made = tenants.create_tenant(
        body["Name"],
        body.get("SubscriptionID") or body.get("ID"),
        account_status=body.get("AccountStatus", 0),
        key=body.get("Key", ""),
        issuer_name=body.get("IssuerName", ""),
    )
    return Written(made)


def _update_tenant(scope: Scope, tenant: Tenant, body: Row) -> None:
    tenants.change_tenant(
        tenant,
        name=body.get("Name"),
        account_status=body.get("AccountStatus"),
        key=body.get("Key"),
        issuer_name=body.get("IssuerName"),
    )


def _delete_tenant(scope: Scope, tenant: Tenant) -> None:
    tenants.remove_tenant(tenant)


_SERVERS_OF = ServerEntry.stamps.through
_TENANTS_OF = Tenant.stamps.through

_server_link = Link(
    add=lambda scope, stamp, entry: stamps.link_server(stamp, entry),
    remove=lambda scope, stamp, entry: stamps.unlink_server(stamp, entry),
)
_stamp_of_server = Link(
    add=lambda scope, entry, stamp: stamps.link_server(stamp, entry),
    remove=lambda scope, entry, stamp: stamps.unlink_server(stamp, entry),
)
_tenant_link = Link(
    add=lambda scope, stamp, tenant: tenants.assign(tenant, stamp),
    remove=lambda scope, stamp, tenant: tenants.withdraw(tenant, stamp),
)
_stamp_of_tenant = Link(
    add=lambda scope, tenant, stamp: tenants.assign(tenant, stamp),
    remove=lambda scope, tenant, stamp: tenants.withdraw(tenant, stamp),
)

SETS = (
    Resource(
        name="Stamps",
        sources=(Table(_stamps, _stamp, plain(ID="pk", Name="name")),),
        joins={
            "Servers": Join("ID", "ID", _pairs(_SERVERS_OF, "stamp", "serverentry")),
            "Tenants": Join("ID", "ID", _pairs(_TENANTS_OF, "stamp", "tenant")),
        },
        create=Create(_create_stamp, takes=names("ID Name"), requires=("Name",)),
        update=Update(_update_stamp, takes=names("Name")),
        delete=_delete_stamp,
        links={"Servers": _server_link, "Tenants": _tenant_link},
    ),
    Resource(
        name="Servers",
        sources=(Table(_servers, _server, plain(ID="pk", Name="name", ServerType="server_type")),),
        joins={"Stamps": Join("ID", "ID", _pairs(_SERVERS_OF, "serverentry", "stamp"))},
        create=Create(_create_server, takes=names("ID Name ServerType"), requires=("Name",)),
        delete=_delete_server,
        links={"Stamps": _stamp_of_server},
    ),
    Resource(
        name="Tenants",
        sources=(
            Table(_tenants, _tenant, plain(ID="pk", Name="name", AccountStatus="account_status")),
        ),
        joins={"Stamps": Join("ID", "ID", _pairs(_TENANTS_OF, "tenant", "stamp"))},
        create=Create(
            _create_tenant,
            takes=names("ID SubscriptionID Name AccountStatus Key IssuerName"),
            requires=("Name",),
        ),
        update=Update(_update_tenant, takes=names("Name AccountStatus Key IssuerName")),
        delete=_delete_tenant,
        links={"Stamps": _stamp_of_tenant},
    ),
)
