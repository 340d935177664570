"""What an account of SPF may do and what it lacks, in words: the groups, the right in VMM, what
stands behind the doors, and what signs in with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric.models import Provider
from fabric.spf import readiness
from fabric.spf.models import Account, Group, ServerType, Stamp
from fabric.vmm.models import Server

# Of each group: the service it opens, what that is good for, what is closed without it.
SERVICES: dict[str, tuple[Any, Any, Any]] = {
    Group.ADMIN: (
        gettext_lazy("Admin service"),
        gettext_lazy("Registers VMM servers and tenants."),
        gettext_lazy("A portal can register no VMM server, and make no tenant for a subscription."),
    ),
    Group.VMM: (
        gettext_lazy("VMM service"),
        gettext_lazy("Reads clouds and templates, makes and runs machines."),
        gettext_lazy("A portal sees no cloud, and can make no machine."),
    ),
    Group.PROVIDER: (
        gettext_lazy("Provider service"),
        gettext_lazy("Announces plans and subscriptions."),
        gettext_lazy("Announcements of subscriptions and quotas are refused."),
    ),
    Group.USAGE: (
        gettext_lazy("Usage service"),
        gettext_lazy("Reads usage records."),
        gettext_lazy("Billing cannot read usage records."),
    ),
}


@dataclass(frozen=True)
class Finding:
    """Something that is missing: what it closes, and what helps.

    `tone` is bad where nothing works, warn where somebody needs it, "" where it may be on purpose.
    """

    title: str
    closes: str
    advice: str = ""
    tone: str = "warn"


@dataclass(frozen=True)
class Door:
    """A service or a right, and whether the account has it."""

    title: Any
    needs: str
    is_open: bool
    said: Any


def doors(account: Account) -> list[Door]:
    """Return what the account may do and what it may not, one service after the other."""
    found = [
        Door(title, group, account.has(group), opens if account.has(group) else shut)
        for group, (title, opens, shut) in SERVICES.items()
    ]
    said = (
        _("Sees all clouds, and acts for every subscription.")
        if account.is_vmm_administrator
        else NO_RIGHTS
    )
    right = Door(_("Rights in VMM"), _("Administrator"), account.is_vmm_administrator, said)
    return [*found[:2], right, *found[2:]]


NO_RIGHTS = gettext_lazy("VMM shows it no cloud, and lets it act for no subscription.")


def missing(account: Account, users: Sequence[Provider]) -> list[Finding]:
    """Return what the account itself lacks. Only what signs in with it from here needs all of it:
    billing, say, may well have a group of its own and no more."""
    found, tone = [], "warn" if users else ""
    if not account.is_active:
        found.append(
            Finding(
                _("It is disabled."),
                _("Every call with it is refused as if its password were wrong."),
                _("Enable it."),
                tone="bad" if users else "",
            )
        )
    for group, (_title, _opens, shut) in SERVICES.items():
        if not account.has(group):
            found.append(
                Finding(
                    _("It is not in %s.") % group,
                    str(shut),
                    _("Edit the account and add the group %s.") % group,
                    tone,
                )
            )
    if account.has(Group.VMM) and not account.is_vmm_administrator:
        found.append(
            Finding(
                _("It does not administer VMM."),
                str(NO_RIGHTS),
                _("Edit the account and give it the right in VMM."),
                tone,
            )
        )
    return found


def behind() -> list[Finding]:
    """Return what is missing behind the doors, whoever calls. Four queries and the database's."""
    found = [
        Finding(problem, _("No call can be answered well."), tone="bad")
        for problem in readiness.problems()
    ]
    stamps = list(Stamp.objects.prefetch_related("servers").order_by("name"))
    if not stamps:
        return [
            *found,
            Finding(
                _("SPF knows no stamp."),
                _("The VMM service is empty for everybody."),
                _("Register a VMM server with the endpoint, under VM clouds."),
            ),
        ]
    known = {name.lower() for name in Server.objects.values_list("name", flat=True)}
    return found + [each for stamp in stamps if (each := unlinked(stamp, known)) is not None]


def unlinked(stamp: Stamp, known: Iterable[str]) -> Finding | None:
    """Return what is wrong with a stamp: no VMM server, or one that does not exist."""
    linked = [each for each in stamp.servers.all() if each.server_type == ServerType.VMM]
    if not linked:
        return Finding(
            _("The stamp %s has no VMM server.") % stamp,
            _("Its clouds and machines are shown to nobody."),
            _("Register the VMM server with the endpoint again, under VM clouds."),
        )
    gone = [each.name for each in linked if each.name.lower() not in known]
    if not gone:
        return None
    return Finding(
        _("The VMM server %(server)s of the stamp %(stamp)s does not exist.")
        % {"server": ", ".join(gone), "stamp": stamp},
        _("Its clouds and machines are shown to nobody."),
        _("Make a VMM server of that name under Fabric overview, or unlink it from the stamp."),
    )


def users(accounts: Iterable[Account]) -> dict[str, list[Provider]]:
    """Return the endpoints registered here that sign in with an account, by its name.

    An endpoint leads to our SPF when its address says so, or when it knows one of our stamps.
    Three queries.
    """
    ours = {str(pk) for pk in Stamp.objects.values_list("pk", flat=True)}
    found: dict[str, list[Provider]] = {account.username: [] for account in accounts}
    rows = Provider.objects.filter(username__in=found).prefetch_related("stamps")
    for row in rows:
        if leads_here(row, ours):
            found[row.username].append(row)
    return found


def account_of(endpoint: Provider) -> Account | None:
    """Return the account that an endpoint signs in with, if that is one of ours."""
    account = Account.objects.filter(username=endpoint.username).first()
    return (
        account if account is not None and endpoint in users([account])[account.username] else None
    )


def leads_here(endpoint: Provider, ours: set[str]) -> bool:
    told = endpoint.capabilities if isinstance(endpoint.capabilities, dict) else {}
    known = {str(stamp.get("id")) for stamp in told.get("stamps", ()) if isinstance(stamp, dict)}
    known |= {str(stamp.pk) for stamp in endpoint.stamps.all()}
    return endpoint.url == settings.SPF_URL or bool(known & ours)


def names(endpoints: Sequence[Provider]) -> list[str]:
    return [_("the endpoint %s") % endpoint.name for endpoint in endpoints]
