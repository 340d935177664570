"""Issue, find and revoke API keys. The key itself is shown once; the database has a digest."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants import places, rights, second_factor
from tenants.actions import operations
from tenants.errors import NotPermitted, Refused
from tenants.models import ApiKey, Membership, Tenant, User
from tenants.models.api_key import READ

MARK = "katal"
LONGEST_DAYS = 365
MOST_LIVE = 50
# Of the key: what says which one it is, and what proves it.
_KEY = re.compile(rf"{MARK}_([0-9a-f]{{8}})_([A-Za-z0-9_-]{{43}})\Z")
# A request a second must not be a write a second.
_USE_NOTED_EVERY = timedelta(minutes=1)


@transaction.atomic
def issue(
    *, by: User, tenant: Tenant, name: str, scopes: Collection[str], days: int
) -> tuple[ApiKey, str]:
    """Return a new key's row and its text, which nobody can read again."""
    if by.key is not None:
        raise NotPermitted(_("A key cannot make keys: sign in and make it there."))
    membership = _membership(by, tenant)
    chosen = _cleaned(scopes, rights.of_member(membership))
    if not 1 <= days <= LONGEST_DAYS:
        raise Refused(_("Between 1 and %(days)d days.") % {"days": LONGEST_DAYS}, field="days")
    if ApiKey.objects.live().filter(user=by).count() >= MOST_LIVE:
        raise Refused(_("You have %(n)d keys: revoke one first.") % {"n": MOST_LIVE})
    prefix, proof = f"{MARK}_{secrets.token_hex(4)}", secrets.token_urlsafe(32)
    text = f"{prefix}_{proof}"
    key = ApiKey.objects.create(
        user=by,
        tenant=tenant,
        name=name.strip(),
        prefix=prefix,
        digest=_digest(text),
        scopes=chosen,
        expires_at=timezone.now() + timedelta(days=days),
    )
    _log("api_key.issue", key, by, {"name": key.name, "scopes": chosen, "days": days})
    return key, text


def find(plaintext: str) -> ApiKey | None:
    """Return the live key with this text, its user ready to act with the key's rights.

    None for anything else: unknown, expired, revoked, of somebody no longer in the tenant, or
    without the second factor it requires.
    One query, and once a minute a write that notes the use.
    """
    if not _KEY.match(plaintext):
        return None
    found = (
        ApiKey.objects.live()
        .filter(
            digest=_digest(plaintext),
            user__is_active=True,
            user__memberships__tenant=F("tenant"),
        )
        .filter(Q(tenant__requires_second_factor=False) | Q(second_factor.exists("user")))
        .select_related("user", "tenant")
        .annotate(told_places=places.told("user"))
        .first()
    )
    if found is not None:
        found.user.key = found
        found.user.told_places = found.told_places
        _note_use(found)
    return found


@transaction.atomic
def revoke(*, by: User, key: ApiKey) -> None:
    """End a key at once. Its owner may, and who has the Team right in its tenant. Repeatable."""
    if key.user_id != by.pk:
        rights.require(by, key.tenant, rights.Right.TEAM)
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        _log("api_key.revoke", key, by, {"owner": key.user.email})


@transaction.atomic
def revoke_all(user: User, tenant: Tenant) -> None:
    """End every key a person has in a tenant: they leave it."""
    ApiKey.objects.filter(user=user, tenant=tenant, revoked_at=None).update(
        revoked_at=timezone.now()
    )


def _membership(by: User, tenant: Tenant) -> Membership:
    found = rights.memberships_of([by], [tenant]).first()
    if found is None:
        raise NotPermitted(_("You do not belong to this tenant."))
    return found


def _cleaned(scopes: Collection[str], own: Collection[str]) -> list[str]:
    """Return the scopes in order; nobody gives a key more than they have."""
    if list(scopes) == [READ]:
        return [READ]
    if not scopes:
        raise Refused(_("Choose at least one right, or reading only."), field="scopes")
    if not set(scopes) <= set(own):
        raise NotPermitted(_("A key cannot have rights that you lack."), field="scopes")
    return [right for right in rights.Right.values if right in scopes]


def _digest(text: str) -> str:
    """The text is random and long: one round of a fast hash is enough, and quick to find by."""
    return hashlib.sha256(text.encode()).hexdigest()


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > _USE_NOTED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
        key.last_used_at = now


def _log(action: str, key: ApiKey, by: User, told: dict[str, object]) -> None:
    operations.done(
        action,
        by=by,
        tenant=key.tenant,
        object_type="api_key",
        object_id=key.pk,
        object_name=f"{key.name} ({key.prefix})",
        parameters=told,
    )
