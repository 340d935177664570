"""Accounts of our own SPF: who may call it, and for what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.db.models import DateTimeField, QuerySet, Value
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from fabric.models import Provider
from fabric.spf import throttle
from fabric.spf.actions import accounts
from fabric.spf.models import Account, Group
from fabric.vmm.roles import Caller
from portal.admin_site.fabric import cells, spf_words
from portal.admin_site.fabric.console import Console
from portal.admin_site.fabric.filters import YES_NO
from portal.admin_site.fabric.forms import NounForm, flag, line, secret
from portal.admin_site.fabric.noun import Actions, Column, Command, Facet, Noun, Part, kept

format_html_lazy = lazy(format_html, SafeString)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
MADE_FOR_YOU = gettext_lazy("At least 12 characters. Left empty, one is made and shown once.")


class GroupsField(forms.MultipleChoiceField):
    """The four groups, each with what it opens."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self) -> None:
        super().__init__(
            choices=[(group, self.explained(group)) for group in spf_words.SERVICES],
            label=gettext_lazy("Groups"),
            required=False,
            initial=accounts.ALL_GROUPS,
            help_text=gettext_lazy("A portal’s own account needs all four."),
        )

    @staticmethod
    def explained(group: str) -> Any:
        """Return a group with what it opens below, in the reader's language."""
        title, opens, _shut = spf_words.SERVICES[group]
        template = '<span><strong>{}</strong> <span class="under">{}: {}</span></span>'
        return format_html_lazy(template, group, title, opens)


class SPFAccountForm(NounForm):
    username = line(
        gettext_lazy("User name"),
        longest=150,
        required=True,
        help_text=gettext_lazy("Without a domain or computer name, a colon or a backslash."),
    )
    password = secret(gettext_lazy("Password"), help_text=MADE_FOR_YOU)
    groups = GroupsField()
    is_vmm_administrator = flag(
        gettext_lazy("Administers VMM"),
        gettext_lazy("Without it VMM shows no cloud, and lets nobody act for a subscription."),
        initial=True,
    )
    is_active = flag(
        gettext_lazy("Active"),
        gettext_lazy("Calls with an account that is not active are refused."),
        initial=True,
    )
    secrets = ("password",)
    fixed = ("username", "password")


class PasswordForm(NounForm):
    """A new password alone."""

    password = secret(gettext_lazy("New password"), help_text=MADE_FOR_YOU)
    secrets = ("password",)


def change(caller: Caller, row: Account, **words: Any) -> Account:
    """Change an account, unless that locks out what signs in with it."""
    return accounts.change_account(row.username, used_by=used_by(row), **words)


def remove(caller: Caller, row: Account) -> None:
    """Remove an account, unless that locks out what signs in with it."""
    accounts.remove_account(row.username, used_by=used_by(row))


def add(caller: Caller, here: Any, **words: Any) -> Account:
    """Make an account; it belongs to no VMM server."""
    return accounts.create_account(**words)


def used_by(row: Account) -> list[str]:
    return spf_words.names(endpoints(row))


def state(row: Account, shape: str = "", lacks: int = 0) -> SafeString:
    """Return whether it may sign in, and how much it lacks that is needed: dot and word."""
    if not row.is_active:
        return cells.state("suspended", _("Disabled"), shape, "bad" if lacks else "idle")
    if lacks:
        label = ngettext("Lacks %(n)d thing", "Lacks %(n)d things", lacks) % {"n": lacks}
        return cells.state("problem", label, shape, "warn")
    if not row.groups:
        return cells.state("idle", _("In no group"), shape)
    return cells.state("active", _("Active"), shape)


def found_missing(row: Account) -> list[spf_words.Finding]:
    return spf_words.missing(row, endpoints(row))


def needed(findings: Iterable[spf_words.Finding]) -> int:
    """Return how many of the things that an account lacks somebody needs."""
    return sum(bool(finding.tone) for finding in findings)


def endpoints(row: Account) -> list[Provider]:
    """Return the endpoints registered here that sign in with it; asked for once a page."""
    if not hasattr(row, "_endpoints"):
        row._endpoints = spf_words.users([row])[row.username]
    return row._endpoints


def groups(row: Account) -> Any:
    """Return its groups, in the order of the services."""
    return cells.tags(group for group in spf_words.SERVICES if row.has(group))


