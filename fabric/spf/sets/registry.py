"""The Admin service's sets but those of tenants: stamps, servers, data centers, settings."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import QuerySet

from fabric.odata.literals import Value
from fabric.spf.actions import settings, stamps
from fabric.spf.models import DataCenter, ServerEntry, SpfSetting, Stamp, Tenant
from fabric.spf.schema import Create, Join, Link, Resource, Row, Table, Update, Written, names
from fabric.spf.scope import Scope
from fabric.spf.sets.columns import pairs, plain
from fabric.spf.sets.tenants import SETS as TENANT_SETS
from fabric.spf.sets.tenants import STAMP_LINK, named


def _stamps(scope: Scope) -> QuerySet[Any]:
    return Stamp.objects.order_by("name")


def _servers(scope: Scope) -> QuerySet[Any]:
    return ServerEntry.objects.order_by("name")


def _server(scope: Scope, entry: ServerEntry) -> Row:
    return {"ID": entry.pk, "Name": entry.name, "ServerType": entry.server_type}


def _setting(scope: Scope, setting: SpfSetting) -> Row:
    return {
        "ID": setting.pk,
        "Name": setting.name,
        "SettingType": setting.setting_type,
        "Value": settings.told_value(setting),
    }


def _to_one(rows: Any, field: str) -> tuple[Any, Any]:
    """How a foreign key is followed there and back."""

    def there(scope: Scope, ids: Collection[Value]) -> Iterable[tuple[Value, Value]]:
        found = rows.filter(pk__in=ids, **{f"{field}__isnull": False})
        return list(found.values_list("pk", field))

    def back(scope: Scope, ids: Collection[Value]) -> Iterable[tuple[Value, Value]]:
        found = rows.filter(**{f"{field}__in": ids}).order_by("name")
        return list(found.values_list(field, "pk"))

    return there, back


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


def _update_server(scope: Scope, entry: ServerEntry, body: Row) -> None:
    stamps.change_server(entry, body.get("Name"), body.get("ServerType"))


def _delete_server(scope: Scope, entry: ServerEntry) -> None:
    stamps.remove_server(entry)


def _create_data_center(scope: Scope, body: Row) -> Written:
    return Written(stamps.create_data_center(body["Name"], body.get("ID")))


def _update_data_center(scope: Scope, data_center: DataCenter, body: Row) -> None:
    if "Name" in body:
        stamps.rename_data_center(data_center, body["Name"])


def _delete_data_center(scope: Scope, data_center: DataCenter) -> None:
    stamps.remove_data_center(data_center)


def _create_setting(scope: Scope, body: Row) -> Written:
    made = settings.create_setting(body["Name"], body["SettingType"], body["Value"], body.get("ID"))
    return Written(made)


def _update_setting(scope: Scope, setting: SpfSetting, body: Row) -> None:
    settings.change_setting(
        setting,
        name=body.get("Name"),
        setting_type=body.get("SettingType"),
        value=body.get("Value"),
    )


def _delete_setting(scope: Scope, setting: SpfSetting) -> None:
    settings.remove_setting(setting)


_data_center_of, _stamps_in = _to_one(Stamp.objects, "data_center")
_server_of, _settings_of = _to_one(SpfSetting.objects, "server")
_SERVERS_OF = ServerEntry.stamps.through
_TENANTS_OF = Tenant.stamps.through

_server_link = Link(
    add=lambda scope, stamp, entry: stamps.link_server(stamp, entry),
    remove=lambda scope, stamp, entry: stamps.unlink_server(stamp, entry),
)
_data_center_link = Link(
    add=lambda scope, stamp, center: stamps.put_into(center, stamp),
    remove=lambda scope, stamp, center: stamps.take_from(center, stamp),
)
_setting_link = Link(
    add=lambda scope, entry, setting: settings.give_to(entry, setting),
    remove=lambda scope, entry, setting: settings.take_from(entry, setting),
)

SETS = (
    Resource(
        name="Stamps",
        sources=(Table(_stamps, named, plain(ID="pk", Name="name")),),
        joins={
            "Servers": Join("ID", "ID", pairs(_SERVERS_OF, "stamp", "serverentry")),
            "Tenants": Join("ID", "ID", pairs(_TENANTS_OF, "stamp", "tenant")),
            "DataCenter": Join("ID", "ID", _data_center_of),
        },
        create=Create(_create_stamp, takes=names("ID Name"), requires=("Name",)),
        update=Update(_update_stamp, takes=names("Name")),
        delete=_delete_stamp,
        links={
            "Servers": _server_link,
            "Tenants": STAMP_LINK.back,
            "DataCenter": _data_center_link,
        },
    ),
    Resource(
        name="Servers",
        sources=(Table(_servers, _server, plain(ID="pk", Name="name", ServerType="server_type")),),
        joins={
            "Stamps": Join("ID", "ID", pairs(_SERVERS_OF, "serverentry", "stamp")),
            "SpfSettings": Join("ID", "ID", _settings_of),
        },
        create=Create(_create_server, takes=names("ID Name ServerType"), requires=("Name",)),
        update=Update(_update_server, takes=names("Name ServerType")),
        delete=_delete_server,
        links={"Stamps": _server_link.back, "SpfSettings": _setting_link},
    ),
    Resource(
        name="DataCenters",
        sources=(
            Table(
                lambda scope: DataCenter.objects.order_by("name"),
                named,
                plain(ID="pk", Name="name"),
            ),
        ),
        joins={"Stamps": Join("ID", "ID", _stamps_in)},
        create=Create(_create_data_center, takes=names("ID Name"), requires=("Name",)),
        update=Update(_update_data_center, takes=names("Name")),
        delete=_delete_data_center,
        links={"Stamps": _data_center_link.back},
    ),
    Resource(
        name="SpfSettings",
        sources=(
            Table(
                lambda scope: SpfSetting.objects.order_by("name"),
                _setting,
                plain(ID="pk", Name="name", SettingType="setting_type"),
            ),
        ),
        joins={"Server": Join("ID", "ID", _server_of)},
        create=Create(
            _create_setting,
            takes=names("ID Name SettingType Value"),
            requires=("Name", "SettingType", "Value"),
        ),
        update=Update(_update_setting, takes=names("Name SettingType Value")),
        delete=_delete_setting,
        links={"Server": _setting_link.back},
    ),
    *TENANT_SETS,
)
