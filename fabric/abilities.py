"""Why a feature is off: what a stamp's endpoint said it cannot do, from our rows alone."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from fabric.models import Provider
from fabric.providers.abilities import ABSENT, Description

assert set(ABSENT) == Description(frozenset()).lacks
# So that translators find them.
gettext_noop("This VMM does not tell load.")
gettext_noop("This SPF tells how far a job is, but not its steps.")


def why_not(provider: Provider, ability: str) -> str:
    """Return the reason why an endpoint cannot do something, "" where it can or was never asked."""
    if provider.abilities_read_at is None or not isinstance(provider.capabilities, dict):
        return ""
    described = Description.from_json(provider.capabilities)
    return _(ABSENT[ability]) if ability in described.lacks else ""
