"""Who is calling: Basic credentials checked against the accounts of this SPF.

A password hash is slow on purpose. A pair that was right is remembered for a few minutes, under a
keyed hash that holds no password and dies with the stored hash, so normal traffic costs
microseconds. Wrong passwords stay slow, one at a time, and are refused unread after ten a minute.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import threading
import time
from collections import OrderedDict
from typing import Final

from django.contrib.auth.hashers import check_password, make_password
from django.core.cache import cache
from django.db import connection
from django.utils.crypto import get_random_string, salted_hmac
from redis.exceptions import RedisError

from fabric.spf.models import Account

log = logging.getLogger(__name__)

REMEMBERED_SECONDS: Final = 300.0
REMEMBERED_PAIRS: Final = 1_000
FAILURES_A_MINUTE: Final = 10

_key = get_random_string(64).encode()
_remembered: OrderedDict[bytes, float] = OrderedDict()
_guard = threading.Lock()
_slow = threading.Lock()


class NotSignedIn(Exception):
    """No or wrong credentials; `retry_after` seconds when there were too many wrong ones."""

    def __init__(self, retry_after: int | None = None) -> None:
        super().__init__("not signed in")
        self.retry_after = retry_after


def sign_in(authorization: str | None, address: str) -> Account:
    """The active account an `Authorization` header names; raises NotSignedIn. One query."""
    username, password = _credentials(authorization)
    account = Account.objects.filter(username=username, is_active=True).first()
    if account is not None and _is_remembered(_digest(account, password)):
        return account
    slot = _slot(username, address)
    if _count(slot) >= FAILURES_A_MINUTE:
        raise NotSignedIn(retry_after=60)
    if account is None or not _verify(account, password):
        if account is None:
            _spend_as_much_time(password)
        _add(slot)
        log.warning("refused credentials from %s", address)
        raise NotSignedIn
    return account


def forget_all() -> None:
    """Forget every pair that was right before."""
    with _guard:
        _remembered.clear()


def _credentials(authorization: str | None) -> tuple[str, str]:
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        raise NotSignedIn
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise NotSignedIn from None
    username, colon, password = text.partition(":")
    # PostgreSQL takes no NUL; no account has one.
    if not colon or not username or "\0" in text:
        raise NotSignedIn
    # A local account may be named with its machine before it.
    return username.rpartition("\\")[2], password


def _verify(account: Account, password: str) -> bool:
    digest = _digest(account, password)
    _let_go()
    with _slow:
        # Another thread may have found out while this one was waiting.
        if _is_remembered(digest):
            return True
        if not check_password(password, account.password):
            return False
    with _guard:
        _remembered[digest] = time.monotonic() + REMEMBERED_SECONDS
        while len(_remembered) > REMEMBERED_PAIRS:
            _remembered.popitem(last=False)
    return True


def _spend_as_much_time(password: str) -> None:
    _let_go()
    with _slow:
        make_password(password)


def _let_go() -> None:
    """Give the connection back: many strangers waiting for a slow hash must not use up the pool."""
    if not connection.in_atomic_block:
        connection.close()


def _digest(account: Account, password: str) -> bytes:
    text = f"{account.username}\0{account.password}\0{password}"
    return hmac.digest(_key, text.encode(), "sha256")


def _is_remembered(digest: bytes) -> bool:
    now = time.monotonic()
    with _guard:
        until = _remembered.get(digest)
        if until is None:
            return False
        if until < now:
            del _remembered[digest]
            return False
        # Who calls all the time is never asked again, so strangers' guesses cannot keep them out.
        _remembered[digest] = now + REMEMBERED_SECONDS
        _remembered.move_to_end(digest)
        return True


def _slot(username: str, address: str) -> str:
    # The same in every process, and no cache key can be broken by what a stranger types.
    digest = salted_hmac("spf-refused", f"{username}\0{address}").hexdigest()
    return f"spf-refused:{digest}"


# Without its cache the service still answers; it only counts no failures then.
def _count(slot: str) -> int:
    try:
        return int(cache.get(slot) or 0)
    except (RedisError, OSError):
        return 0


def _add(slot: str) -> None:
    try:
        cache.add(slot, 0, timeout=60)
        cache.incr(slot)
    except (RedisError, OSError, ValueError):
        log.warning("failed sign-ins are not counted: the cache is away")