def last_used(row: Account) -> Any:
    return cells.when(row.last_seen_at) if row.last_seen_at else _("never")


class SPFAccounts(Noun):
    key, path, section, icon = "spf-account", "spf/accounts", "spf", "key-round"
    one, many = gettext_lazy("SPF account"), gettext_lazy("SPF accounts")
    tab_title = gettext_lazy("Accounts")
    model = Account
    server_path = ""
    needs_server = False
    own_names = ("fabric-spf-account-password", "fabric-spf-account-do")
    form = SPFAccountForm
    actions = Actions(add, change, remove)
    search = ("username",)
    search_title = gettext_lazy("User name")
    default_sort = "name"
    show_template = "admin_site/fabric/spf/account.html"
    about = gettext_lazy(
        "A user name with a password that portals, scripts and billing call the built-in SPF with. "
        "Its groups say which services answer."
    )
    help = about
    removal = gettext_lazy("Whatever calls with it is refused from then on.")
    columns = (
        Column("name", gettext_lazy("User name"), lambda row: row.username, "username"),
        Column("state", gettext_lazy("State"), state, "is_active"),
        Column("groups", gettext_lazy("Groups"), groups, "", "p2"),
        Column(
            "administers",
            gettext_lazy("Administers VMM"),
            lambda row: cells.yes(row.is_vmm_administrator),
            "is_vmm_administrator",
            "p3",
        ),
        Column("used", gettext_lazy("Last used"), last_used, "seen_sort", "nowrap"),
    )
    facets = (
        Facet(
            "group",
            gettext_lazy("Group"),
            gettext_lazy("Every group"),
            [(group.value, group.value) for group in Group],
            lookup="groups__contains",
        ),
        Facet("is_active", gettext_lazy("Active"), gettext_lazy("Active or not"), YES_NO),
        Facet(
            "is_vmm_administrator",
            gettext_lazy("Administers VMM"),
            gettext_lazy("Administers VMM or not"),
            YES_NO,
        ),
    )

    def find(self, console: Console) -> QuerySet[Any]:
        """Return all accounts: only operators come here."""
        never = Value(NEVER, output_field=DateTimeField())
        return Account.objects.annotate(seen_sort=Coalesce("last_seen_at", never))

    def state(self, row: Account) -> Any:
        return state(row, "badge", needed(found_missing(row)))

    def commands(self, row: Account, console: Console) -> list[Command]:
        there = reverse("fabric-spf-account-do", args=[row.pk])
        password = reverse("fabric-spf-account-password", args=[row.pk])
        verb, title, icon = (
            ("disable", _("Disable"), "ban") if row.is_active else ("enable", _("Enable"), "check")
        )
        return [
            Command(_("New password"), "key-round", password),
            Command(title, icon, there, "post", name="verb", value=verb),
        ]

    def parts(self, row: Account, console: Console) -> Iterable[Part]:
        yield Part(
            _("Use"),
            [
                (_("Last used"), last_used(row)),
                (_("Refused lately"), refused_lately(row)),
                (_("Signs in with it"), signs_in(endpoints(row))),
                (_("Password"), _("stored as a hash, never shown")),
            ],
        )
        yield kept(row)

    def show_context(self, row: Account, console: Console) -> dict[str, Any]:
        found = found_missing(row)
        return {
            "doors": spf_words.doors(row),
            "missing": [*found, *spf_words.behind()],
            "edit_url": reverse(self.edit_name, args=[row.pk]),
        }

    def warnings(self, row: Account) -> list[str]:
        return [
            _("The endpoint %s signs in with it: its VMM servers are away from then on.") % endpoint
            for endpoint in endpoints(row)
        ]


def refused_lately(row: Account) -> Any:
    """Return how often its name came with a wrong password within a day."""
    told = throttle.lately(row.username)
    if told is None:
        return _("not within a day")
    times = ngettext("%(n)d time", "%(n)d times", told.number) % {"n": told.number}
    last = format_html("{} {}", _("last from %s,") % told.last_from, cells.when(told.last_at))
    return cells.under(_("%s within a day") % times, last)


def signs_in(users: Sequence[Provider]) -> Any:
    """Return the ways to the endpoints that use it."""
    if not users:
        return _("no endpoint registered here")
    links = [
        format_html('<a href="{}">{}</a>', reverse("provider", args=[each.pk]), each.name)
        for each in users
    ]
    return SafeString(", ".join(links))
