"""Note on an endpoint's row what its account may do there."""

from __future__ import annotations

import uuid
from dataclasses import asdict

from django.utils import timezone

from fabric import registry
from fabric.models import Provider
from fabric.providers.base import AccountCheck
from fabric.providers.errors import ProviderFault
from fabric.vault.errors import VaultLocked

LOCKED = "The configuration store of this server is locked, so the password cannot be read."


def check(provider_id: uuid.UUID | str) -> bool:
    """Ask every service of an endpoint and write down what it said; tell whether all is well.

    An answer about an account that was exchanged meanwhile is not written down.
    """
    row = Provider.objects.filter(pk=provider_id).first()
    if row is None:
        return False
    told = ask(row)
    Provider.objects.filter(pk=row.pk, **row.as_read()).update(
        account_check=[asdict(each) for each in told], checked_at=timezone.now()
    )
    return all(each.ok for each in told)


def ask(row: Provider) -> tuple[AccountCheck, ...]:
    """Return what every service said; also for a row that is not stored yet."""
    try:
        return registry.provider_for(row).check_account()
    except VaultLocked:
        return (AccountCheck("Portal", "", ok=False, problem=LOCKED),)
    except ProviderFault as fault:
        # No client could be made: the address or the authority is none.
        return (AccountCheck("Portal", "", False, fault.message, fault.advice),)
