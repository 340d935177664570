"""SSH keys a person keeps in the account."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _

from fabric.sshkeys import SshKey as Read
from portal.models import SshKey
from tenants.errors import Refused
from tenants.models import User

MOST_OF_A_PERSON = 50


def keys_of(person: User) -> Sequence[SshKey]:
    """Return a person's keys by name. One query."""
    return list(SshKey.objects.filter(user=person))


def keep(person: User, keys: Iterable[Read]) -> None:
    """Keep these as far as there is room; one that is there already stays as it is."""
    room = MOST_OF_A_PERSON - SshKey.objects.filter(user=person).count()
    SshKey.objects.bulk_create(
        [_row(person, key, key.comment) for key in keys][: max(room, 0)], ignore_conflicts=True
    )


def add(person: User, key: Read, name: str) -> SshKey:
    """Keep one key, or raise Refused."""
    mine = SshKey.objects.filter(user=person)
    if mine.filter(fingerprint=key.fingerprint).exists():
        raise Refused(_("This key is in your account already."), field="text")
    if mine.count() >= MOST_OF_A_PERSON:
        raise Refused(_("At most %(n)d keys.") % {"n": MOST_OF_A_PERSON})
    made = _row(person, key, name or key.comment)
    made.save()
    return made


def _row(person: User, key: Read, name: str) -> SshKey:
    return SshKey(
        user=person,
        name=(name or key.fingerprint)[:80],
        text=key.text,
        kind=key.kind,
        fingerprint=key.fingerprint,
    )
