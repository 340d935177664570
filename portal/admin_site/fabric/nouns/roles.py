"""User roles: who is in them, what they may do, where, with what and how much."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from fabric.vmm.actions import userroles
from fabric.vmm.errors import VMMError
from fabric.vmm.models import (
    Cloud,
    GuestProfile,
    HardwareProfile,
    HostGroup,
    ResourceKind,
    RoleProfile,
    RoleResource,
    RoleScope,
    RunAsAccount,
    Server,
    UserRole,
    VirtualHardDisk,
    VirtualMachine,
    VMNetwork,
    VMTemplate,
)
from fabric.vmm.roles import PERMISSIONS, Caller, Grant, ScopeLimits
from portal.admin_site.fabric import cells
from portal.admin_site.fabric.console import Console
from portal.admin_site.fabric.forms import (
    LinesField,
    NounForm,
    Repeated,
    RowField,
    RowsField,
    description,
    limit,
    name,
    of_server,
)
from portal.admin_site.fabric.noun import (
    Actions,
    Column,
    Facet,
    Noun,
    Part,
    count_of,
    kept,
)

# Keyword of the form, kind of the grant, model, key of its noun, title.
RESOURCES: tuple[tuple[str, ResourceKind, Any, str, Promise], ...] = (
    ("templates", ResourceKind.TEMPLATE, VMTemplate, "template", _("VM templates")),
    (
        "hardware_profiles",
        ResourceKind.PROFILE,
        HardwareProfile,
        "hardware-profile",
        _("Hardware profiles"),
    ),
    ("networks", ResourceKind.NETWORK, VMNetwork, "vm-network", _("VM networks")),
    (
        "guest_profiles",
        ResourceKind.GUEST_PROFILE,
        GuestProfile,
        "guest-profile",
        _("Guest profiles"),
    ),
    ("disks", ResourceKind.DISK, VirtualHardDisk, "disk", _("Virtual hard disks")),
    ("accounts", ResourceKind.ACCOUNT, RunAsAccount, "account", _("Run-as accounts")),
)
LIMITS = (
    ("vm_count", _("Machines"), cells.text),
    ("cpu_count", _("Processors"), cells.text),
    ("memory_mb", _("Memory in MB"), cells.memory),
    ("storage_gb", _("Storage in GB"), cells.storage),
    ("points", _("Quota points"), cells.text),
)

OF_CLOUDS = (
    "parent",
    "permissions",
    "most_networks",
    "member_most_networks",
    "scopes",
    *(row[0] for row in RESOURCES),
)


def action_title(permission: str) -> str:
    """Return a permission in words: CreateFromVHDOrTemplate is Create from VHD or template."""
    first, *rest = re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z][a-z]+|[A-Z]+", permission)
    return " ".join([first, *(word if word.isupper() else word.lower() for word in rest)])


def limit_fields() -> dict[str, Any]:
    """Return the makers of a scope's fields: limits of the role, then of each of its members."""
    made: dict[str, Any] = {
        "cloud": lambda: RowField(Cloud, label=_("Cloud"), required=False, empty_label=_("None"))
    }
    for key, title, _shown in LIMITS:
        made[key] = lambda title=title: limit(title)
    for key, title, _shown in LIMITS:
        made[f"member_{key}"] = lambda title=title: limit(_now("%s, a member") % title)
    return made


