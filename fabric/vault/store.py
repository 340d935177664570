"""Seal and unseal secrets: AES-256-GCM under a random data key, itself wrapped by the passphrase.

A sealed text is bound to its place (`context`), so it opens nowhere else. Processes get the key
from VAULT_KEY_FILE (mode 0600, written at set-up) or from the passphrase in the environment.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from django.conf import settings
from django.db import IntegrityError, transaction

from fabric.vault.errors import BrokenSeal, VaultError, VaultLocked, WrongPassphrase
from fabric.vault.models import VaultKey

SCRYPT_COST = 2**15
_VERSION = "v1"
_WRAP_CONTEXT = b"katal data key"
_held: dict[str, bytes] = {}


def create(passphrase: str, *, cost: int = SCRYPT_COST) -> None:
    """Make the data key and leave it in the key file; raises VaultError when there is one."""
    salt, data_key = secrets.token_bytes(16), AESGCM.generate_key(256)
    nonce = secrets.token_bytes(12)
    wrapped = nonce + AESGCM(_derive(passphrase, salt, cost)).encrypt(
        nonce, data_key, _WRAP_CONTEXT
    )
    try:
        with transaction.atomic():
            VaultKey.objects.create(salt=salt, cost=cost, wrapped=wrapped)
    except IntegrityError as error:
        raise VaultError("This instance already has a configuration store.") from error
    _keep(data_key)


def open_with(passphrase: str) -> None:
    """Unwrap the data key with the passphrase and leave it in the key file (a second machine)."""
    _keep(_unwrap(passphrase))


def is_ready() -> bool:
    """Tell whether this process can seal."""
    try:
        _data_key()
    except VaultLocked:
        return False
    return True


def seal(plain: str, context: str) -> str:
    """Return the text encrypted for this place."""
    nonce = secrets.token_bytes(12)
    box = AESGCM(_data_key()).encrypt(nonce, plain.encode(), context.encode())
    return f"{_VERSION}:{base64.b64encode(nonce + box).decode()}"


def unseal(sealed: str, context: str) -> str:
    """Return the text sealed for this place; BrokenSeal when it is not."""
    version, _, body = sealed.partition(":")
    if version != _VERSION:
        raise BrokenSeal("The stored secret has an unknown form.")
    try:
        raw = base64.b64decode(body, validate=True)
        return AESGCM(_data_key()).decrypt(raw[:12], raw[12:], context.encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise BrokenSeal("The stored secret does not open with this key.") from error


def seal_json(values: dict[str, str], context: str) -> str:
    """Return named secrets encrypted as one text."""
    return seal(json.dumps(values), context)


def unseal_json(sealed: str, context: str) -> dict[str, str]:
    """Return the named secrets of a sealed text; {} when it is erased."""
    return dict(json.loads(unseal(sealed, context))) if sealed else {}


def forget() -> None:
    """Drop the key this process holds (tests, and after the store was replaced)."""
    _held.clear()


def _data_key() -> bytes:
    if "key" not in _held:
        _held["key"] = _load()
    return _held["key"]


def _load() -> bytes:
    path = Path(settings.VAULT_KEY_FILE)
    if path.exists():
        return base64.b64decode(path.read_text())
    if settings.VAULT_PASSPHRASE:
        return _unwrap(settings.VAULT_PASSPHRASE)
    raise VaultLocked(
        "The configuration store is locked. Finish the set-up page, or give this process the "
        "passphrase in KATAL_PASSPHRASE or KATAL_PASSPHRASE_FILE."
    )


def _unwrap(passphrase: str) -> bytes:
    row = VaultKey.objects.first()
    if row is None:
        raise VaultLocked("This instance is not set up yet.")
    wrapped = bytes(row.wrapped)
    key = _derive(passphrase, bytes(row.salt), row.cost)
    try:
        return AESGCM(key).decrypt(wrapped[:12], wrapped[12:], _WRAP_CONTEXT)
    except InvalidTag as error:
        raise WrongPassphrase("The passphrase is not the one given at set-up.") from error


def _derive(passphrase: str, salt: bytes, cost: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=cost, r=8, p=1).derive(passphrase.encode())


def _keep(data_key: bytes) -> None:
    """Write the key file, mode 0600 from its first byte, in one rename."""
    _held["key"] = data_key
    path = Path(settings.VAULT_KEY_FILE)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(base64.b64encode(data_key).decode())
    partial.replace(path)
