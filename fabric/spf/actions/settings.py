"""Settings of servers: connection strings, which may hold passwords.

They are kept sealed, and told without what is secret in them.
"""

from __future__ import annotations

import re
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import transaction

from fabric.odata.errors import BadRequest
from fabric.spf.actions.names import checked_name, unless_taken
from fabric.spf.models import ServerEntry, SettingType, SpfSetting
from fabric.vault import store
from fabric.vault.errors import VaultError

HIDDEN: Final = "********"
_LONGEST: Final = 4_000
_WORDS: Final = "password | passwd | pwd | key | secret | token | signature | passphrase"
# In quotes of either kind or braces a secret may hold semicolons, and the end of these doubled.
_SECRET = re.compile(
    rf"""(?ix) ( (?: {_WORDS} ) \s*=\s* )
    (?: " (?: [^"] | "" )* (?: " | \Z ) | ' (?: [^'] | '' )* (?: ' | \Z )
    | \{{ (?: [^}}] | \}}\}} )* (?: \}} | \Z ) )? [^;]*"""
)
# `https://user:password@host`
_IN_ADDRESS = re.compile(r"(?<=://)([^/\s:@]*:)[^\s;]*(?=@)")


def create_setting(name: str, setting_type: str, value: str, id: UUID | None = None) -> SpfSetting:
    """Keep a setting; raises Conflict, and VaultLocked while nothing can be sealed."""
    setting = SpfSetting(
        id=id or uuid4(), name=checked_name(name), setting_type=_checked_type(setting_type)
    )
    setting.sealed = _sealed(setting, value)
    _save(setting, force_insert=True)
    return setting


def change_setting(
    setting: SpfSetting,
    *,
    name: str | None = None,
    setting_type: str | None = None,
    value: str | None = None,
) -> None:
    """Change what is given; a value sent back as it was told changes nothing."""
    with transaction.atomic():
        held = SpfSetting.objects.select_for_update(of=("self",)).get(pk=setting.pk)
        if name is not None:
            held.name = checked_name(name)
        if setting_type is not None:
            held.setting_type = _checked_type(setting_type)
        if value is not None and value != told_value(held):
            held.sealed = _sealed(held, value)
        _save(held)


def remove_setting(setting: SpfSetting) -> None:
    """Forget a setting."""
    setting.delete()


def give_to(entry: ServerEntry, setting: SpfSetting) -> None:
    """Say which server a setting is of."""
    SpfSetting.objects.filter(pk=setting.pk).update(server=entry)


def take_from(entry: ServerEntry, setting: SpfSetting) -> None:
    """Say that a setting is no longer of a server."""
    SpfSetting.objects.filter(pk=setting.pk, server=entry).update(server=None)


def told_value(setting: SpfSetting) -> str | None:
    """The value without the secrets in it; None when it cannot be opened."""
    try:
        value = store.unseal(setting.sealed, _place(setting))
    except VaultError:
        return None
    return _IN_ADDRESS.sub(rf"\g<1>{HIDDEN}", _SECRET.sub(rf"\g<1>{HIDDEN}", value))


def _checked_type(name: str) -> str:
    for known in SettingType.values:
        if name.strip().lower() == known.lower():
            return str(known)
    words = " or ".join(SettingType.values)
    raise BadRequest(f"The parameter SettingType is {words}.")


def _sealed(setting: SpfSetting, value: str) -> str:
    if not value.strip() or len(value) > _LONGEST:
        raise BadRequest(f"The parameter Value needs 1 to {_LONGEST:,} characters.")
    if HIDDEN in value:
        raise BadRequest("The parameter Value has a hidden password: send the whole value.")
    return store.seal(value, _place(setting))


def _place(setting: SpfSetting) -> str:
    return f"spfsetting:{setting.pk}"


def _save(setting: SpfSetting, **options: Any) -> None:
    with unless_taken("There is a setting with this name or ID already."):
        setting.save(**options)