class RoleForm(NounForm):
    name = name(max_length=320)
    profile = forms.ChoiceField(
        label=_("Profile"),
        choices=RoleProfile.choices,
        initial=RoleProfile.TENANT_ADMIN,
        help_text=_("The first three run or read the fabric, the last two use clouds."),
    )
    description = description()
    members = LinesField(
        label=_("Members"), help_text=_("E-mail addresses or accounts, one a line.")
    )
    parent = RowField(
        UserRole,
        label=_("Inside of"),
        required=False,
        only={"profile": RoleProfile.TENANT_ADMIN},
        empty_label=_("No other role"),
        help_text=_("An application administrator’s role may be inside a tenant administrator’s."),
    )
    host_groups = RowsField(
        HostGroup,
        label=_("Host groups"),
        help_text=_("With all below. Without any, the role has the whole fabric."),
    )
    permissions = forms.MultipleChoiceField(
        label=_("Permitted actions"),
        choices=[(word, action_title(word)) for word in sorted(PERMISSIONS)],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    most_networks = limit(_("Own VM networks, at most"))
    member_most_networks = limit(_("Own VM networks of a member, at most"))
    templates = RowsField(VMTemplate, label=_("VM templates"))
    hardware_profiles = RowsField(HardwareProfile, label=_("Hardware profiles"))
    networks = RowsField(VMNetwork, label=_("VM networks"), only={"owner": None})
    guest_profiles = RowsField(GuestProfile, label=_("Guest profiles"))
    disks = RowsField(VirtualHardDisk, label=_("Virtual hard disks"))
    accounts = RowsField(RunAsAccount, label=_("Run-as accounts"))
    fixed: Sequence[str] = ("profile",)
    groups = (
        (_("For roles of the fabric"), ("host_groups",)),
        (
            _("For roles that use clouds"),
            ("permissions", "most_networks", "member_most_networks"),
        ),
        (_("What it may use"), tuple(row[0] for row in RESOURCES)),
    )
    repeated = (
        Repeated(
            "scopes",
            _("Clouds and quotas"),
            _("Cloud"),
            limit_fields(),
            spare=2,
            help=_(
                "Quotas of the role in each cloud, and of each of its members. Empty is no limit."
            ),
        ),
    )

    def __init__(self, *args: Any, row: Any = None, **kwargs: Any) -> None:
        if row is not None:
            self.fixed = ("profile", *(OF_CLOUDS if row.is_fabric else ("host_groups",)))
        super().__init__(*args, row=row, **kwargs)

    def values_of(self, row: Any) -> dict[str, Any]:
        found = super().values_of(row)
        given: dict[str, list[Any]] = {}
        for kind, pk in row.resources.values_list("kind", "resource_id"):
            given.setdefault(kind, []).append(pk)
        grants = {word: given.get(kind, []) for word, kind, *_rest in RESOURCES}
        return found | {word: rows for word, rows in grants.items() if word in self.fields}

    def sets_of(self, row: Any, name: str) -> list[dict[str, Any]]:
        here = row.scopes.filter(cloud__server=self.console.server).order_by("cloud__name")
        return list(here.values(*limit_fields()))

    def clean(self) -> dict[str, Any]:
        """Ask for the cloud where limits stand without one."""
        typed = super().clean() or {}
        for names in self._sets.get("scopes", ()):
            at = names["cloud"]
            has_limit = any(typed.get(each) is not None for each in names.values() if each != at)
            if has_limit and not typed.get(at):
                self.add_error(at, _now("Choose the cloud that these limits are for."))
        return typed

    def keywords(self) -> dict[str, Any]:
        """Return what the action is called with; what is on other servers stays."""
        words = super().keywords()
        given = [(kind, words.pop(word, ())) for word, kind, *_rest in RESOURCES]
        if "scopes" in words:
            words["scopes"] = [
                ScopeLimits(cloud_id=each.pop("cloud").pk, **each) for each in words["scopes"]
            ]
            words["resources"] = [
                Grant(kind, thing.pk) for kind, things in given for thing in things
            ]
        return words if self.row is None else self.with_elsewhere(words)

    def with_elsewhere(self, words: dict[str, Any]) -> dict[str, Any]:
        """Add what the role has on other servers, which the form does not offer."""
        server = self.console.server
        if "host_groups" in words:
            words["host_groups"] += self.row.host_groups.exclude(server=server)
        if "scopes" in words:
            words["scopes"] += map(limits_of, self.row.scopes.exclude(cloud__server=server))
            words["resources"] += self.resources_elsewhere()
        return words

    def changes(self) -> dict[str, Any]:
        changed = {at.split("-")[0] for at in self.changed_data}
        if changed & {row[0] for row in RESOURCES}:
            changed.add("resources")
        return {name: value for name, value in self.keywords().items() if name in changed}

    def resources_elsewhere(self) -> list[Grant]:
        """Return the grants of the row that the form does not offer."""
        offered = {
            pk
            for _word, _kind, model, *_rest in RESOURCES
            for pk in of_server(model, self.console).values_list("pk", flat=True)
        }
        held = self.row.resources.values_list("kind", "resource_id")
        return [Grant(kind, pk) for kind, pk in held if pk not in offered]

    def refuse(self, refused: VMMError) -> None:
        if refused.field == "resources":
            refused.field = RESOURCES[0][0]
        super().refuse(refused)


def limits_of(scope: RoleScope) -> ScopeLimits:
    """Return a scope as it is asked for."""
    names = [key for key in limit_fields() if key != "cloud"]
    return ScopeLimits(scope.cloud_id, **{key: getattr(scope, key) for key in names})


def add(caller: Caller, server: Server, **words: Any) -> UserRole:
    """Add a role as nouns are added; it belongs to no server."""
    return userroles.add(caller, **words)


class Roles(Noun):
    key, path, section, icon = "role", "roles", "clouds", "users"
    one, many = _("user role"), _("User roles")
    model = UserRole
    server_path = ""
    form = RoleForm
    actions = Actions(add, userroles.change, userroles.remove)
    about = _(
        "Who may do what, in which clouds, up to which quotas, with which templates and networks. "
        "Subscriptions make roles of their own."
    )
    removal = _("It must own no machines and networks any more, and have no role inside it.")
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column("profile", _("Profile"), lambda row: row.get_profile_display(), "profile"),
        Column("members", _("Members"), lambda row: len(row.members), "", "number p2"),
        Column("clouds", _("Clouds"), lambda row: row.clouds_now, "clouds_now", "number p2"),
        Column("machines", _("Machines"), lambda row: row.machines_now, "machines_now", "number"),
        Column(
            "changed", _("Changed"), lambda row: cells.when(row.modified_at), "modified_at", "p3"
        ),
    )
    facets = (Facet("profile", _("Profile"), _("Every profile"), RoleProfile.choices),)

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("parent").annotate(
            clouds_now=count_of(RoleScope, "role"), machines_now=count_of(VirtualMachine, "role")
        )

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        yield kept(
            row,
            (_("Profile"), row.get_profile_display()),
            (_("Inside of"), cells.link("role", row.parent)),
            (_("Machines"), row.machines_now),
            (_("Own VM networks"), cells.no_limit(row.most_networks)),
            (_("Own VM networks of a member"), cells.no_limit(row.member_most_networks)),
        )
        members = (_("Members"), cells.tags(row.members))
        if row.is_fabric:
            groups = row.host_groups.order_by("name")
            held = cells.links("host-group", groups, _("the whole fabric"))
            yield Part(_("Who, and where"), [members, (_("Host groups"), held)])
            return
        may = cells.tags(map(action_title, row.permissions))
        yield Part(_("Who may do what"), [members, (_("Permitted actions"), may)])
        for scope in row.scopes.select_related("cloud").order_by("cloud__name"):
            yield Part(_now("In the cloud %s") % scope.cloud, list(self.limits(scope)))
        yield Part(_("What it may use"), list(self.resources(row)))

    def limits(self, scope: RoleScope) -> Iterable[tuple[Any, Any]]:
        """Yield the limits of a role in a cloud, each with that of a member."""
        for key, title, shown in LIMITS:
            member = getattr(scope, f"member_{key}")
            more = "" if member is None else _now("a member: %s") % shown(member)
            yield title, cells.under(cells.no_limit(getattr(scope, key), shown), more)

    def resources(self, row: UserRole) -> Iterable[tuple[Any, Any]]:
        """Yield what the role was given of each kind. One query a kind."""
        for _word, kind, model, key, title in RESOURCES:
            given = RoleResource.objects.filter(role=row, kind=kind).values("resource_id")
            yield title, cells.links(key, model.objects.filter(pk__in=given).order_by("name"))
