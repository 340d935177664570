"""Host groups: a tree, whose reserves, limits and placement rules hold for every host below."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict, Unpack

from django.db import transaction

from fabric.vmm import roles
from fabric.vmm.actions import fields, rows
from fabric.vmm.errors import Conflict, Invalid
from fabric.vmm.models import HostGroup, Server
from fabric.vmm.placement import inheritance
from fabric.vmm.roles import Caller

RELATIONS = {
    "must": "must",
    "should": "should",
    "must_not": "must not",
    "should_not": "should not",
}
LONGEST_TAG = 64


class Details(TypedDict, total=False):
    """What else a group has; None is what the parent says."""

    parent: HostGroup | None
    reserved_memory_mb: int | None
    reserved_storage_gb: int | None
    cores_per_core: int | None
    slots: int | None
    placement_rules: Iterable[Mapping[str, str]]
    description: str


class Changes(Details, total=False):
    name: str


@transaction.atomic
def add(caller: Caller, server: Server, *, name: str, **details: Unpack[Details]) -> HostGroup:
    """Make a host group, below another or on its own."""
    parent = details.get("parent")
    roles.require_fabric(caller, None if parent is None else [parent.pk])
    _lock_tree(server)
    group = HostGroup(server=server)
    return rows.save(rows.assign(group, {"name": name, **details}, _GROUP))


@transaction.atomic
def change(caller: Caller, group: HostGroup, **values: Unpack[Changes]) -> HostGroup:
    """Change a group, and with it what holds for the hosts below.

    Conflict names a host that would be overfull, and both groups of what would be a ring.
    """
    roles.require_fabric(caller, [group.pk])
    if "parent" in values:
        ends = {group.parent_id, values["parent"] and values["parent"].pk}
        roles.require_fabric(caller, None if None in ends else ends)
    _lock_tree(group.server)
    held = rows.save(rows.assign(rows.held(group), values, _GROUP))
    # The one keyword that was given is the one to blame.
    inheritance.apply(held.server, field=next(iter(values)) if len(values) == 1 else "")
    return held


@transaction.atomic
def remove(caller: Caller, group: HostGroup) -> None:
    """Remove a group that nothing is in or made of."""
    roles.require_fabric(caller, [group.pk])
    _lock_tree(group.server)
    rows.remove(
        group,
        "host group",
        ("host groups", group.children.order_by("name")),
        ("hosts", group.hosts.order_by("name")),
        ("clouds", group.clouds.order_by("name")),
        ("network sites", group.network_sites.order_by("name")),
        ("MAC pools", group.mac_pools.order_by("name")),
        ("user roles", group.roles.order_by("name")),
    )


def _lock_tree(server: Server) -> None:
    """Two changes of one tree could make a ring together."""
    Server.objects.select_for_update(no_key=True).get(pk=server.pk)


def _parent(row: HostGroup, keyword: str, value: HostGroup | None) -> HostGroup | None:
    fields.require_server(row.server, [value], "host group", field=keyword)
    if value is None:
        return None
    if value.pk == row.pk:
        raise Conflict(f"The host group {row} cannot be below itself.", field=keyword)
    if row.pk in inheritance.upwards(value):
        raise Conflict(
            f"The host group {row} cannot be below {value}: {value} is below {row}.",
            field=keyword,
        )
    return value


def _rules(
    row: HostGroup, keyword: str, value: Iterable[Mapping[str, str]]
) -> list[dict[str, str]]:
    """Clean placement rules; two that contradict each other are named."""
    cleaned: list[dict[str, str]] = []
    for plain in value:
        rule = {name: str(plain.get(name, "")).strip() for name in ("tag", "relation", "host_tag")}
        if rule["relation"] not in RELATIONS:
            raise Invalid(
                f"{rule['relation']!r} is no relation of a placement rule of {row}: "
                "it is one of must, should, must_not and should_not.",
                field=keyword,
            )
        for name, what in (("tag", "machines"), ("host_tag", "hosts")):
            if not 0 < len(rule[name]) <= LONGEST_TAG:
                raise Invalid(
                    f"A placement rule of {row} needs a tag of {what} of at most "
                    f"{LONGEST_TAG} characters.",
                    field=keyword,
                )
            fields.text(rule[name], f"A tag of {what} of {row}", field=keyword)
        _require_agreement(row, rule, cleaned, keyword)
        if rule not in cleaned:
            cleaned.append(rule)
    return cleaned


def _require_agreement(
    row: HostGroup, rule: dict[str, str], others: list[dict[str, str]], keyword: str
) -> None:
    for other in others:
        relations = {rule["relation"], other["relation"]}
        is_same = all(rule[n].lower() == other[n].lower() for n in ("tag", "host_tag"))
        if is_same and relations == {"must", "must_not"}:
            raise Invalid(
                f"Two placement rules of {row} contradict each other: machines tagged "
                f"{rule['tag']} must, and must not, be on hosts tagged {rule['host_tag']}.",
                field=keyword,
            )


def _at_least_one(row: HostGroup, keyword: str, value: int | None) -> int | None:
    what = {"cores_per_core": "virtual processors a core", "slots": "jobs at once"}[keyword]
    if value is None:
        return None
    return fields.whole(value, f"The number of {what} of {row}", most=1024, field=keyword)


_GROUP: dict[str, Any] = {
    "name": rows.name("host group"),
    "parent": _parent,
    "reserved_memory_mb": rows.limit("The reserved memory in MB"),
    "reserved_storage_gb": rows.limit("The reserved storage in GB"),
    "cores_per_core": _at_least_one,
    "slots": _at_least_one,
    "placement_rules": _rules,
    "description": rows.prose,
}
