"""Host groups: a tree, whose reserves, limits and placement rules hold for every host below."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from fabric.vmm.actions import groups
from fabric.vmm.models import Host, HostGroup
from fabric.vmm.placement.inheritance import DEFAULTS
from portal.admin_site.fabric import cells
from portal.admin_site.fabric.console import Console
from portal.admin_site.fabric.forms import (
    LinesField,
    NounForm,
    RowField,
    description,
    limit,
    name,
)
from portal.admin_site.fabric.noun import Actions, Column, Noun, Part, Related, count_of, kept


@dataclass(frozen=True)
class Rule:
    """A setting that hosts inherit from their groups."""

    key: str
    title: Any
    short: Any
    shown: Any


RULES = (
    Rule("reserved_memory_mb", _("Memory kept free"), _("Memory kept free"), cells.memory),
    Rule("reserved_storage_gb", _("Storage kept free"), _("Storage kept free"), cells.storage),
    Rule("cores_per_core", _("Virtual processors per core"), _("Processors per core"), cells.text),
    Rule("slots", _("Heavy jobs at once"), _("Jobs at once"), cells.text),
)


@dataclass(frozen=True)
class Branch:
    """A group as the tree shows it."""

    group: Any
    depth: int
    above: str
    settings: list[Any]


class Tree:
    """The groups of a server, read once; says which group a setting comes from."""

    def __init__(self, server_id: Any, rows: Iterable[HostGroup] | None = None) -> None:
        every = HostGroup.objects.filter(server=server_id) if rows is None else rows
        self.groups: dict[Any, Any] = {group.pk: group for group in every}

    def said(self, rule: Rule, group: HostGroup | None, own: Any = None) -> str:
        """Return what holds, and where it comes from unless it is said here."""
        if own is not None:
            return str(rule.shown(own))
        above = None if group is None else self.groups.get(group.pk, group)
        while above is not None:
            value = getattr(above, rule.key)
            if value is not None:
                return _now("%(value)s (from %(group)s)") % {
                    "value": rule.shown(value),
                    "group": above.name,
                }
            above = self.groups.get(above.parent_id)
        return _now("%(value)s (by default)") % {"value": rule.shown(DEFAULTS[rule.key])}

    def settings(self, group: HostGroup) -> list[str]:
        """Return what holds for the hosts of a group, in the order of RULES."""
        above = self.groups.get(group.parent_id)
        return [self.said(rule, above, getattr(group, rule.key)) for rule in RULES]

    def branches(self) -> Iterable[Branch]:
        """Yield the groups from the top, each before those below it, by name."""
        below: dict[Any, list[Any]] = {}
        for group in sorted(self.groups.values(), key=lambda each: each.name.casefold()):
            above = group.parent_id if group.parent_id in self.groups else None
            below.setdefault(above, []).append(group)
        waiting = [(group, 0) for group in reversed(below.get(None, []))]
        while waiting:
            group, depth = waiting.pop()
            above = self.groups.get(group.parent_id)
            yield Branch(group, depth, above.name if above else "", self.settings(group))
            waiting += [(each, depth + 1) for each in reversed(below.get(group.pk, []))]


class RulesField(LinesField):
    """Placement rules: a tag of machines, a relation and a tag of hosts, one rule a line."""

    def shown(self, value: Any) -> str:
        if not isinstance(value, Mapping):
            return str(value)
        return f"{value['tag']} {value['relation']} {value['host_tag']}"

    def read(self, line: str) -> Any:
        for relation in sorted(groups.RELATIONS, key=len, reverse=True):
            tag, found, host_tag = line.partition(f" {relation} ")
            if found:
                return {"tag": tag.strip(), "relation": relation, "host_tag": host_tag.strip()}
        raise forms.ValidationError(
            _now("“%s” is no rule such as: database must ssd") % line, code="rule"
        )


class HostGroupForm(NounForm):
    name = name()
    description = description()
    parent = RowField(
        HostGroup, label=_("Below"), required=False, empty_label=_("Nothing: at the top")
    )
    reserved_memory_mb = limit(_("Memory kept free on each host, in MB"))
    reserved_storage_gb = limit(_("Storage kept free on each host, in GB"))
    cores_per_core = limit(_("Virtual processors per core"), least=1)
    slots = limit(_("Heavy jobs at once on a host"), least=1)
    placement_rules = RulesField(
        label=_("Placement rules"),
        help_text=_(
            "One a line: a tag of machines, then must, should, must_not or should_not, then a tag "
            "of hosts; such as: database must ssd. The rules of the groups above hold as well."
        ),
    )
    groups = (
        (
            _("What holds for its hosts"),
            (
                "reserved_memory_mb",
                "reserved_storage_gb",
                "cores_per_core",
                "slots",
                "placement_rules",
            ),
        ),
    )
    helps = {_("What holds for its hosts"): _("What is left empty is what the group above says.")}


class HostGroups(Noun):
    key, path, section, icon = "host-group", "host-groups", "hosts", "layers"
    one, many = _("host group"), _("Host groups")
    model = HostGroup
    form = HostGroupForm
    actions = Actions(groups.add, groups.change, groups.remove)
    list_template = "admin_site/fabric/host_groups.html"
    about = _(
        "Hosts belong to groups, and groups to each other: a tree. What a group keeps free holds "
        "for all below it."
    )
    removal = _("It must have no hosts and no groups below it, and no cloud may be made of it.")
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column("parent", _("Below"), lambda row: cells.link("host-group", row.parent), "", "p2"),
        Column("hosts", _("Hosts"), lambda row: row.hosts_now, "hosts_now", "number"),
    )
    related = (
        Related("host", "group"),
        Related("host-group", "parent", _("Groups below")),
        Related("cloud", "host_groups", may_add=False),
    )

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("parent").annotate(hosts_now=count_of(Host, "group"))

    def list_context(self, console: Console) -> dict[str, Any]:
        """Return the whole tree; it is what the list shows until somebody filters it."""
        server = console.server
        tree = Tree(server and server.pk, self.queryset(console))
        return {"branches": list(tree.branches()), "rules": RULES}

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        tree = Tree(row.server_id)
        settings = zip(RULES, tree.settings(row), strict=True)
        yield Part(_("What holds for its hosts"), [(rule.title, said) for rule, said in settings])
        lines = list(self.rules(row, tree))
        if lines:
            yield Part(_("Placement rules"), lines)
        yield kept(
            row, (_("Below"), cells.link("host-group", row.parent)), (_("Hosts"), row.hosts_now)
        )

    def rules(self, row: Any, tree: Tree) -> Iterable[tuple[Any, Any]]:
        """Yield the placement rules of the group and of those above it."""
        group = row
        while group is not None:
            for rule in group.placement_rules:
                words = f"{rule['tag']} {groups.RELATIONS[rule['relation']]} {rule['host_tag']}"
                yield _now("from %s") % group.name if group is not row else _("here"), words
            group = tree.groups.get(group.parent_id)
