"""Secrets open only with the passphrase's key, and only in the place they were sealed for."""

from __future__ import annotations

import stat

import pytest

from fabric.vault import store
from fabric.vault.errors import BrokenSeal, VaultError, VaultLocked, WrongPassphrase
from fabric.vault.models import VaultKey

pytestmark = pytest.mark.django_db


def test_what_is_sealed_here_opens_here_only(vault):
    sealed = vault.seal("Canary-1234", "provider:1")
    assert "Canary" not in sealed
    assert vault.unseal(sealed, "provider:1") == "Canary-1234"
    with pytest.raises(BrokenSeal):
        vault.unseal(sealed, "provider:2")


def test_an_altered_text_does_not_open(vault):
    sealed = vault.seal("Canary-1234", "provider:1")
    with pytest.raises(BrokenSeal):
        vault.unseal(sealed[:-4] + "AAA=", "provider:1")


def test_the_key_file_is_for_its_owner_only(vault, settings):
    assert stat.S_IMODE(settings.VAULT_KEY_FILE.stat().st_mode) == 0o600


def test_the_database_alone_opens_nothing(vault, settings):
    sealed = vault.seal("Canary-1234", "provider:1")
    settings.VAULT_KEY_FILE.unlink()
    vault.forget()
    assert not vault.is_ready()
    with pytest.raises(VaultLocked):
        vault.unseal(sealed, "provider:1")


def test_a_second_machine_joins_with_the_passphrase(vault, settings):
    sealed = vault.seal("Canary-1234", "provider:1")
    settings.VAULT_KEY_FILE.unlink()
    vault.forget()
    with pytest.raises(WrongPassphrase):
        vault.open_with("a wrong passphrase")
    settings.VAULT_PASSPHRASE = "a passphrase for tests"
    assert vault.unseal(sealed, "provider:1") == "Canary-1234"


def test_there_is_one_store(vault):
    with pytest.raises(VaultError):
        store.create("another passphrase", cost=2)
    assert VaultKey.objects.count() == 1
