"""Run-as accounts: credentials that VMM uses on somebody's behalf."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _

from fabric.vmm.actions import accounts
from fabric.vmm.models import RunAsAccount
from portal.admin_site.fabric import cells
from portal.admin_site.fabric.console import Console
from portal.admin_site.fabric.filters import YES_NO
from portal.admin_site.fabric.forms import NounForm, description, flag, line, name, secret
from portal.admin_site.fabric.noun import Actions, Column, Facet, Noun, Part, kept
from portal.admin_site.fabric.nouns.library import usable


class RunAsAccountForm(NounForm):
    name = name()
    description = description()
    username = line(_("User name"), longest=104, required=True)
    domain = line(_("Domain"), help_text=_("Left empty, it is a local account."))
    password = secret(_("Password"))
    is_enabled = flag(_("Enabled"), initial=True)
    secrets = ("password",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.row is None:
            self.fields["password"].required = True
        else:
            self.fields["password"].help_text = _(
                "Left empty, the stored one stays. Another user or domain needs its own."
            )


class RunAsAccounts(Noun):
    key, path, section, icon = "account", "accounts", "clouds", "key-round"
    one, many = _("run-as account"), _("Run-as accounts")
    model = RunAsAccount
    form = RunAsAccountForm
    actions = Actions(accounts.add, accounts.change, accounts.remove)
    search = ("name", "username", "domain")
    search_title = _("Name, user or domain")
    about = _(
        "A user name with its password, stored encrypted, that VMM uses on somebody’s behalf."
    )
    removal = _("Its password is forgotten, and roles that may use it lose it.")
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column("user", _("User name"), lambda row: row.username, "username"),
        Column("domain", _("Domain"), lambda row: cells.text(row.domain), "domain", "p2"),
        Column("enabled", _("State"), usable, "is_enabled"),
        Column(
            "changed", _("Changed"), lambda row: cells.when(row.modified_at), "modified_at", "p2"
        ),
    )
    facets = (Facet("is_enabled", _("Enabled"), _("Enabled or not"), YES_NO),)

    def state(self, row: Any) -> Any:
        return usable(row, "badge")

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        yield Part(
            _("Account"),
            [
                (_("User name"), row.username),
                (_("Domain"), cells.text(row.domain)),
                (_("Password"), _("stored encrypted, never shown")),
            ],
        )
        yield kept(row)
