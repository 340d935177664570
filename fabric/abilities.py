"""Why a feature is off: what a stamp's endpoint said it cannot do, from our rows alone."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from fabric.models import Provider
from fabric.providers.abilities import ABSENT, Description

assert set(ABSENT) == Description(frozenset()).lacks
# So that translators find them.
_TOLD = (
    gettext_noop("This SPF tells how far a job is, but not its steps."),
    gettext_noop("This VMM does not tell load."),
    gettext_noop("This SPF gives no consoles; connect over the network instead."),
    gettext_noop("This SPF knows no checkpoints."),
    gettext_noop(
        "This SPF does not tell the addresses of network adapters; the guest itself is asked."
    ),
    gettext_noop("This SPF does not tell when a machine was changed, so all are read every time."),
    gettext_noop("This SPF makes no copies of machines."),
    gettext_noop("This SPF makes no machines from checkpoints."),
    gettext_noop("This SPF cannot rebuild a machine; delete it and make it again."),
    gettext_noop("This SPF adds no empty disks, only copies of disks of the library."),
    gettext_noop("This SPF takes no SSH keys."),
    gettext_noop("This SPF takes no user data."),
    gettext_noop("This SPF takes no fixed addresses; the network's pool gives one."),
    gettext_noop("This SPF takes no organizational unit; the domain has a default one."),
    gettext_noop(
        "This SPF knows one role for a whole subscription, so only the portal holds what members "
        "may do."
    ),
)
assert set(_TOLD) == set(ABSENT.values())


def why_not(provider: Provider, ability: str) -> str:
    """Return the reason why an endpoint cannot do something, "" where it can or was never asked."""
    if provider.abilities_read_at is None or not isinstance(provider.capabilities, dict):
        return ""
    described = Description.from_json(provider.capabilities)
    return _(ABSENT[ability]) if ability in described.lacks else ""
